/**
 * How large a message between brokers may have to be. Kafka has no such limit; one batch has to fit.
 */

/** What a message between brokers may need around one batch. */
export const PEER_HEADER_ROOM_BYTES = 64 * 1024;

const LEAST_BYTES = 128 * 1024 * 1024;

/** Where batches come from: a request holds them, or they are compressed anew after they were decompressed. */
export interface BatchSources {
  readonly socketRequestMaxBytes: number;
  readonly compressedBatchMaxDecompressedBytes: number;
}

/**
 * What peer.max.message.bytes is when nobody says: room for any batch that this broker can have taken
 * in, whatever message.max.bytes or a topic's max.message.bytes are or become while it runs.
 */
export function derivedPeerMaxMessageBytes(sources: BatchSources): number {
  return Math.max(LEAST_BYTES, largestBatchBytes(sources) + PEER_HEADER_ROOM_BYTES);
}

/** The least that peer.max.message.bytes may be with this message.max.bytes. */
export function peerMessageNeedBytes(sources: BatchSources, messageMaxBytes: number): number {
  return Math.min(messageMaxBytes, largestBatchBytes(sources)) + PEER_HEADER_ROOM_BYTES;
}

function largestBatchBytes(sources: BatchSources): number {
  return Math.max(sources.socketRequestMaxBytes, sources.compressedBatchMaxDecompressedBytes);
}
