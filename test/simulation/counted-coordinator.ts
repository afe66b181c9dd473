/** A session that counts what is asked of the tree through it. */
import type {
  Change,
  Committed,
  Coordinator,
  Rejected,
  SessionState,
  Watch,
  ZNode,
} from '../../coordinator-client/coordinator.ts';

export interface TreeCounts {
  /** Of the data of one znode. */
  reads: number;
  /** Of the names of a znode's children. */
  lists: number;
  /** Asked for, of any size, all or nothing: ZooKeeper replicates each and syncs it. */
  commits: number;
  /** Znodes that were created, changed or removed in them; a commit that is refused changes none. */
  writes: number;
  watches: number;
  /** How often a watch told somebody to look again. */
  fires: number;
}

export class CountedCoordinator implements Coordinator {
  readonly #session: Coordinator;
  readonly #counts: TreeCounts;

  constructor(session: Coordinator, counts: TreeCounts) {
    this.#session = session;
    this.#counts = counts;
  }

  get session(): SessionState {
    return this.#session.session;
  }

  get sessionId(): bigint {
    return this.#session.sessionId;
  }

  get sessionTimeoutMs(): number {
    return this.#session.sessionTimeoutMs;
  }

  onSession(changed: (state: SessionState) => void): Watch {
    return this.#session.onSession(changed);
  }

  read(path: string): Promise<ZNode | null> {
    this.#counts.reads++;
    return this.#session.read(path);
  }

  children(path: string): Promise<readonly string[] | null> {
    this.#counts.lists++;
    return this.#session.children(path);
  }

  async commit(changes: readonly Change[]): Promise<Committed | Rejected> {
    this.#counts.commits++;
    const outcome = await this.#session.commit(changes);
    if (outcome.ok) this.#counts.writes += changes.filter(({ op }) => op !== 'check').length;
    return outcome;
  }

  watch(path: string, what: 'node' | 'children', changed: () => void): Watch {
    this.#counts.watches++;
    return this.#session.watch(path, what, () => {
      this.#counts.fires++;
      changed();
    });
  }

  sync(): Promise<void> {
    return this.#session.sync();
  }

  close(): Promise<void> {
    return this.#session.close();
  }
}
