/**
 * The session as one term of office sees it: the stores of a term are made upon it. Once the term is over
 * every request rejects with TermOver, one under way as soon as it is answered (or with the failure that it
 * meets); so an event that waits for the tree, however deep inside a store, ends there and changes nothing.
 */
import type {
  Change,
  Committed,
  Coordinator,
  Rejected,
  SessionState,
  Watch,
  ZNode,
} from '../../coordinator-client/coordinator.ts';

/** This broker has stopped being the controller while an event was under way. Nothing is wrong. */
export class TermOver extends Error {
  override readonly name = 'TermOver';
}

export class TermCoordinator implements Coordinator {
  readonly #session: Coordinator;
  readonly #inOffice: () => void;

  /** `inOffice` throws TermOver once the term is over. */
  constructor(session: Coordinator, inOffice: () => void) {
    this.#session = session;
    this.#inOffice = inOffice;
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
    return this.#during(() => this.#session.read(path));
  }

  children(path: string): Promise<readonly string[] | null> {
    return this.#during(() => this.#session.children(path));
  }

  commit(changes: readonly Change[]): Promise<Committed | Rejected> {
    return this.#during(() => this.#session.commit(changes));
  }

  sync(): Promise<void> {
    return this.#during(() => this.#session.sync());
  }

  /** Throws TermOver. */
  watch(path: string, what: 'node' | 'children', changed: () => void): Watch {
    this.#inOffice();
    return this.#session.watch(path, what, changed);
  }

  close(): Promise<void> {
    return this.#session.close();
  }

  async #during<Answer>(request: () => Promise<Answer>): Promise<Answer> {
    this.#inOffice();
    const answer = await request();
    this.#inOffice();
    return answer;
  }
}
