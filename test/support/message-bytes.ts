/** What a message's parts amount to on the wire, those that are read late included. */
import { LateBytes, type MessagePart } from '../../broker/protocol/late-bytes.ts';

export function bytesOfParts(parts: readonly MessagePart[]): Buffer {
  return Buffer.concat(parts.map(bytesOfPart));
}

export function bytesOfPart(part: MessagePart): Buffer {
  if (!(part instanceof LateBytes)) return part;
  const bytes = Buffer.alloc(part.length);
  part.read(bytes, 0, bytes.length, 0);
  return bytes;
}
