/**
 * How much computing a key store or a private key asks for before its password opens it: the counts stand in it, in
 * the clear, and whoever computes them holds the event loop meanwhile. A PKCS#12 store names one count for its
 * integrity and one for each part that is encrypted, a PKCS#8 key one, or the three parameters of scrypt. What lies
 * encrypted inside a part that is encrypted itself is not seen.
 * Source: RFC 7292 (PKCS#12), RFC 8018 (PBES1, PBES2, PBKDF2), RFC 7914 (scrypt), X.690 for BER.
 */

/**
 * In all, a second or three of OpenSSL's. Java's keytool writes 10,000 a part, OpenSSL 2,048, and the most that is
 * recommended is about a million.
 */
const MOST_ITERATIONS = 5_000_000;

/** One value of BER; `children` of a constructed one. */
interface Element {
  readonly tag: number;
  readonly content: Buffer;
  readonly children: readonly Element[] | null;
}

const INTEGER = 0x02;
const OCTETS = 0x04;
const OID = 0x06;
const CONSTRUCTED = 0x20;
const SEQUENCE = 0x30;
/** Of a tag: its number stands in the bytes behind it. */
const LONG_NUMBER = 0x1f;
/** What ends a value of indefinite length. */
const END = 0x00;
const MOST_DEPTH = 64;
/** Java's whole list of authorities is a tenth of it. */
const MOST_ELEMENTS = 500_000;
const TOO_MANY = `it has more than ${MOST_ELEMENTS} parts`;

const PKCS5 = '2a864886f70d0105';
const PKCS12_PBE = '2a864886f70d010c01';
const PBKDF2 = `${PKCS5}0c`;
const SCRYPT = '2b06010401da47040b';
/** Of PKCS#5 v1.5 and of PKCS#12: their parameters are a salt and a count. */
const SALT_AND_COUNT = new Set([
  ...['01', '03', '04', '06', '0a', '0b'].map((last) => PKCS5 + last),
  ...['01', '02', '03', '04', '05', '06'].map((last) => PKCS12_PBE + last),
]);

/** Why a PKCS#12 store or an encrypted PKCS#8 key is not opened, in words; null: it may be tried. */
export function derivationProblem(der: Buffer): string | null {
  const state = { left: MOST_ELEMENTS };
  let outer: Element;
  try {
    outer = elementAt(der, 0, { state, depth: 0 }).element;
  } catch {
    return state.left < 0 ? TOO_MANY : 'it is neither a PKCS#12 store nor a private key';
  }
  const count = integrityCount(outer) + countsIn(outer, { state, depth: 0 });
  if (state.left < 0) return TOO_MANY;
  if (count <= MOST_ITERATIONS) return null;
  return `it asks for ${count} iterations of key derivation before it opens: at most ${MOST_ITERATIONS} are done`;
}

interface Place {
  readonly state: { left: number };
  readonly depth: number;
}

/** Of a PKCS#12 store: its third part is a digest, a salt and a count. */
function integrityCount({ tag, children }: Element): number {
  const [version, , integrity] = children ?? [];
  if (tag !== SEQUENCE || version?.tag !== INTEGER) return 0;
  return numberOf(integrity?.children?.[2]);
}

function countsIn(element: Element, place: Place): number {
  if (element.tag === SEQUENCE) {
    const count = countOfAlgorithm(element.children ?? []);
    if (count !== null) return count;
  }
  if ((element.tag & ~CONSTRUCTED) === OCTETS) return inOctets(element, place);
  return (element.children ?? []).reduce((sum, child) => sum + countsIn(child, place), 0);
}

/** An algorithm and its parameters; null: none that derives keys. Those of PBES2 have others within. */
function countOfAlgorithm([name, parameters]: readonly Element[]): number | null {
  if (name?.tag !== OID) return null;
  const oid = name.content.toString('hex');
  const values = parameters?.children ?? [];
  if (SALT_AND_COUNT.has(oid) || oid === PBKDF2) return numberOf(values[1]);
  if (oid !== SCRYPT) return null;
  // About as dear as one of PBKDF2's each.
  return values.slice(1, 4).reduce((product, value) => product * numberOf(value), 1);
}

/** Octets may be a value of their own, also where they come in pieces, and none of these is; most are none. */
function inOctets(octets: Element, { state, depth }: Place): number {
  const bytes = octets.children === null ? octets.content : Buffer.concat(piecesOf(octets));
  if (bytes[0] !== SEQUENCE) return 0;
  const place = { state, depth: depth + 1 };
  try {
    return countsIn(elementAt(bytes, 0, place).element, place);
  } catch {
    return 0;
  }
}

/** Pieces may come in pieces themselves, and OpenSSL joins them whatever their tags are. */
function piecesOf({ content, children }: Element): readonly Buffer[] {
  return children === null ? [content] : children.flatMap(piecesOf);
}

/** Not negative; beyond what a number holds it is more than any limit. */
function numberOf(element: Element | undefined): number {
  if (element?.tag !== INTEGER || element.content.length === 0) return 0;
  return Number(`0x${element.content.toString('hex')}`);
}

/** Throws RangeError for what is no value. */
function elementAt(
  bytes: Buffer,
  at: number,
  { state, depth }: Place,
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

/** A number of more than five bits follows in bytes of seven; OpenSSL takes one of fewer that is written so as well. */
function tagAt(bytes: Buffer, at: number): { readonly tag: number; readonly start: number } {
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
