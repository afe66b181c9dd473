/** What validation goes by: the rules of a topic, and the request that the batches came with. */
import type { Int64 } from '../int64.ts';
import type { Codec } from './batch.ts';
import type { DecompressionAllowance } from './decompression-allowance.ts';

/** The settings of a topic that matter here, under the names that its log's configuration has. */
export interface RecordRules {
  readonly maxMessageBytes: number;
  readonly segmentBytes: number;
  readonly cleanupPolicy: { readonly compact: boolean };
  readonly compressionType: 'producer' | 'uncompressed' | Codec;
  /** For the codec that `compressionType` names; its default when missing. */
  readonly compressionLevel?: number | undefined;
  readonly messageTimestampType: 'CreateTime' | 'LogAppendTime';
  readonly messageTimestampBeforeMaxMs: Int64;
  readonly messageTimestampAfterMaxMs: Int64;
}

export interface ProduceContext {
  readonly config: RecordRules;
  /** Of the Produce request; ignored for other origins. */
  readonly apiVersion: number;
  readonly nowMs: number;
  /** `coordinator`: batches of our own making, whose records are not checked. */
  readonly origin: 'client' | 'coordinator';
  /** What the request may still have decompressed; the limits of a single one when missing. */
  readonly decompression?: DecompressionAllowance | undefined;
}
