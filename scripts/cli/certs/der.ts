/** As much of DER (X.690) as a certificate is made of. */

/** Tag, length, contents. */
function element(tag: number, contents: Buffer): Buffer {
  const { length } = contents;
  if (length < 0x80) return Buffer.concat([Buffer.from([tag, length]), contents]);
  const digits = Buffer.from(length.toString(16).padStart(length > 0xff ? 4 : 2, '0'), 'hex');
  return Buffer.concat([Buffer.from([tag, 0x80 + digits.length]), digits, contents]);
}

export function sequence(...parts: readonly Buffer[]): Buffer {
  return element(0x30, Buffer.concat(parts));
}

export function set(...parts: readonly Buffer[]): Buffer {
  return element(0x31, Buffer.concat(parts));
}

/** Of a positive number, in bytes. */
export function integer(bytes: Buffer): Buffer {
  const first = bytes[0] ?? 0;
  return element(0x02, first < 0x80 ? bytes : Buffer.concat([Buffer.from([0]), bytes]));
}

export function bool(value: boolean): Buffer {
  return element(0x01, Buffer.from([value ? 0xff : 0]));
}

/** The last `unused` bits of the last byte are none of it. */
export function bitString(bytes: Buffer, unused = 0): Buffer {
  return element(0x03, Buffer.concat([Buffer.from([unused]), bytes]));
}

export function octets(contents: Buffer): Buffer {
  return element(0x04, contents);
}

export function utf8(text: string): Buffer {
  return element(0x0c, Buffer.from(text, 'utf8'));
}

/** Before the year 2050. */
export function utcTime(date: Date): Buffer {
  const digits = date.toISOString().replaceAll(/\.\d+|\D/g, '');
  return element(0x17, Buffer.from(`${digits.slice(2)}Z`, 'latin1'));
}

/** `1.2.840.…`. */
export function objectId(text: string): Buffer {
  const [first = 0, second = 0, ...others] = text.split('.').map(Number);
  return element(0x06, Buffer.from([40 * first + second, ...others.flatMap(inSevens)]));
}

/** What stands in place `number` of a choice or of what may be left out; `holds`: it has elements in it. */
export function tagged(number: number, contents: Buffer, holds: boolean): Buffer {
  return element((holds ? 0xa0 : 0x80) + number, contents);
}

function inSevens(number: number): number[] {
  const bytes = [number & 0x7f];
  for (let rest = number >>> 7; rest > 0; rest >>>= 7) bytes.unshift(0x80 | (rest & 0x7f));
  return bytes;
}
