/**
 * SCRAM at the broker's end: the client proves that it knows the password, and the broker that it knows
 * the keys made of it. With `tokenauth=true` the name is a delegation token's, and its owner is logged in.
 * Source: RFC 5802; org.apache.kafka.common.security.scram.internals.ScramSaslServer.
 */
import { timingSafeEqual } from 'node:crypto';
import type { Random } from '../../platform/random.ts';
import { type Principal, userNamed } from '../principal.ts';
import {
  type SaslExchange,
  type SaslMechanism,
  type SaslStep,
  toldFailure,
  untoldFailure,
} from './mechanism.ts';
import { type ScramCredential, scramNonce } from './scram-credential.ts';
import type { ScramLookup } from './scram-credentials.ts';
import {
  hash,
  MIN_SCRAM_ITERATIONS,
  proofOrKey,
  type ScramMechanism,
  serverSignature,
} from './scram-formula.ts';
import {
  authMessage,
  type ClientFirst,
  parseClientFinal,
  parseClientFirst,
  serverFirst,
} from './scram-messages.ts';

const TOKEN_AUTHENTICATION = 'tokenauth';

interface ScramParts {
  readonly mechanism: ScramMechanism;
  readonly lookup: ScramLookup;
  readonly random: Random;
}

export function scramMechanism(parts: ScramParts): SaslMechanism {
  return { name: parts.mechanism, begin: () => new ScramExchange(parts) };
}

/** Who logs in, and by what. */
interface Claim {
  readonly credential: ScramCredential;
  readonly principal: Principal;
  readonly expiresAtMs: number | null;
}

/** What was said so far; null before the client's first message. */
interface Opening {
  readonly claim: Claim;
  readonly bare: string;
  readonly serverFirst: string;
  readonly nonce: string;
}

class ScramExchange implements SaslExchange {
  readonly #parts: ScramParts;
  #opening: Opening | null = null;

  constructor(parts: ScramParts) {
    this.#parts = parts;
  }

  step(token: Buffer): SaslStep | Promise<SaslStep> {
    return this.#opening === null ? this.#open(token) : this.#close(token, this.#opening);
  }

  #open(token: Buffer): SaslStep | Promise<SaslStep> {
    const first = parseClientFirst(token);
    if (first === null) return untoldFailure('Invalid SCRAM client first message format');
    const claim = this.#claimOf(first);
    if (claim instanceof Promise) return claim.then((known) => this.#challenge(first, known));
    return this.#challenge(first, claim);
  }

  #challenge(first: ClientFirst, claim: Claim | null): SaslStep {
    const { mechanism, random } = this.#parts;
    if (claim === null) return untoldFailure('Authentication failed: Invalid user credentials');
    if (first.authorizationId !== '' && first.authorizationId !== first.user) {
      return toldFailure(
        'Authentication failed: Client requested an authorization id that is different from username',
      );
    }
    const { salt, iterations } = claim.credential;
    if (iterations < MIN_SCRAM_ITERATIONS) {
      const reason = `Iterations ${iterations} is less than the minimum ${MIN_SCRAM_ITERATIONS} for ${mechanism}`;
      return untoldFailure(reason);
    }
    const nonce = `${first.nonce}${scramNonce(random)}`;
    const text = serverFirst(nonce, salt, iterations);
    this.#opening = { claim, bare: first.bare, serverFirst: text, nonce };
    return { kind: 'challenge', token: Buffer.from(text) };
  }

  #claimOf({ user, extensions }: ClientFirst): Claim | null | Promise<Claim | null> {
    const { mechanism, lookup } = this.#parts;
    if (extensions.get(TOKEN_AUTHENTICATION)?.toLowerCase() !== 'true') {
      const credential = lookup.user(mechanism, user);
      return credential === undefined ? null : { credential, principal: userNamed(user), expiresAtMs: null };
    }
    return lookup.token(mechanism, user).then((token) => {
      if (token === undefined) return null;
      const { credential, owner, expiresAtMs } = token;
      return { credential, principal: { ...owner, tokenAuthenticated: true }, expiresAtMs };
    });
  }

  #close(token: Buffer, { claim, bare, serverFirst: said, nonce }: Opening): SaslStep {
    const { mechanism } = this.#parts;
    const final = parseClientFinal(token);
    if (final === null) return untoldFailure('Invalid SCRAM client final message format');
    // As in Kafka 3.9: librdkafka up to 2.6 says its own nonce twice. The proof covers what was said either way.
    if (!final.nonce.endsWith(nonce))
      return untoldFailure('Invalid client nonce in the final client message.');
    const { credential, principal, expiresAtMs } = claim;
    const signed = authMessage(bare, said, final.withoutProof);
    const key = proofOrKey(mechanism, credential.storedKey, signed, final.proof);
    const keyHash = hash(mechanism, key);
    if (keyHash.length !== credential.storedKey.length || !timingSafeEqual(keyHash, credential.storedKey)) {
      return untoldFailure('Invalid client credentials');
    }
    const signature = serverSignature(mechanism, credential.serverKey, signed);
    return { kind: 'done', token: Buffer.from(`v=${signature.toString('base64')}`), principal, expiresAtMs };
  }
}
