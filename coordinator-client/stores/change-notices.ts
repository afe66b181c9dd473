/**
 * Notices about changes: sequential nodes below one parent, each naming what is to be read again. Whoever
 * follows them remembers the last that it has taken in; they go when every broker must have seen them.
 * Source: kafka.common.ZkNodeChangeNotificationListener.
 */
import type { Coordinator } from '../coordinator.ts';
import { sequenceNumber } from '../znodes/config-znodes.ts';
import { commitKnown, pipelined } from './commits.ts';

/** Where notices of one kind lie, and how one is read. */
interface NoticeKind<Subject> {
  readonly parent: string;
  /** Throws for data that is no notice. */
  decode(path: string, data: Buffer): Subject;
}

interface Notice<Subject> {
  readonly node: string;
  readonly sequence: number;
  /** null: the notice is gone or cannot be read. */
  readonly subject: Subject | null;
}

export class ChangeNotices<Subject> {
  readonly parent: string;
  readonly #coordinator: Coordinator;
  readonly #kind: NoticeKind<Subject>;

  constructor(coordinator: Coordinator, kind: NoticeKind<Subject>) {
    this.parent = kind.parent;
    this.#coordinator = coordinator;
    this.#kind = kind;
  }

  /** Notices whose sequence is greater than `sequence`, in order. */
  async after(sequence: number): Promise<Notice<Subject>[]> {
    const newer = (await this.#names())
      .map((node) => ({ node, sequence: sequenceNumber(node) }))
      .filter((notice) => notice.sequence > sequence)
      .sort((a, b) => a.sequence - b.sequence);
    return pipelined(newer, async (notice) => ({ ...notice, subject: await this.#subject(notice.node) }));
  }

  /** The sequence of the newest; -1 when there is none. */
  async newest(): Promise<number> {
    return (await this.#names()).reduce((newest, node) => Math.max(newest, sequenceNumber(node)), -1);
  }

  /** Removes notices older than `olderThanMs`, by the creation time of their nodes. */
  async purge(nowMs: number, olderThanMs: number): Promise<void> {
    await pipelined(await this.#names(), async (node) => {
      const path = `${this.parent}/${node}`;
      const read = await this.#coordinator.read(path);
      if (read === null || nowMs - read.createdMs <= olderThanMs) return;
      await commitKnown(this.#coordinator, [{ op: 'remove', path, version: read.version }]);
    });
  }

  async #names(): Promise<readonly string[]> {
    return (await this.#coordinator.children(this.parent)) ?? [];
  }

  async #subject(node: string): Promise<Subject | null> {
    const path = `${this.parent}/${node}`;
    const read = await this.#coordinator.read(path);
    if (read === null) return null;
    try {
      return this.#kind.decode(path, read.data);
    } catch {
      return null;
    }
  }
}
