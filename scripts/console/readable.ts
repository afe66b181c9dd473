/** Bytes for people to read. */
import type { Readable } from './views.ts';

/** What is shown of data; there may be a megabyte. */
const SHOWN_BYTES = 64 * 1024;

export function readable(data: Buffer): Readable {
  if (data.length === 0) return { format: 'empty', data: '' };
  const shown = data.subarray(0, SHOWN_BYTES);
  const text = decoded(shown);
  if (text === null) return { format: 'hex', data: shown.toString('hex') };
  try {
    return { format: 'json', data: JSON.stringify(JSON.parse(text), null, 2) };
  } catch {
    return { format: 'text', data: text };
  }
}

/** Null unless it is text. */
function decoded(bytes: Buffer): string | null {
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    // Control characters but for tabs and line ends: rather a number than a text.
    return /\p{Cc}/u.test(text.replaceAll(/[\t\n\r]/g, '')) ? null : text;
  } catch {
    return null;
  }
}
