/**
 * The first messages on the peer port: a hello and a proof that were right, or made with another secret. Nobody is
 * welcomed who does not know the secret, and what is no message is refused as one.
 */
import { decodeEnvelope, encodeEnvelope, MalformedMessage } from '../../../broker/peers/envelope.ts';
import {
  type Challenge,
  type Hello,
  NONCE_BYTES,
  PROTOCOL_REVISION,
  proofOf,
  readHandshakeMessage,
  sameBytes,
} from '../../../broker/peers/handshake.ts';
import type { Random } from '../../../broker/platform/random.ts';
import { type FuzzTarget, must, refusable, type Verdict } from '../fuzz.ts';
import { mutated } from '../mutate.ts';
import { SECRETS } from './secrets.ts';

const WORDS = ['type', 'hello', 'proof', 'welcome', 'refused', 'role', 'stream', 'control', 'nonce'];

export const peers: FuzzTarget = {
  name: 'peers',
  about: 'hello and proof of a broker, at the one that it dials',
  share: 50,
  prepare: async () => (random) => shakenHands(random),
};

function shakenHands(random: Random): Verdict {
  const knows = random.int(2) === 0;
  const isChanged = random.int(4) !== 0;
  const hello: Hello = {
    type: 'hello',
    revision: PROTOCOL_REVISION,
    clusterId: 'cluster',
    brokerId: 1,
    brokerEpoch: 2 ** 40,
    role: 'control',
    expectedBrokerId: 2,
    nonce: random.bytes(NONCE_BYTES),
  };
  const challenge: Challenge = { type: 'challenge', nonce: random.bytes(NONCE_BYTES) };
  const proof = proofOf('dial', hello, challenge, knows ? SECRETS.right : SECRETS.wrong);
  const arrived = (message: object): Buffer => {
    const bytes = Buffer.concat(encodeEnvelope(message));
    return isChanged ? mutated(random, bytes, WORDS) : bytes;
  };
  let isWelcome = false;
  const verdict = refusable(MalformedMessage, () => {
    const first = readHandshakeMessage(decodeEnvelope(arrived(hello)).header);
    const second = readHandshakeMessage(decodeEnvelope(arrived({ type: 'proof', proof })).header);
    isWelcome =
      first.type === 'hello' &&
      second.type === 'proof' &&
      sameBytes(proofOf('dial', first, challenge, SECRETS.right), second.proof);
  });
  must(!isWelcome || knows, 'welcomed without the secret');
  must(isWelcome || !knows || isChanged, 'turned away with the secret');
  return isWelcome ? verdict : 'refused';
}
