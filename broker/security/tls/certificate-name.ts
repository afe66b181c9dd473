/**
 * The name in a certificate, as Java's X500Principal.getName() writes it and access control lists hold it:
 * RFC 2253, the last part first; parts whose type has no short name there, and values that are no text, in
 * hexadecimal.
 * Source: RFC 2253; sun.security.x509.AVA.toRFC2253String; X.690 for DER.
 */

/** One value of DER: what kind, and where it lies. */
interface Element {
  readonly tag: number;
  /** Behind its header. */
  readonly from: number;
  readonly to: number;
  /** Its header included. */
  readonly bytes: Buffer;
}

const SEQUENCE = 0x30;
const SET = 0x31;
const OID = 0x06;
const BMP_STRING = 0x1e;
/** UTF8String, PrintableString, T61String, IA5String, GeneralString, UniversalString and BMPString. */
const TEXTS = new Set([0x0c, 0x13, 0x14, 0x16, 0x1b, 0x1c, BMP_STRING]);
const VERSION = 0xa0;

const KEYWORDS: ReadonlyMap<string, string> = new Map([
  ['2.5.4.3', 'CN'],
  ['2.5.4.6', 'C'],
  ['2.5.4.7', 'L'],
  ['2.5.4.8', 'ST'],
  ['2.5.4.9', 'STREET'],
  ['2.5.4.10', 'O'],
  ['2.5.4.11', 'OU'],
  ['0.9.2342.19200300.100.1.1', 'UID'],
  ['0.9.2342.19200300.100.1.25', 'DC'],
]);

/** The subject of a certificate in DER; throws RangeError for bytes that are none. */
export function subjectName(certificate: Buffer): string {
  const [outer] = elements(certificate, 0, certificate.length);
  const [signed] = childrenOf(certificate, outer, SEQUENCE);
  const fields = childrenOf(certificate, signed, SEQUENCE);
  // Serial number, signature, issuer, validity, subject; before them perhaps a version.
  const subject = fields[fields[0]?.tag === VERSION ? 5 : 4];
  const parts = childrenOf(certificate, subject, SEQUENCE).map((part) =>
    childrenOf(certificate, part, SET)
      .map((pair) => pairText(certificate, pair))
      .join('+'),
  );
  return parts.reverse().join(',');
}

function pairText(bytes: Buffer, pair: Element): string {
  const [type, value] = childrenOf(bytes, pair, SEQUENCE);
  if (type?.tag !== OID || value === undefined) throw new RangeError('a part of a name is no pair');
  const oid = oidText(bytes.subarray(type.from, type.to));
  const keyword = KEYWORDS.get(oid);
  if (keyword === undefined || !TEXTS.has(value.tag)) {
    return `${keyword ?? oid}=#${value.bytes.toString('hex')}`;
  }
  return `${keyword}=${escaped(textOf(bytes.subarray(value.from, value.to), value.tag))}`;
}

function textOf(value: Buffer, tag: number): string {
  if (tag !== BMP_STRING) return value.toString('utf8');
  return Buffer.from(value)
    .subarray(0, value.length & ~1)
    .swap16()
    .toString('utf16le');
}

function escaped(text: string): string {
  return text
    .replaceAll(/[,=+<>#;"\\]/g, (char) => `\\${char}`)
    .replace(/^ +/, (blanks) => '\\ '.repeat(blanks.length))
    .replace(/(?<!\\) +$/, (blanks) => '\\ '.repeat(blanks.length));
}

function oidText(bytes: Buffer): string {
  const arcs: bigint[] = [];
  let arc = 0n;
  for (const byte of bytes) {
    arc = (arc << 7n) | BigInt(byte & 0x7f);
    if ((byte & 0x80) !== 0) continue;
    arcs.push(arc);
    arc = 0n;
  }
  const [first = 0n, ...rest] = arcs;
  const root = first < 80n ? first / 40n : 2n;
  return [root, first - root * 40n, ...rest].join('.');
}

function childrenOf(bytes: Buffer, parent: Element | undefined, tag: number): Element[] {
  if (parent?.tag !== tag) throw new RangeError('this is no certificate');
  return elements(bytes, parent.from, parent.to);
}

/** The values that lie one behind the other in a range. */
function elements(bytes: Buffer, from: number, to: number): Element[] {
  const found: Element[] = [];
  for (let at = from; at < to; ) {
    const { tag, start, end } = headerAt(bytes, at);
    if (end > to) throw new RangeError('a value is longer than what it lies in');
    found.push({ tag, from: start, to: end, bytes: bytes.subarray(at, end) });
    at = end;
  }
  return found;
}

function headerAt(bytes: Buffer, at: number): { tag: number; start: number; end: number } {
  const tag = bytes.readUInt8(at);
  const first = bytes.readUInt8(at + 1);
  if (first < 0x80) return { tag, start: at + 2, end: at + 2 + first };
  const count = first & 0x7f;
  if (count < 1 || count > 4) throw new RangeError('a length that no certificate has');
  const start = at + 2 + count;
  return { tag, start, end: start + bytes.readUIntBE(at + 2, count) };
}
