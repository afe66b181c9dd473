/**
 * Bytes of a known number that are read when there is room for them on the way out. A message that holds
 * some is written around them: its length is known, and its memory is that of the rest.
 */

export abstract class LateBytes {
  abstract readonly length: number;

  /**
   * Puts `lengthBytes` of them, from `fromByte` on, into `into` at `at`. Throws when they can't be had any
   * more: the message can't be completed then.
   */
  abstract read(into: Buffer, at: number, lengthBytes: number, fromByte: number): void;

  /** What reading so many from there on had better wait for, as it would hold everybody up; null for nothing. */
  warm(_lengthBytes: number, _fromByte: number): Promise<void> | null {
    return null;
  }
}

/** A piece of a message on its way out. */
export type MessagePart = Buffer | LateBytes;
