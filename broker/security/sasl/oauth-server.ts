/**
 * OAUTHBEARER at the broker's end. Whether a token is good is its judge's business. Whoever shows one that is
 * not is told why in JSON, as if the exchange went on, and fails with whatever it says next: so a client
 * learns the reason, and one connection tries one token.
 * Source: RFC 7628; OAuthBearerSaslServer of Kafka.
 */
import { userNamed } from '../principal.ts';
import {
  type SaslExchange,
  type SaslMechanism,
  type SaslStep,
  toldFailure,
  untoldFailure,
} from './mechanism.ts';
import { bearerError, parseBearerMessage } from './oauth-messages.ts';

/** What is thought of a token. */
export type TokenVerdict =
  | {
      readonly kind: 'good';
      readonly principal: string;
      /** Wall time. */
      readonly expiresAtMs: number;
    }
  | {
      readonly kind: 'bad';
      /** What the token would have had to allow; null: it is no good at all. */
      readonly missingScope: string | null;
      /** For the log; holds nothing secret. */
      readonly reason: string;
    };

/** Judges tokens as they are at this moment. */
export type TokenJudge = (token: string) => TokenVerdict | Promise<TokenVerdict>;

const EMPTY = Buffer.alloc(0);

export function bearerMechanism(judge: TokenJudge): SaslMechanism {
  return { name: 'OAUTHBEARER', begin: () => new BearerExchange(judge) };
}

/** A token that is no good. */
export function badToken(reason: string, missingScope: string | null = null): TokenVerdict {
  return { kind: 'bad', missingScope, reason };
}

class BearerExchange implements SaslExchange {
  readonly #judge: TokenJudge;
  /** What the client has been told of its token, and what the log is. */
  #failure: { readonly told: string; readonly reason: string } | null = null;

  constructor(judge: TokenJudge) {
    this.#judge = judge;
  }

  step(message: Buffer): SaslStep | Promise<SaslStep> {
    if (this.#failure !== null) return { kind: 'failed', ...this.#failure };
    const said = parseBearerMessage(message);
    if (typeof said === 'string') return untoldFailure(said);
    const verdict = this.#judge(said.token);
    return verdict instanceof Promise
      ? verdict.then((found) => this.#concluded(found, said.authorizationId))
      : this.#concluded(verdict, said.authorizationId);
  }

  #concluded(verdict: TokenVerdict, authorizationId: string): SaslStep {
    if (verdict.kind === 'bad') {
      const { missingScope, reason } = verdict;
      const status = missingScope === null ? 'invalid_token' : 'insufficient_scope';
      const told = bearerError(status, missingScope);
      this.#failure = { told, reason: `${status}: ${reason}` };
      return { kind: 'challenge', token: Buffer.from(told) };
    }
    const { principal, expiresAtMs } = verdict;
    if (authorizationId !== '' && authorizationId !== principal) {
      return toldFailure(
        `Authentication failed: Client requested an authorization id (${authorizationId}) that is different from the token's principal name (${principal})`,
      );
    }
    return { kind: 'done', token: EMPTY, principal: userNamed(principal), expiresAtMs };
  }
}
