/**
 * How coordinators use the partitions that hold their state: writes acknowledged by all, fenced by the
 * leader epoch in which the coordinator was elected, and reads up to the log's end when it loads.
 * Source: Kafka's PartitionWriter and CoordinatorLoaderImpl.
 */
import { ErrorCode, isError } from '../../errors.ts';
import type { Verification } from '../../log/append.ts';
import type { HostedPartitions } from '../hosted-partitions.ts';
import type { ReplicaAppend } from './replica-append.ts';

/** What coordinators write with: the newest format there is. */
const COORDINATOR_PRODUCE_VERSION = 11;

interface CoordinatorLogContext {
  readonly hosted: HostedPartitions;
  readonly append: ReplicaAppend;
  readonly failureOf: (partition: { topic: string; partition: number }, error: unknown) => ErrorCode;
}

export type CoordinatorRead =
  | {
      readonly records: Buffer;
      readonly nextOffset: number;
      readonly logEndOffset: number;
      /** What was passed over before these, as no batch could be read there; null: nothing was. */
      readonly lost: string | null;
      release(): void;
    }
  | ErrorCode;

export interface CoordinatorAppend {
  readonly leaderEpoch: number;
  readonly timeoutMs: number;
  /** Of a batch within a transaction. */
  readonly verification?: Verification | undefined;
}

export class CoordinatorLog {
  readonly #context: CoordinatorLogContext;

  constructor(context: CoordinatorLogContext) {
    this.#context = context;
  }

  async append(
    at: { readonly topic: string; readonly partition: number },
    batch: Buffer,
    options: CoordinatorAppend,
  ): Promise<{ error: ErrorCode; baseOffset: number }> {
    const { leaderEpoch, timeoutMs, verification } = options;
    const found = this.#context.hosted.lookup(at.topic, at.partition);
    if (isError(found)) return { error: found, baseOffset: -1 };
    if (!found.isLeader || found.leaderEpoch !== leaderEpoch) {
      return { error: ErrorCode.NOT_LEADER_OR_FOLLOWER, baseOffset: -1 };
    }
    const [outcome] = await this.#context.append.append({
      acks: -1,
      timeoutMs,
      origin: 'coordinator',
      apiVersion: COORDINATOR_PRODUCE_VERSION,
      entries: [{ ...at, records: batch, ...(verification !== undefined && { verification }) }],
    });
    if (outcome === undefined) return { error: ErrorCode.UNKNOWN_SERVER_ERROR, baseOffset: -1 };
    return { error: outcome.error, baseOffset: outcome.baseOffset };
  }

  read(
    at: { readonly topic: string; readonly partition: number },
    offset: number,
    maxBytes: number,
  ): CoordinatorRead {
    const found = this.#context.hosted.lookup(at.topic, at.partition);
    if (isError(found)) return found;
    const { log } = found;
    if (!found.isLeader || log === null) return ErrorCode.NOT_LEADER_OR_FOLLOWER;
    try {
      const logEndOffset = log.endOffset;
      const from = Math.max(offset, log.startOffset);
      let lost: string | null = null;
      const onLost = (what: string): void => {
        lost = what;
      };
      const read = log.read({ offset: from, maxBytes, upToOffset: logEndOffset, minOneBatch: true, onLost });
      if (isError(read)) return read;
      return {
        records: read.bytes,
        nextOffset: read.nextOffset,
        logEndOffset,
        lost,
        release: () => read.release(),
      };
    } catch (error) {
      return this.#context.failureOf(at, error);
    }
  }
}
