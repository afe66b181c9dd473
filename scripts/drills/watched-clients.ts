/** Somebody's clients as the load of a drill: it begins when they produce, and tells what they were answered. */
import { pause } from './carry-out.ts';
import { clientsAcknowledged, clientsScore, clientsSeen, producersIn } from './client-answers.ts';
import type { ClientGateways } from './client-gateways.ts';
import { BROKERS, type DrilledCluster } from './drilled-cluster.ts';
import type { DrillLoad, LoadFindings } from './load.ts';
import type { Span } from './score.ts';

const LOOK_MS = 100;
const FIRST_ACK_MS = 30 * 60_000;

interface WatchedOptions {
  readonly gateways: ClientGateways;
  readonly cluster: DrilledCluster;
}

export class WatchedClients implements DrillLoad {
  /** What somebody's clients usually get is told by more than a moment. */
  readonly warmUpMs = 5000;
  readonly #options: WatchedOptions;
  #topic = '';

  constructor(options: WatchedOptions) {
    this.#options = options;
  }

  async begin(signal: AbortSignal): Promise<string> {
    const { answered } = this.#options.gateways;
    const deadlineMs = performance.now() + FIRST_ACK_MS;
    while (answered.firstTopic === null) {
      if (performance.now() > deadlineMs)
        throw new Error(`nothing was produced within ${FIRST_ACK_MS / 60_000} min`);
      await pause(LOOK_MS, signal);
    }
    this.#topic = answered.firstTopic;
    await this.#checkReplicas();
    return this.#topic;
  }

  acknowledged(): readonly number[] {
    return this.#options.gateways.answered.acknowledgedIn(this.#topic);
  }

  findings(during: Span): Promise<LoadFindings> {
    const { all, isFull } = this.#options.gateways.answered;
    const watched = { requests: all, isPartial: isFull, during, untilMs: Date.now() };
    const clients = clientsSeen(watched);
    return Promise.resolve({
      score: clientsScore(watched, clients),
      acknowledgements: clientsAcknowledged(watched, clients),
      lanes: producersIn(clients).map(({ clientId }) => clientId),
      clients,
    });
  }

  /** They are not ours to end. */
  close(): Promise<void> {
    return Promise.resolve();
  }

  /** A drill speaks of a leader and two followers. */
  async #checkReplicas(): Promise<void> {
    const { topics } = await this.#options.cluster.newest();
    const partitions = topics.find(({ name }) => name === this.#topic)?.partitions ?? [];
    const few = partitions.find(({ replicaNodes }) => replicaNodes.length < BROKERS);
    if (few !== undefined)
      throw new Error(
        `topic ${this.#topic} has ${few.replicaNodes.length} replicas; a drill needs ${BROKERS}`,
      );
  }
}
