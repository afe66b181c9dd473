/**
 * The part of CBOR that peers speak: numbers, text, bytes, lists, maps with text for keys, true, false,
 * null and undefined, all of known length. Everything else is refused before it is decoded, tags above all:
 * by tags alone cbor-x would make Sets, Maps, dates, errors, regular expressions, records and references to
 * what came earlier, which every reader here would have to expect. Source: RFC 8949, section 3.
 */

/** Deeper nesting would exhaust the stack of whoever decodes it. */
const MAX_DEPTH = 16;

const BYTES = 2;
const TEXT = 3;
const LIST = 4;
const MAP = 5;
const TAG = 6;
const SIMPLE = 7;
/** Of major type 7: false, true, null, undefined, and floats of 2, 4 and 8 bytes. */
const FALSE = 20;
const UNDEFINED = 23;
const HALF_FLOAT = 25;
const DOUBLE = 27;
/** What a key must not be: it would be the prototype of the object that stands for the map. */
const PROTOTYPE = Buffer.from('__proto__');

const NOTHING = new Uint8Array(0);

/** Why `bytes` are not one plain value and nothing more, or null. */
export function notPlain(bytes: Uint8Array): string | null {
  return walk.over(bytes);
}

class Walk {
  #bytes: Uint8Array = NOTHING;
  /** Never beyond the end of `#bytes`. */
  #position = 0;
  /** The first one found; nothing is stepped over after it. */
  #problem: string | null = null;

  over(bytes: Uint8Array): string | null {
    this.#bytes = bytes;
    this.#position = 0;
    this.#problem = null;
    this.#value(0, false);
    this.#bytes = NOTHING;
    return this.#problem ?? (this.#position === bytes.length ? null : 'bytes after the value');
  }

  /** Steps over one value; stops where there is a problem. */
  #value(depth: number, isKey: boolean): void {
    const first = this.#bytes[this.#position];
    this.#skip(1);
    if (first === undefined) return;
    const major = first >> 5;
    const information = first & 0x1f;
    if (isKey && major !== TEXT) this.#fail('a key that is not text');
    else if (major === SIMPLE) this.#simple(information);
    else this.#beyond(major, this.#argument(information), depth, isKey);
  }

  /** What follows the first bytes of a value. */
  #beyond(major: number, argument: number, depth: number, isKey: boolean): void {
    if (major === TAG) this.#fail('a tag');
    else if (major === BYTES || major === TEXT) this.#content(argument, isKey);
    else if (major === LIST || major === MAP) this.#items(argument, major === MAP, depth + 1);
  }

  #simple(information: number): void {
    if (information >= HALF_FLOAT && information <= DOUBLE) this.#skip(2 ** (information - 24));
    else if (information < FALSE || information > UNDEFINED) this.#fail('a simple value without a meaning');
  }

  /** The number after the first byte: a value, a length or a count. */
  #argument(information: number): number {
    if (information < 24) return information;
    if (information > 27) {
      this.#fail('an indefinite length');
      return 0;
    }
    const from = this.#position;
    this.#skip(2 ** (information - 24));
    let argument = 0;
    for (let at = from; at < this.#position; at++) argument = argument * 256 + (this.#bytes[at] ?? 0);
    return argument;
  }

  #content(sizeBytes: number, isKey: boolean): void {
    const from = this.#position;
    this.#skip(sizeBytes);
    if (
      isKey &&
      sizeBytes === PROTOTYPE.length &&
      PROTOTYPE.equals(this.#bytes.subarray(from, this.#position))
    ) {
      this.#fail('a key that no map may have');
    }
  }

  #items(count: number, areInPairs: boolean, depth: number): void {
    if (depth > MAX_DEPTH) this.#fail('too deep');
    for (let index = 0; index < count && this.#problem === null; index++) {
      if (areInPairs) this.#value(depth, true);
      if (this.#problem === null) this.#value(depth, false);
    }
  }

  #skip(sizeBytes: number): void {
    if (this.#position + sizeBytes > this.#bytes.length) this.#fail('truncated');
    else this.#position += sizeBytes;
  }

  #fail(problem: string): void {
    this.#problem ??= problem;
  }
}

/** One for all messages: each is walked over at once, and replication sends many. */
const walk = new Walk();
