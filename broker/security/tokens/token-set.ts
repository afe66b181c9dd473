/**
 * The delegation tokens that this broker knows, by id and by secret; and what a login by one of them needs.
 * Source: org.apache.kafka.common.security.token.delegation.internals.DelegationTokenCache.
 */
import type { Principal } from '../principal.ts';
import { isExpired, type Token, tokenHmac } from './token.ts';

/** By which the client of a token proves itself, in SCRAM with `tokenauth=true`. */
interface TokenCredential {
  /** Who the client is then. */
  readonly owner: Principal;
  /** What stands for a password: the token's secret in base64. */
  readonly password: string;
  /** Until when the login counts. */
  readonly expiryMs: number;
}

/** `#idBySecret` has an entry for each token of `#tokens`, and no other. */
export class TokenSet {
  readonly #secretKey: string;
  readonly #tokens = new Map<string, Token>();
  readonly #idBySecret = new Map<string, string>();

  /** `secretKey`: delegation.token.secret.key. */
  constructor(secretKey: string) {
    this.#secretKey = secretKey;
  }

  get all(): Iterable<Token> {
    return this.#tokens.values();
  }

  has(tokenId: string): boolean {
    return this.#tokens.has(tokenId);
  }

  get count(): number {
    return this.#tokens.size;
  }

  put(token: Token): void {
    this.#tokens.set(token.tokenId, token);
    this.#idBySecret.set(this.#secretText(token.tokenId), token.tokenId);
  }

  remove(tokenId: string): void {
    this.#tokens.delete(tokenId);
    this.#idBySecret.delete(this.#secretText(tokenId));
  }

  replaceAll(tokens: readonly Token[]): void {
    this.#tokens.clear();
    this.#idBySecret.clear();
    for (const token of tokens) this.put(token);
  }

  /** The token of that secret. */
  withHmac(hmac: Buffer): Token | null {
    const tokenId = this.#idBySecret.get(hmac.toString('base64'));
    return (tokenId === undefined ? undefined : this.#tokens.get(tokenId)) ?? null;
  }

  hmacOf({ tokenId }: Token): Buffer {
    return tokenHmac(tokenId, this.#secretKey);
  }

  /** null: there is no such token, or it has expired. */
  credentialOf(tokenId: string, wallMs: number): TokenCredential | null {
    const token = this.#tokens.get(tokenId);
    if (token === undefined || isExpired(token, wallMs)) return null;
    return { owner: token.owner, password: this.#secretText(tokenId), expiryMs: token.expiryMs };
  }

  #secretText(tokenId: string): string {
    return tokenHmac(tokenId, this.#secretKey).toString('base64');
  }
}
