/**
 * Delegation tokens as they stand in ZooKeeper. Whoever makes, changes or removes one leaves a notice, and
 * every broker reads it again. Source: kafka.server.DelegationTokenManagerZk.
 */
import type { ClusterStore } from '../../coordinator-client/stores/cluster-store.ts';
import type { TokenStore } from '../../coordinator-client/stores/token-store.ts';
import type { StoredToken } from '../../coordinator-client/znodes/security-znodes.ts';
import type { Unreadable } from '../../coordinator-client/znodes/znode-json.ts';
import type { Clock } from '../platform/clock.ts';
import type { Diagnostics } from '../platform/diagnostics.ts';
import { NoticeFollower } from './notice-follower.ts';

interface TokenFeedOptions {
  readonly clock: Clock;
  readonly diagnostics: Diagnostics;
  /** All tokens there are. */
  readonly onAll: (tokens: readonly StoredToken[]) => void;
  /** One of them; null when it is gone, or spoilt, so that nobody logs in by it. */
  readonly onToken: (tokenId: string, token: StoredToken | null) => void;
}

/** Follows one store at a time. While it is stopped the tokens stay as they were last known. */
export class TokenFeed {
  readonly #options: TokenFeedOptions;
  readonly #notices: NoticeFollower<string>;
  /** Of the session that is followed; null while stopped. */
  #store: TokenStore | null = null;

  constructor(options: TokenFeedOptions) {
    this.#options = options;
    const { clock, diagnostics } = options;
    const reread = (tokenId: string): Promise<void> => this.#reread(tokenId);
    this.#notices = new NoticeFollower({
      clock,
      diagnostics,
      what: 'delegation token',
      keyOf: (id) => id,
      reread,
    });
  }

  readonly #unreadable: Unreadable = (error) =>
    this.#options.diagnostics.error('going on without a delegation token that can’t be read', error);

  /** Reads all tokens and follows their changes. */
  async start({ tokens, coordinator }: ClusterStore): Promise<void> {
    this.stop();
    this.#store = tokens;
    await tokens.ensurePaths();
    await this.#notices.watch(tokens.changes, coordinator);
    const found = await tokens.readAll(this.#unreadable);
    if (this.#store !== tokens) return;
    this.#options.onAll(found);
    this.#notices.follow();
  }

  stop(): void {
    this.#notices.stop();
    this.#store = null;
  }

  async #reread(tokenId: string): Promise<void> {
    const store = this.#store;
    if (store === null) return;
    const token = await store.read(tokenId, this.#unreadable);
    if (this.#store === store) this.#options.onToken(tokenId, token);
  }
}
