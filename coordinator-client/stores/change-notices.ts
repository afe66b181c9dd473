/**
 * Notices about changes: sequential nodes below one parent, each naming what is to be read again. Whoever
 * follows them remembers the last that it has taken in; they go when every broker must have seen them.
 * Source: kafka.common.ZkNodeChangeNotificationListener.
 */
import { ANY_VERSION, type Coordinator, type ZNode } from '../coordinator.ts';
import { sequenceNumber } from '../znodes/config-znodes.ts';
import { commitKnown, pipelined } from './commits.ts';

/** Where notices of one kind lie, and how one is read. */
interface NoticeKind<Subject> {
  readonly parent: string;
  /** Path that the ten digits of a notice follow. */
  readonly prefix: string;
  /** Throws for data that is no notice. */
  decode(path: string, data: Buffer): Subject;
}

interface Notice<Subject> {
  readonly node: string;
  readonly sequence: number;
  /** null: the notice is gone or cannot be read. */
  readonly subject: Subject | null;
}

const SEQUENCE_DIGITS = 10;
/** Beyond the first, so many are looked at together when old ones go. */
const PURGED_TOGETHER = 100;

export class ChangeNotices<Subject> {
  readonly parent: string;
  readonly #coordinator: Coordinator;
  readonly #kind: NoticeKind<Subject>;
  /** What a notice's name begins with. */
  readonly #prefix: string;
  /** Nodes as of the last look, oldest first: they differ by their numbers only, all of ten digits. */
  #present: readonly string[] = [];
  /** When they were made, as far as it is known. Not more than there are. */
  readonly #createdMs = new Map<string, number>();

  constructor(coordinator: Coordinator, kind: NoticeKind<Subject>) {
    this.parent = kind.parent;
    this.#coordinator = coordinator;
    this.#kind = kind;
    this.#prefix = kind.prefix.slice(kind.parent.length + 1);
  }

  /** Looks which notices there are, for all that follows; how many. Nodes with other names are none. */
  async look(): Promise<number> {
    const names = (await this.#coordinator.children(this.parent)) ?? [];
    this.#present = names.filter((name) => this.#isNotice(name));
    if (this.#createdMs.size > this.#present.length) this.#forgetGone();
    return this.#present.length;
  }

  /** The sequence of the newest; -1 when there is none. */
  get newest(): number {
    const node = this.#present.at(-1);
    return node === undefined ? -1 : sequenceNumber(node);
  }

  /** Notices whose sequence is greater than `sequence`, in order; the first of them when there are more than `most`. */
  after(sequence: number, most = Number.POSITIVE_INFINITY): Promise<Notice<Subject>[]> {
    const from = this.#countUpTo(sequence);
    return pipelined(this.#present.slice(from, from + most), async (node) => ({
      ...{ node, sequence: sequenceNumber(node) },
      subject: await this.#subject(node),
    }));
  }

  /**
   * Removes notices older than `olderThanMs`, by the creation time of their nodes. They have been made in their order:
   * the first that is not so old ends the search.
   */
  async purge(nowMs: number, olderThanMs: number): Promise<void> {
    const isOld = async (node: string): Promise<boolean> => {
      const createdMs = this.#createdMs.get(node) ?? (await this.#read(node))?.createdMs;
      return createdMs === undefined || nowMs - createdMs > olderThanMs;
    };
    for (let count = 1; ; count = PURGED_TOGETHER) {
      const oldest = this.#present.slice(0, count);
      const old = (await pipelined(oldest, isOld)).indexOf(false);
      const going = old < 0 ? oldest : oldest.slice(0, old);
      await pipelined(going, (node) => this.#remove(node));
      this.#present = this.#present.slice(going.length);
      if (going.length < count) return;
    }
  }

  #isNotice(name: string): boolean {
    const digits = name.slice(this.#prefix.length);
    return digits.length === SEQUENCE_DIGITS && name.startsWith(this.#prefix) && !/\D/.test(digits);
  }

  /** How many of those present have no greater sequence; found by halves. */
  #countUpTo(sequence: number): number {
    const last = this.#prefix + String(sequence).padStart(SEQUENCE_DIGITS, '0');
    let [from, to] = [0, sequence < 0 ? 0 : this.#present.length];
    while (from < to) {
      const middle = Math.floor((from + to) / 2);
      if ((this.#present[middle] ?? '') <= last) from = middle + 1;
      else to = middle;
    }
    return from;
  }

  async #subject(node: string): Promise<Subject | null> {
    const read = await this.#read(node);
    if (read === null) return null;
    try {
      return this.#kind.decode(this.#pathOf(node), read.data);
    } catch {
      return null;
    }
  }

  async #read(node: string): Promise<ZNode | null> {
    const read = await this.#coordinator.read(this.#pathOf(node));
    if (read !== null) this.#createdMs.set(node, read.createdMs);
    return read;
  }

  /** Other brokers remove them as well. */
  async #remove(node: string): Promise<void> {
    await commitKnown(this.#coordinator, [{ op: 'remove', path: this.#pathOf(node), version: ANY_VERSION }]);
    this.#createdMs.delete(node);
  }

  #forgetGone(): void {
    const present = new Set(this.#present);
    for (const node of this.#createdMs.keys()) if (!present.has(node)) this.#createdMs.delete(node);
  }

  #pathOf(node: string): string {
    return `${this.parent}/${node}`;
  }
}
