/**
 * What a SASL mechanism is to this broker: it makes an exchange for each login, and the exchange is fed the
 * client's tokens until it knows who that is. Nothing here knows of frames or connections.
 * Source: javax.security.sasl.SaslServer, as Kafka uses it.
 */
import type { Principal } from '../principal.ts';

/** What comes of one token. */
export type SaslStep =
  /** The client is to answer this. */
  | { readonly kind: 'challenge'; readonly token: Buffer }
  | {
      readonly kind: 'done';
      readonly token: Buffer;
      readonly principal: Principal;
      /** Wall time at which what the client has shown is no longer good; null: it says nothing of that. */
      readonly expiresAtMs: number | null;
    }
  | {
      readonly kind: 'failed';
      /** What the client is told; null: only that it has failed, for the reason may help who is guessing. */
      readonly told: string | null;
      /** For the log; never a secret. */
      readonly reason: string;
    };

/** One login. Tokens are valid during the call only; steps are asked for one after the other. */
export interface SaslExchange {
  step(token: Buffer): SaslStep | Promise<SaslStep>;
}

export interface SaslMechanism {
  readonly name: string;
  /** A new login. */
  begin(): SaslExchange;
}

/** The mechanisms that can be enabled. */
export const MECHANISMS = ['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512', 'OAUTHBEARER'] as const;
export type MechanismName = (typeof MECHANISMS)[number];

/** A failure of which the client is told the reason. */
export function toldFailure(reason: string): SaslStep {
  return { kind: 'failed', told: reason, reason };
}

/** A failure of which the client is told no more than that. */
export function untoldFailure(reason: string): SaslStep {
  return { kind: 'failed', told: null, reason };
}
