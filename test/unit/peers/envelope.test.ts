/** What a message between brokers may hold: plain values, and nothing that a decoder builds from tags. */
import { Encoder, Tag } from 'cbor-x';
import { describe, expect, it } from 'vitest';
import { decodeEnvelope, encodeEnvelope, MalformedMessage } from '../../../broker/peers/envelope.ts';

function enveloped(encoded: Uint8Array): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(encoded.length);
  return Buffer.concat([length, encoded]);
}

const decoded = (hex: string): unknown => decodeEnvelope(enveloped(Buffer.from(hex, 'hex'))).header;

describe('a message', () => {
  it('carries plain values of every kind and size, and raw bytes behind them', () => {
    const header = {
      type: 'x',
      empty: { list: [], map: {}, text: '', bytes: Buffer.alloc(0) },
      numbers: [
        0,
        23,
        24,
        255,
        256,
        65535,
        65536,
        2 ** 32 - 1,
        2 ** 32,
        2 ** 53 - 1,
        -1,
        -24,
        -25,
        -(2 ** 40),
      ],
      fractions: [0.5, 1.1, -2.25, Number.MAX_VALUE],
      words: ['é', '\u{1f980}', 'x'.repeat(70_000)],
      bytes: Buffer.alloc(70_000, 7),
      others: [true, false, null, undefined],
      many: Array.from({ length: 300 }, (_, index) => ({ index, constructor: 'x' })),
    };
    const message = Buffer.concat(encodeEnvelope(header, [Buffer.from('raw'), Buffer.from('bytes')]));
    expect(decodeEnvelope(message)).toEqual({ header, body: Buffer.from('rawbytes') });
  });

  it.each([
    ['a Set', new Set([1])],
    ['a Map', new Map([['a', 1]])],
    ['a date', new Date(0)],
    ['an error', new RangeError('x')],
    ['a regular expression', /x/g],
    ['a typed array', new Float64Array([1])],
    ['a large integer', 2n ** 70n],
    ['a tag of its own', new Tag([1], 4711)],
  ])('with %s is malformed', (_what, value) => {
    for (const encoder of [new Encoder({ useRecords: false }), new Encoder({ structuredClone: true })]) {
      expect(() => decodeEnvelope(enveloped(encoder.encode({ value })))).toThrow(MalformedMessage);
    }
  });

  it("with records, packed values or references to what came earlier, cbor-x's own tags, is malformed", () => {
    const shared = { a: 1 };
    const circular: { self?: unknown } = {};
    circular.self = circular;
    const packed = Array.from({ length: 9 }, () => 'the same long text');
    for (const bytes of [
      new Encoder({ useRecords: true, structures: [] }).encode([{ a: 1 }, { a: 2 }]),
      new Encoder({ structuredClone: true }).encode({ one: shared, other: shared, circular }),
      new Encoder({ pack: true } as never).encode(packed),
      new Encoder({ bundleStrings: true }).encode({ a: 'text' }),
    ]) {
      expect(() => decodeEnvelope(enveloped(bytes))).toThrow(MalformedMessage);
    }
  });

  it('with a key that would be a prototype is malformed, and changes no object', () => {
    const key = Buffer.from('__proto__').toString('hex');
    expect(() => decoded(`a169${key}a168706f6c6c75746564f5`)).toThrow('a key that no map may have');
    expect(() => decoded(`a17809${key}00`)).toThrow('a key that no map may have');
    expect(Object.keys(Object.prototype)).toEqual([]);
    expect('polluted' in {}).toBe(false);
  });

  it.each([
    ['keys that are no text', 'a10102'],
    ['an indefinite list', '9f01ff'],
    ['an indefinite map', 'bf616101ff'],
    ['indefinite text', '7f6161ff'],
    ['a simple value without a meaning', 'f0'],
    ['a break', 'ff'],
    ['nothing', ''],
    ['a list that is longer than the message', '9b7fffffffffffffff'],
    ['text that is longer than the message', '7affffffff61'],
    ['bytes that are longer than the message', '5bffffffffffffffff'],
    ['a second value', '0101'],
    ['a reserved length', '1c'],
    ['lists within lists', `${'81'.repeat(10_000)}00`],
  ])('of %s is malformed', (_what, hex) => {
    expect(() => decoded(hex)).toThrow(MalformedMessage);
  });

  it('cut off anywhere is malformed', () => {
    const whole = Buffer.concat(encodeEnvelope({ a: [1, 'two', Buffer.from('three'), { four: 4.5 }] }));
    for (let end = 4; end < whole.length; end++) {
      const cut = Buffer.from(whole.subarray(0, end));
      cut.writeUInt32BE(end - 4, 0);
      expect(() => decodeEnvelope(cut)).toThrow(MalformedMessage);
    }
  });
});
