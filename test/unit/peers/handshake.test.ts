/** What is proven in a handshake, and to whom; and who needs to prove nothing. */
import { describe, expect, it } from 'vitest';
import { MalformedMessage } from '../../../broker/peers/envelope.ts';
import {
  type Challenge,
  NONCE_BYTES,
  type PeerIdentity,
  PROTOCOL_REVISION,
  proofOf,
  readHandshakeMessage,
  refusalBeforeProof,
  refusalOfHello,
  sameBytes,
} from '../../../broker/peers/handshake.ts';
import { isLoopback, secretAdvice } from '../../../broker/peers/loopback.ts';
import { helloWith } from './support.ts';

const CHALLENGE: Challenge = { type: 'challenge', nonce: Buffer.alloc(NONCE_BYTES, 3) };
const OWN: PeerIdentity = {
  revision: PROTOCOL_REVISION,
  clusterId: 'cluster',
  brokerId: 2,
  brokerEpoch: 7,
};

describe('a proof', () => {
  const right = proofOf('dial', helloWith(), CHALLENGE, 'secret');

  it('is the same for both sides that know the secret', () => {
    expect(sameBytes(proofOf('dial', helloWith(), CHALLENGE, 'secret'), right)).toBe(true);
  });

  it.each([
    ['the side', proofOf('answer', helloWith(), CHALLENGE, 'secret')],
    ['the secret', proofOf('dial', helloWith(), CHALLENGE, 'another')],
    ['the challenge', proofOf('dial', helloWith(), { ...CHALLENGE, nonce: Buffer.alloc(32) }, 'secret')],
    ['the nonce', proofOf('dial', helloWith({ nonce: Buffer.alloc(32) }), CHALLENGE, 'secret')],
    ['the revision', proofOf('dial', helloWith({ revision: 1 }), CHALLENGE, 'secret')],
    ['the cluster', proofOf('dial', helloWith({ clusterId: 'c' }), CHALLENGE, 'secret')],
    ['the broker', proofOf('dial', helloWith({ brokerId: 3 }), CHALLENGE, 'secret')],
    ['its epoch', proofOf('dial', helloWith({ brokerEpoch: 4 }), CHALLENGE, 'secret')],
    ['what the channel is for', proofOf('dial', helloWith({ role: 'stream' }), CHALLENGE, 'secret')],
    ['whom it means', proofOf('dial', helloWith({ expectedBrokerId: 4 }), CHALLENGE, 'secret')],
  ])('is another when %s is another', (_what, proof) => {
    expect(sameBytes(proof, right)).toBe(false);
  });

  it('that is cut short is no proof', () => {
    expect(sameBytes(right.subarray(0, 31), right)).toBe(false);
    expect(sameBytes(Buffer.alloc(0), right)).toBe(false);
  });
});

describe('a hello', () => {
  it('of another revision is refused before anything is proven, with no word about us but the revision', () => {
    expect(refusalBeforeProof(OWN, helloWith())).toBeNull();
    expect(refusalBeforeProof(OWN, helloWith({ revision: 9, clusterId: 'x' }))).toEqual({
      reason: `protocol revision 9 is not supported, only ${PROTOCOL_REVISION}`,
      detail: '',
    });
  });

  it('that is proven is refused where cluster or broker are not those that are meant', () => {
    const reason = (changed: Parameters<typeof helloWith>[0]) =>
      refusalOfHello(OWN, helloWith(changed))?.reason;
    expect(reason({})).toBeUndefined();
    expect(reason({ clusterId: 'other' })).toBe('the cluster ids differ');
    expect(reason({ expectedBrokerId: 3 })).toBe('another broker is meant');
    expect(reason({ brokerId: 2 })).toBe('the broker ids are the same');
  });

  it('tells whom it refuses nothing of what would have been right', () => {
    const own = { ...OWN, clusterId: 'guarded' };
    for (const changed of [{}, { expectedBrokerId: 3 }, { brokerId: 2 }]) {
      const hello = helloWith({ clusterId: 'expectedBrokerId' in changed ? 'guarded' : 'x', ...changed });
      const { reason = '', detail = '' } = refusalOfHello(own, hello) ?? {};
      expect(reason).not.toMatch(/\d|guarded/);
      expect(detail).not.toBe('');
    }
  });
});

describe('a handshake message', () => {
  it('is read as what it says it is', () => {
    expect(readHandshakeMessage(helloWith())).toEqual(helloWith());
    expect(readHandshakeMessage(CHALLENGE)).toEqual(CHALLENGE);
    expect(readHandshakeMessage({ type: 'refused', reason: 'x'.repeat(600) })).toEqual({
      type: 'refused',
      reason: 'x'.repeat(512),
    });
  });

  it.each([
    ['a nonce that is too short', { ...helloWith(), nonce: Buffer.alloc(31) }],
    ['a nonce that is no bytes', { ...CHALLENGE, nonce: 'a'.repeat(32) }],
    ['a broker that is no number', { ...helloWith(), brokerId: '1' }],
    ['a broker that is no whole number', { ...helloWith(), brokerId: 1.5 }],
    ['a cluster without a name', { ...helloWith(), clusterId: undefined }],
    ['a proof that is no bytes', { type: 'proof', proof: [1, 2] }],
    ['no map', ['hello']],
    ['nothing that is known, and no reason', { type: 'goodbye' }],
  ])('with %s is malformed', (_what, message) => {
    expect(() => readHandshakeMessage(message)).toThrow(MalformedMessage);
  });
});

describe('the same machine', () => {
  it.each(['127.0.0.1', '127.255.0.3', '::1', '::ffff:127.0.0.1', '::FFFF:127.1.2.3', 'localhost'])(
    'is who comes from %s',
    (address) => expect(isLoopback(address)).toBe(true),
  );

  it.each(['', '0.0.0.0', '10.0.0.1', '::', '::2', '128.0.0.1', '127.0.0.1.example.org', '::ffff:10.0.0.1'])(
    'is not who comes from "%s"',
    (address) => expect(isLoopback(address)).toBe(false),
  );

  it('needs no secret, which everybody else is told to set', () => {
    expect(secretAdvice('', '127.0.0.1', false)).toBeNull();
    expect(secretAdvice('secret', '0.0.0.0', false)).toBeNull();
    expect(secretAdvice('', '0.0.0.0', true)).toBeNull();
    expect(secretAdvice('', '0.0.0.0', false)).toContain('peer.shared.secret is not set');
  });
});
