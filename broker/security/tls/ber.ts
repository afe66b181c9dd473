/**
 * Values of BER, as key stores and private keys are made of them: read without trust, with a limit to how many there
 * are and how deep they lie.
 * Source: X.690.
 */

/** One value; `children` of a constructed one. */
export interface Element {
  /** With its number in the lowest five bits, however it was written. */
  readonly tag: number;
  readonly content: Buffer;
  readonly children: readonly Element[] | null;
}

/** Where in a file a value is, and how many there may still be; `left` is negative once there were too many. */
export interface ElementPlace {
  readonly state: { left: number };
  readonly depth: number;
}

export const INTEGER = 0x02;
export const OCTETS = 0x04;
export const OID = 0x06;
export const SEQUENCE = 0x30;
export const CONSTRUCTED = 0x20;
/** Of a tag: its number stands in the bytes behind it. */
const LONG_NUMBER = 0x1f;
/** What ends a value of indefinite length. */
const END = 0x00;
const MOST_DEPTH = 64;

/** Octets that may come in pieces; these too, and OpenSSL joins them whatever their tags are. */
export function octetsOf(octets: Element): Buffer {
  return octets.children === null ? octets.content : Buffer.concat(piecesOf(octets));
}

function piecesOf({ content, children }: Element): readonly Buffer[] {
  return children === null ? [content] : children.flatMap(piecesOf);
}

/** Not negative; beyond what a number holds it is more than any limit. */
export function numberOf(element: Element | undefined): number {
  if (element?.tag !== INTEGER || element.content.length === 0) return 0;
  return Number(`0x${element.content.toString('hex')}`);
}

/** Throws RangeError for what is no value. */
export function elementAt(
  bytes: Buffer,
  at: number,
  { state, depth }: ElementPlace,
): { readonly element: Element; readonly next: number } {
  state.left -= 1;
  if (state.left < 0 || depth > MOST_DEPTH) throw new RangeError('too much of it');
  const { tag, start, length } = headerAt(bytes, at);
  const isConstructed = (tag & CONSTRUCTED) !== 0;
  if (length !== null && start + length > bytes.length) throw new RangeError('it ends too early');
  if (length !== null && !isConstructed) {
    const next = start + length;
    return { element: { tag, content: bytes.subarray(start, next), children: null }, next };
  }
  if (!isConstructed) throw new RangeError('a plain value says how long it is');
  const end = length === null ? null : start + length;
  const within = end === null ? bytes : bytes.subarray(0, end);
  const children: Element[] = [];
  let next = start;
  while (next !== end) {
    const child = elementAt(within, next, { state, depth: depth + 1 });
    next = child.next;
    if (end === null && child.element.tag === END) break;
    children.push(child.element);
  }
  return { element: { tag, content: bytes.subarray(start, next), children }, next };
}

/** `length` is null where an end is written behind the value instead. */
function headerAt(
  bytes: Buffer,
  at: number,
): { readonly tag: number; readonly start: number; readonly length: number | null } {
  const { tag, start: afterTag } = tagAt(bytes, at);
  let start = afterTag;
  const first = bytes.readUInt8(start);
  start += 1;
  if (first < 0x80) return { tag, start, length: first };
  if (first === 0x80) return { tag, start, length: null };
  let length = 0;
  for (const end = start + (first & 0x7f); start < end; start++)
    length = length * 256 + bytes.readUInt8(start);
  return { tag, start, length };
}

/**
 * A number of more than five bits follows in bytes of seven; OpenSSL takes one of fewer that is written so as well.
 * Throws RangeError where the bytes end.
 */
export function tagAt(bytes: Buffer, at: number): { readonly tag: number; readonly start: number } {
  const tag = bytes.readUInt8(at);
  let start = at + 1;
  if ((tag & LONG_NUMBER) !== LONG_NUMBER) return { tag, start };
  let number = 0;
  let byte: number;
  do {
    byte = bytes.readUInt8(start++);
    number = number * 128 + (byte & 0x7f);
  } while ((byte & 0x80) !== 0);
  return { tag: number < LONG_NUMBER ? (tag & ~LONG_NUMBER) | number : tag, start };
}
