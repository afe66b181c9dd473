/**
 * Delegation tokens made, renewed, ended and listed, on whichever broker is asked; and those that have expired
 * removed, by the controller. Source: kafka.server.DelegationTokenManager, DelegationTokenManagerZk.
 */
import type { TokenStore } from '../../../coordinator-client/stores/token-store.ts';
import { ErrorCode, failure, type Outcome, success } from '../../errors.ts';
import type { Clock } from '../../platform/clock.ts';
import type { Diagnostics } from '../../platform/diagnostics.ts';
import { type Random, randomUuid } from '../../platform/random.ts';
import { type Principal, principalText } from '../principal.ts';
import { isExpired, ownsOrRenews, storedTokenOf, type Token } from './token.ts';
import type { TokenSet } from './token-set.ts';

interface TokenManagerOptions {
  /** Of the current session. */
  readonly store: () => TokenStore;
  readonly tokens: TokenSet;
  /** delegation.token.max.lifetime.ms */
  readonly maxLifetimeMs: number;
  /** delegation.token.expiry.time.ms: how long a token lives until it has to be renewed. */
  readonly renewalMs: number;
  readonly clock: Clock;
  readonly random: Random;
  readonly diagnostics: Diagnostics;
}

/** What a token is to be. */
interface WantedToken {
  readonly owner: Principal;
  readonly requester: Principal;
  readonly renewers: readonly Principal[];
  /** 0 and less: as long as it may. */
  readonly maxLifetimeMs: number;
}

/** A token with its secret, for whoever may have it. */
export interface IssuedToken extends Token {
  readonly hmac: Buffer;
}

export class TokenManager {
  readonly #options: TokenManagerOptions;

  constructor(options: TokenManagerOptions) {
    this.#options = options;
  }

  /** How many tokens there are, as far as this broker knows. */
  get count(): number {
    return this.#options.tokens.count;
  }

  /** Rejects when ZooKeeper can't be reached, as the next two. */
  async create({ owner, requester, renewers, maxLifetimeMs }: WantedToken): Promise<IssuedToken> {
    const { store, tokens, clock, random, diagnostics } = this.#options;
    const issuedMs = clock.wallMs();
    const longestMs = this.#options.maxLifetimeMs;
    const maxMs = after(issuedMs, maxLifetimeMs <= 0 ? longestMs : Math.min(maxLifetimeMs, longestMs));
    const expiryMs = Math.min(maxMs, after(issuedMs, this.#options.renewalMs));
    const token = { tokenId: randomUuid(random), owner, requester, renewers, issuedMs, maxMs, expiryMs };
    await store().create(storedTokenOf(token));
    tokens.put(token);
    diagnostics.info(`Created a delegation token: ${token.tokenId} for owner: ${principalText(owner)}`);
    return this.issued(token);
  }

  /** Lets the token live `periodMs` from now, or as long as is usual when that is negative; until when it does. */
  async renew(principal: Principal, hmac: Buffer, periodMs: number): Promise<Outcome<number>> {
    const found = this.#usable(principal, hmac);
    if (!found.ok) return found;
    return this.#live(found.value, periodMs < 0 ? this.#options.renewalMs : periodMs);
  }

  /** Lets the token live `periodMs` from now, or ends it at once when that is negative; until when it does. */
  async expire(principal: Principal, hmac: Buffer, periodMs: number): Promise<Outcome<number>> {
    if (periodMs >= 0) {
      const found = this.#usable(principal, hmac);
      return found.ok ? this.#live(found.value, periodMs) : found;
    }
    const owned = this.#owned(principal, hmac);
    if (!owned.ok) return owned;
    await this.#remove(owned.value);
    return success(this.#options.clock.wallMs());
  }

  /** As they are now. */
  all(): readonly Token[] {
    return [...this.#options.tokens.all];
  }

  /** The token with its secret. */
  issued(token: Token): IssuedToken {
    return { ...token, hmac: this.#options.tokens.hmacOf(token) };
  }

  /** Removes what has expired. */
  async removeExpired(): Promise<void> {
    const { tokens, clock } = this.#options;
    const expired = [...tokens.all].filter((token) => isExpired(token, clock.wallMs()));
    for (const token of expired) await this.#remove(token);
  }

  async #live(token: Token, periodMs: number): Promise<Outcome<number>> {
    const { store, tokens, clock, diagnostics } = this.#options;
    const renewed = { ...token, expiryMs: Math.min(token.maxMs, after(clock.wallMs(), periodMs)) };
    // Another broker has ended it, and the notice has not come yet.
    if (!(await store().replace(storedTokenOf(renewed))))
      return failure(ErrorCode.DELEGATION_TOKEN_NOT_FOUND);
    tokens.put(renewed);
    const owner = principalText(token.owner);
    diagnostics.info(`Delegation token ${token.tokenId} of ${owner} lives until ${renewed.expiryMs}`);
    return success(renewed.expiryMs);
  }

  async #remove(token: Token): Promise<void> {
    const { store, tokens, diagnostics } = this.#options;
    await store().remove(token.tokenId);
    tokens.remove(token.tokenId);
    const owner = principalText(token.owner);
    diagnostics.info(`Token expired for token: ${token.tokenId} for owner: ${owner}`);
  }

  /** One that may still be changed. */
  #usable(principal: Principal, hmac: Buffer): Outcome<Token> {
    const owned = this.#owned(principal, hmac);
    const expired = owned.ok && isExpired(owned.value, this.#options.clock.wallMs());
    return expired ? failure(ErrorCode.DELEGATION_TOKEN_EXPIRED) : owned;
  }

  #owned(principal: Principal, hmac: Buffer): Outcome<Token> {
    const token = this.#options.tokens.withHmac(hmac);
    if (token === null) return failure(ErrorCode.DELEGATION_TOKEN_NOT_FOUND);
    const may = ownsOrRenews(principal, token);
    return may ? success(token) : failure(ErrorCode.DELEGATION_TOKEN_OWNER_MISMATCH);
  }
}

/** Periods may be as long as clients like; a time beyond what fits a number is one that never comes. */
function after(wallMs: number, periodMs: number): number {
  return Math.min(Number.MAX_SAFE_INTEGER, wallMs + periodMs);
}
