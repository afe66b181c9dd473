/**
 * What a reader's client may do to the cluster as a whole. The cluster itself is asked, with the reader's own
 * connection, and asked again every few seconds: an ACL that is taken away counts here as soon. What shows the
 * cluster from within (journals, sessions) takes DESCRIBE on it, and what shows or touches everything (znodes,
 * where credentials are; faults) takes ALTER. Without an authorizer everybody may.
 */
import { DescribeCluster } from '../../broker/protocol/messages/60-describe-cluster.ts';
import { Operation } from '../../broker/security/operations.ts';
import type { AdminClient } from '../cli/admin-client.ts';
import { Forbidden } from './refusals.ts';

export type ClusterRight = 'DESCRIBE' | 'ALTER';

const FRESH_MS = 2000;

export class ClusterRights {
  readonly #admin: Pick<AdminClient, 'askAnyBroker'>;
  readonly #nowMs: () => number;
  #bits = 0;
  #askedMs = Number.NEGATIVE_INFINITY;
  #asking: Promise<void> | null = null;

  constructor(admin: Pick<AdminClient, 'askAnyBroker'>, nowMs: () => number) {
    this.#admin = admin;
    this.#nowMs = nowMs;
  }

  /** As it was answered last, while the next answer is fetched where that was long ago. */
  known(right: ClusterRight): boolean {
    void this.#freshen();
    return this.#has(right);
  }

  async may(right: ClusterRight): Promise<boolean> {
    await this.#freshen();
    return this.#has(right);
  }

  /** Rejects with Forbidden. */
  async need(right: ClusterRight): Promise<void> {
    if (!(await this.may(right))) throw new Forbidden(`this takes ${right} on the cluster`);
  }

  #has(right: ClusterRight): boolean {
    return (this.#bits & (1 << Operation[right])) !== 0;
  }

  #freshen(): Promise<void> {
    if (this.#nowMs() - this.#askedMs < FRESH_MS) return Promise.resolve();
    this.#asking ??= this.#ask().finally(() => {
      this.#asking = null;
    });
    return this.#asking;
  }

  /** While no broker answers, what was answered last counts: it is then that there is most to be seen. */
  async #ask(): Promise<void> {
    try {
      const answer = await this.#admin.askAnyBroker(DescribeCluster, {
        includeClusterAuthorizedOperations: true,
      });
      this.#bits = Math.max(0, answer.clusterAuthorizedOperations);
      this.#askedMs = this.#nowMs();
    } catch {
      // Asked again with the next question.
    }
  }
}
