/**
 * How much computing a key store or a private key asks for before its password opens it: the counts stand in it, in
 * the clear, and whoever computes them holds the event loop meanwhile. A PKCS#12 store names one count for its
 * integrity and one for each part that is encrypted, a PKCS#8 key one, or the three parameters of scrypt. What a part
 * asks for that lies within an encrypted one shows only when that is opened, which costs what it asks for itself.
 * Source: RFC 7292 (PKCS#12), RFC 8018 (PBES1, PBES2, PBKDF2), RFC 7914 (scrypt).
 */
import {
  CONSTRUCTED,
  type Element,
  type ElementPlace,
  elementAt,
  INTEGER,
  numberOf,
  OCTETS,
  OID,
  octetsOf,
  SEQUENCE,
  tagAt,
} from './ber.ts';
import { decrypted, PBKDF2, SALT_AND_COUNT, SCRYPT } from './password-encryption.ts';

/**
 * In all, a second or three of OpenSSL's. Java's keytool writes 10,000 a part, OpenSSL 2,048, and the most that is
 * recommended is about a million.
 */
const MOST_ITERATIONS = 5_000_000;
/** Java's whole list of authorities is a tenth of it. */
const MOST_ELEMENTS = 500_000;
/** Encrypted parts within each other: nobody writes more than a key within one. */
const MOST_NESTED = 4;
/** Contents in the clear: what they are stands in octets below a tag of its own. */
const DATA = '2a864886f70d010701';
const CONTENT_OF_DATA = CONSTRUCTED | 0x80;
/** Of what OpenSSL calls EncryptedContentInfo: octets, under a tag of their own. */
const CONTENT = 0x80;
const TOO_MANY = `it has more than ${MOST_ELEMENTS} parts`;
const UNREADABLE = 'some of it is written in a way that can be read, but not here';
const NO_STORE = 'it is neither a PKCS#12 store nor a private key';

const UNOPENED =
  "an encrypted part of it can't be opened: is a password wrong, or is it encrypted in a way that is not known here?";

/** What is encrypted, and how. */
interface EncryptedPart {
  readonly algorithm: Element;
  readonly content: Element;
  /** 0 of what lies in no other. */
  readonly nested: number;
}

/** The counts of a store so far, and what of it is still to be opened. */
interface Tally {
  count: number;
  readonly parts: EncryptedPart[];
  readonly state: TallyState;
}

/** `isUnreadable` once there were contents that others may read on in, and so derive what is not counted. */
interface TallyState {
  left: number;
  isUnreadable: boolean;
}

interface Place extends ElementPlace {
  readonly state: TallyState;
  /** Whether octets here are contents, which must be sequences that can be read. */
  readonly isContents: boolean;
}

const outermost = (state: TallyState): Place => ({ state, depth: 0, isContents: false });

/** Why a PKCS#12 store or an encrypted PKCS#8 key is not opened, in words; null: it may be tried. Opens nothing. */
export function derivationProblem(der: Buffer): string | null {
  const tally = tallied(der);
  return typeof tally === 'string' ? tally : problemOf(tally);
}

/** What is to be opened asks for more iterations than may be done here; elsewhere they may. */
export class TooManyHere extends Error {
  override readonly name = 'TooManyHere';
}

interface Opening {
  /** A part that does not open is no problem: what is in there is not known then. */
  readonly passedOver?: boolean;
  /** In all parts that are opened. */
  readonly mostIterations?: number;
}

/**
 * The same with what lies within encrypted parts: opens each, when all that is known until then may be done. Throws
 * {@link TooManyHere}, before the part that is too much.
 */
export function nestedProblem(
  der: Buffer,
  password: string,
  { passedOver = false, mostIterations = Number.POSITIVE_INFINITY }: Opening = {},
): string | null {
  const tally = tallied(der);
  if (typeof tally === 'string') return tally;
  let left = mostIterations;
  for (;;) {
    const problem = problemOf(tally);
    if (problem !== null) return problem;
    const part = tally.parts.shift();
    if (part === undefined) return null;
    if (part.nested > MOST_NESTED) return `it has encrypted parts ${part.nested} deep in each other`;
    left -= countsIn(part.algorithm, outermost(tally.state), () => {});
    if (left < 0) throw new TooManyHere();
    const opened = decrypted(part.algorithm, octetsOf(part.content), password);
    if (opened !== null && isSequence(opened)) addInside(opened, tally, part.nested + 1);
    else if (!passedOver) return UNOPENED;
  }
}

function addInside(opened: Buffer, tally: Tally, nested: number): void {
  const place = { ...outermost(tally.state), isContents: true };
  tally.count += countsWithin(opened, place, (part) => tally.parts.push({ ...part, nested }));
}

/** A text: it is nothing that is known here. */
function tallied(der: Buffer): Tally | string {
  const state = { left: MOST_ELEMENTS, isUnreadable: false };
  let outer: Element;
  try {
    outer = elementAt(der, 0, outermost(state)).element;
  } catch {
    return state.left < 0 ? TOO_MANY : NO_STORE;
  }
  const parts: EncryptedPart[] = [];
  const found = (part: Omit<EncryptedPart, 'nested'>): unknown => parts.push({ ...part, nested: 0 });
  const count = integrityCount(outer) + countsIn(outer, outermost(state), found);
  return { count, parts, state };
}

function problemOf({ count, state }: Tally): string | null {
  if (state.left < 0) return TOO_MANY;
  if (state.isUnreadable) return UNREADABLE;
  if (count <= MOST_ITERATIONS) return null;
  return `it asks for ${count} iterations of key derivation before it opens: at most ${MOST_ITERATIONS} are done`;
}

/** Of a PKCS#12 store: its third part is a digest, a salt and a count. */
function integrityCount({ tag, children }: Element): number {
  const [version, , integrity] = children ?? [];
  if (tag !== SEQUENCE || version?.tag !== INTEGER) return 0;
  return numberOf(integrity?.children?.[2]);
}

type Found = (part: Omit<EncryptedPart, 'nested'>) => unknown;

function countsIn(element: Element, place: Place, found: Found): number {
  let { isContents } = place;
  if (element.tag === SEQUENCE) {
    const count = countOfAlgorithm(element.children ?? []);
    if (count !== null) return count;
    const [name, algorithm, content] = element.children ?? [];
    if (algorithm?.tag === SEQUENCE && content !== undefined && (content.tag & ~CONSTRUCTED) === CONTENT) {
      found({ algorithm, content });
    }
    isContents = nameOf(name) === DATA && algorithm?.tag === CONTENT_OF_DATA;
  }
  if ((element.tag & ~CONSTRUCTED) === OCTETS) return countsWithin(octetsOf(element), place, found);
  const within = { ...place, isContents };
  return (element.children ?? []).reduce((sum, child) => sum + countsIn(child, within, found), 0);
}

function nameOf(element: Element | undefined): string | null {
  return element?.tag === OID ? element.content.toString('hex') : null;
}

/** An algorithm and its parameters; null: none that derives keys. Those of PBES2 have others within. */
function countOfAlgorithm([name, parameters]: readonly Element[]): number | null {
  const oid = nameOf(name);
  if (oid === null) return null;
  const values = parameters?.children ?? [];
  if (SALT_AND_COUNT.has(oid) || oid === PBKDF2) return numberOf(values[1]);
  if (oid !== SCRYPT) return null;
  // About as dear as one of PBKDF2's each.
  return values.slice(1, 4).reduce((product, value) => product * numberOf(value), 1);
}

/** By how it begins; a cipher without padding makes anything of a wrong password. */
function isSequence(bytes: Buffer): boolean {
  try {
    return tagAt(bytes, 0).tag === SEQUENCE;
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    return false;
  }
}

/**
 * Octets may be a value of their own, also where they come in pieces, and none of these is. Most are none, and a salt
 * or a digest may begin like one; but contents that can't be read here may well be read by others, who look at less.
 */
function countsWithin(bytes: Buffer, { state, depth, isContents }: Place, found: Found): number {
  const place = { state, depth: depth + 1, isContents: false };
  try {
    if (!isSequence(bytes)) return 0;
    return countsIn(elementAt(bytes, 0, place).element, place, found);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    if (isContents) state.isUnreadable = true;
    return 0;
  }
}
