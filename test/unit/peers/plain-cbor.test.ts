/** What is plain CBOR, for any value there is: every cut, every tag and every length that lies is found. */
import { Encoder } from 'cbor-x';
import { describe, expect, it } from 'vitest';
import { notPlain } from '../../../broker/peers/plain-cbor.ts';
import type { Random } from '../../../broker/platform/random.ts';
import { World } from '../../support/world.ts';

const encoder = new Encoder({ useRecords: false, mapsAsObjects: true, tagUint8Array: false });
const plainNess = (hex: string): string | null => notPlain(Buffer.from(hex.replaceAll(' ', ''), 'hex'));

/** A value such as peers send, of any shape. */
function anything(random: Random, depth = 0): unknown {
  const makers: (() => unknown)[] = [
    () => random.int(2 ** 48) - 2 ** 47,
    () => random.fraction() * 1e10,
    () => 'é'.repeat(random.int(300)),
    () => random.bytes(random.int(300)),
    () => [true, false, null, undefined][random.int(4)],
  ];
  if (depth < 4) {
    const few = Array.from({ length: random.int(5) }, (_, index) => index);
    makers.push(() => few.map(() => anything(random, depth + 1)));
    makers.push(() => Object.fromEntries(few.map((index) => [`k${index}`, anything(random, depth + 1)])));
  }
  return makers[random.int(makers.length)]?.();
}

describe('plain CBOR', () => {
  it('is whatever peers say to each other, and no beginning of it', () => {
    const { random } = new World({ seed: 5 });
    for (let round = 0; round < 200; round++) {
      const encoded = encoder.encode(anything(random));
      expect(notPlain(encoded)).toBeNull();
      for (let length = 0; length < encoded.length; length++) {
        expect(notPlain(encoded.subarray(0, length))).toBe('truncated');
      }
      expect(notPlain(Buffer.concat([encoded, Buffer.from([0])]))).toBe('bytes after the value');
    }
  });

  it.each([
    ['a small number', '17', null],
    ['numbers of one, two, four and eight bytes', '84 18ff 19ffff 1affffffff 1bffffffffffffffff', null],
    ['a negative number', '3a 00000001', null],
    ['floats of two, four and eight bytes', '83 f93c00 fa3f800000 fb3ff0000000000000', null],
    ['false, true, null, undefined', '84 f4 f5 f6 f7', null],
    ['a tag', 'c0 60', 'a tag'],
    ['a tag within', '81 d9 0102 80', 'a tag'],
    ['a tag as a value of a map', 'a1 61 61 c1 00', 'a tag'],
    ['bytes of indefinite length', '5f 4100 ff', 'an indefinite length'],
    ['a list of indefinite length', '9f ff', 'an indefinite length'],
    ['a length of a kind that there is not', '9c', 'an indefinite length'],
    ['a break where there is nothing to break', 'ff', 'a simple value without a meaning'],
    ['simple values without a meaning', 'e0', 'a simple value without a meaning'],
    ['a simple value of two bytes', 'f8 20', 'a simple value without a meaning'],
    ['a number for a key', 'a1 01 01', 'a key that is not text'],
    ['bytes for a key', 'a1 41 61 01', 'a key that is not text'],
    ['a list for a key', 'a1 80 01', 'a key that is not text'],
    ['the key __proto__', 'a1 69 5f5f70726f746f5f5f 01', 'a key that no map may have'],
    ['the text __proto__ as a value', 'a1 61 61 69 5f5f70726f746f5f5f', null],
    ['a key without a value', 'a1 61 61', 'truncated'],
  ])('judges %s', (_what, hex, problem) => {
    expect(plainNess(hex)).toBe(problem);
  });

  it('believes no length that is not there, and takes no time over it', () => {
    for (const kind of ['5b', '7b', '9b', 'bb']) {
      expect(plainNess(`${kind} ffffffffffffffff`)).toBe('truncated');
      expect(plainNess(`${kind} 001fffffffffffff 00`)).not.toBeNull();
    }
  });

  it('is at most sixteen lists and maps deep', () => {
    expect(plainNess(`${'81'.repeat(16)}00`)).toBeNull();
    expect(plainNess(`${'81'.repeat(17)}00`)).toBe('too deep');
    expect(plainNess(`${'a16161'.repeat(17)}00`)).toBe('too deep');
    expect(plainNess('81'.repeat(100_000))).toBe('too deep');
  });
});
