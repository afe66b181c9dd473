/**
 * SCRAM at the client's end: proves that it knows the password, and makes sure that the other end is a
 * broker that knows it too, before anything else is said to it.
 * Source: RFC 5802; org.apache.kafka.common.security.scram.internals.ScramSaslClient.
 */
import { timingSafeEqual } from 'node:crypto';
import type { Random } from '../../platform/random.ts';
import { type SaslClient, SaslLoginError } from '../../protocol/login.ts';
import { scramNonce } from './scram-credential.ts';
import {
  clientKey,
  hash,
  MIN_SCRAM_ITERATIONS,
  proofOrKey,
  type ScramMechanism,
  saltedPassword,
  scramKeys,
  serverSignature,
} from './scram-formula.ts';
import {
  authMessage,
  clientFinalWithoutProof,
  clientFirst,
  parseServerFinal,
  parseServerFirst,
} from './scram-messages.ts';

/** A broker that asks for more would keep this process computing for it. */
const MOST_ITERATIONS = 1_000_000;

interface ScramLogin {
  readonly mechanism: ScramMechanism;
  readonly user: string;
  readonly password: string;
  /** The name is a delegation token's. */
  readonly tokenAuthentication: boolean;
  readonly random: Random;
}

export function scramClient(login: ScramLogin): SaslClient {
  const { mechanism, user, password, tokenAuthentication, random } = login;
  return {
    mechanism,
    async *tokens() {
      const extensions = new Map(tokenAuthentication ? [['tokenauth', 'true']] : []);
      const nonce = scramNonce(random);
      const first = clientFirst(user, nonce, extensions);
      const answer = parseServerFirst(yield Buffer.from(first.text));
      if (answer === null || !answer.nonce.startsWith(nonce) || answer.nonce === nonce) {
        throw new SaslLoginError('the broker’s answer to the first SCRAM message is none');
      }
      const { salt, iterations } = answer;
      if (iterations < MIN_SCRAM_ITERATIONS || iterations > MOST_ITERATIONS) {
        throw new SaslLoginError(
          `the broker asks for ${iterations} SCRAM iterations: between ${MIN_SCRAM_ITERATIONS} and ${MOST_ITERATIONS} are taken`,
        );
      }
      const salted = await saltedPassword(mechanism, password, salt, iterations);
      const { storedKey, serverKey } = scramKeys(mechanism, salted);
      const withoutProof = clientFinalWithoutProof(answer.nonce);
      const signed = authMessage(first.bare, answer.text, withoutProof);
      const proof = proofOrKey(mechanism, storedKey, signed, clientKey(mechanism, salted));
      const last = parseServerFinal(yield Buffer.from(`${withoutProof},p=${proof.toString('base64')}`));
      const expected = hash(mechanism, serverSignature(mechanism, serverKey, signed));
      const given = last !== null && 'signature' in last ? hash(mechanism, last.signature) : null;
      if (given === null || !timingSafeEqual(given, expected)) {
        throw new SaslLoginError('the broker does not know the password of this user: it may be an impostor');
      }
    },
  };
}
