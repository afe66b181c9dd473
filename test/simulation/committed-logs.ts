/**
 * What has been committed, as the first replica to know of it had it. From then on every replica must
 * have the same bytes up to its high watermark, every new leader must have all of it, and what clients
 * are told must be in it: a record that is committed is never lost, moved or changed.
 */
import {
  batchBaseOffset,
  batchLastOffset,
  batchSizeBytes,
  completeBatches,
} from '../../broker/records/batch.ts';
import { readRecords } from '../../broker/records/record.ts';
import type { Acknowledgement, ConsumedRecord } from './history.ts';
import { type LogRules, STRICT } from './log-rules.ts';
import type { Broken, ReplicaView } from './observation.ts';

interface CommittedLog {
  readonly name: string;
  /** Everything below is committed. */
  endOffset: number;
  readonly batches: Map<number, Buffer>;
  readonly values: Map<number, string>;
  readonly keys: Map<number, string>;
  /** By offset, where the log began when that record was committed, if not at 0. */
  readonly starts: Map<number, number>;
}

export class CommittedLogs {
  readonly #broken: Broken;
  readonly #rules: LogRules;
  readonly #logs = new Map<string, CommittedLog>();
  /** Up to where a process's replica has been compared. */
  readonly #compared = new Map<string, number>();
  /** In which leader epoch a process's replica was found to have everything. */
  readonly #complete = new Map<string, number>();
  /** Epochs that began with an unclean election, and whose leader has not been seen yet. */
  readonly #unclean = new Map<string, number>();

  constructor(broken: Broken, rules: LogRules = STRICT) {
    this.#broken = broken;
    this.#rules = rules;
  }

  /** What the leader of this epoch does not have is committed no more. */
  electedUncleanly(key: string, leaderEpoch: number): void {
    this.#unclean.set(key, leaderEpoch);
  }

  committedEndOffset(key: string): number {
    return this.#logs.get(key)?.endOffset ?? 0;
  }

  /** Where a partition began when the record at this offset was committed. */
  startOffsetAt(key: string, offset: number): number {
    return this.#logs.get(key)?.starts.get(offset) ?? 0;
  }

  /** All committed values of a partition, by offset. */
  values(key: string): ReadonlyMap<number, string> {
    return this.#logs.get(key)?.values ?? new Map();
  }

  /** Compares what is new below the replica's high watermark; with a new process, everything. */
  check(replica: ReplicaView): void {
    if (this.#unclean.has(replica.key)) this.#begin(replica);
    const from = Math.max(this.#compared.get(replica.id) ?? 0, this.#soundFrom(replica));
    if (from >= replica.highWatermark) return;
    this.#compare(replica, from, replica.highWatermark);
    this.#compared.set(replica.id, replica.highWatermark);
  }

  /** The leader that was elected last has all that is committed; looked at in full once an epoch. */
  checkLeader(replica: ReplicaView): void {
    const log = this.#logs.get(replica.key);
    if (log === undefined) return;
    if (replica.endOffset < log.endOffset) {
      this.#broken(
        `${log.name}: leader ${replica.brokerId} of epoch ${replica.leaderEpoch} ends at ${replica.endOffset}, ` +
          `but everything below ${log.endOffset} is committed`,
      );
      return;
    }
    if (this.#complete.get(replica.id) === replica.leaderEpoch) return;
    this.#complete.set(replica.id, replica.leaderEpoch);
    const from = this.#soundFrom(replica);
    if (from < log.endOffset) this.#compare(replica, from, log.endOffset);
  }

  /** With acks=all a record is committed before its producer hears of it. */
  checkAcknowledged({ acks, topic, topicId, partition, offset, values }: Acknowledgement): void {
    if (acks !== -1) return;
    const log = this.#logs.get(`${topicId}:${partition}`);
    for (const [index, value] of values.entries()) {
      const found = offset < 0 ? this.#holds(log, value) : log?.values.get(offset + index);
      if (found === value) continue;
      this.#broken(
        `${topic}-${partition}: '${value}' was acknowledged at ${offset + index}, ` +
          `where ${found === undefined ? 'nothing is committed' : `'${found}' is`}`,
      );
    }
  }

  /** Consumers are shown what is committed and nothing else. */
  checkConsumed({ topicId, partition, offset, value }: ConsumedRecord): void {
    const log = this.#logs.get(`${topicId}:${partition}`);
    const found = log?.values.get(offset);
    if (found !== value)
      this.#broken(`${log?.name}: a consumer read '${value}' at ${offset}, where '${found}' is committed`);
  }

  /** What has rotted is compared when it has been mended. */
  #soundFrom({ brokerId, name, startOffset }: ReplicaView): number {
    return Math.max(startOffset, this.#rules.soundFrom(brokerId, name));
  }

  #holds(log: CommittedLog | undefined, value: string): string | undefined {
    for (const one of log?.values.values() ?? []) if (one === value) return one;
    return undefined;
  }

  #compare(replica: ReplicaView, fromOffset: number, upToOffset: number): void {
    const log = this.#log(replica);
    const compaction = this.#rules.compaction(replica.name);
    const bytes = replica.read(fromOffset, upToOffset);
    const found = new Set<number>();
    let next = fromOffset;
    for (const at of completeBatches(bytes)) {
      const base = batchBaseOffset(bytes, at);
      const batch = bytes.subarray(at, at + batchSizeBytes(bytes, at));
      if (compaction === null ? base !== next && next !== fromOffset : base < next && next !== fromOffset)
        this.#broken(`${log.name}: on broker ${replica.brokerId} ${base} follows on ${next - 1}`);
      next = batchLastOffset(bytes, at) + 1;
      if (base >= log.endOffset) this.#commit(log, batch, replica.startOffset);
      else if (compaction !== null) this.#compareRecords(log, replica, batch);
      else if (log.batches.get(base)?.equals(batch) !== true)
        this.#broken(
          `${log.name}: broker ${replica.brokerId} has other bytes at ${base} than what is committed`,
        );
      if (compaction === 'keys') for (const { offset } of readRecords(batch, 0)) found.add(offset);
    }
    if (compaction === 'keys') this.#checkSurvivors(log, replica, { found, fromOffset, upToOffset });
    if (compaction === null && next !== upToOffset)
      this.#broken(`${log.name}: broker ${replica.brokerId} has batches up to ${next}, not to ${upToOffset}`);
  }

  /** A cleaned batch has fewer records, and none that was not there. */
  #compareRecords(log: CommittedLog, { brokerId }: ReplicaView, batch: Buffer): void {
    if (log.batches.get(batchBaseOffset(batch, 0))?.equals(batch) === true) return;
    for (const { offset, key, value } of readRecords(batch, 0)) {
      if (log.values.get(offset) !== text(value) || (log.keys.get(offset) ?? '') !== text(key))
        this.#broken(
          `${log.name}: broker ${brokerId} has another record at ${offset} than what is committed`,
        );
    }
  }

  /** What is missing is older than another record with its key. Who catches up with a cleaned log has that one later. */
  #checkSurvivors(
    log: CommittedLog,
    { brokerId }: ReplicaView,
    { found, fromOffset, upToOffset }: { found: Set<number>; fromOffset: number; upToOffset: number },
  ): void {
    const latest = new Map<string, number>();
    for (const [offset, key] of log.keys) latest.set(key, offset);
    for (const [offset, key] of log.keys) {
      if (offset < fromOffset || offset >= upToOffset || found.has(offset)) continue;
      if (latest.get(key) === offset)
        this.#broken(`${log.name}: broker ${brokerId} has lost the latest value of ${key}, at ${offset}`);
    }
  }

  /** After an unclean election: what is committed is what the new leader has of it. */
  #begin(replica: ReplicaView): void {
    if (replica.role !== 'leader' || this.#unclean.get(replica.key) !== replica.leaderEpoch) return;
    this.#unclean.delete(replica.key);
    const log = this.#log(replica);
    const bytes = replica.read(replica.startOffset, replica.endOffset);
    let end = replica.startOffset;
    for (const at of completeBatches(bytes)) {
      const base = batchBaseOffset(bytes, at);
      const batch = bytes.subarray(at, at + batchSizeBytes(bytes, at));
      if (base >= log.endOffset || log.batches.get(base)?.equals(batch) !== true) break;
      end = batchLastOffset(bytes, at) + 1;
    }
    log.endOffset = Math.min(log.endOffset, end);
    for (const known of [log.batches, log.values, log.keys])
      for (const offset of known.keys()) if (offset >= log.endOffset) known.delete(offset);
    for (const [at, compared] of this.#compared)
      if (at.endsWith(` ${replica.key}`)) this.#compared.set(at, Math.min(compared, log.endOffset));
  }

  #commit(log: CommittedLog, batch: Buffer, startOffset: number): void {
    const base = batchBaseOffset(batch, 0);
    log.batches.set(base, Buffer.from(batch));
    for (const { offset, key, value } of readRecords(batch, 0)) {
      log.values.set(offset, text(value));
      if (startOffset > 0) log.starts.set(offset, startOffset);
      if (key !== null) log.keys.set(offset, text(key));
    }
    log.endOffset = batchLastOffset(batch, 0) + 1;
  }

  #log({ key, name }: ReplicaView): CommittedLog {
    let log = this.#logs.get(key);
    if (log === undefined) {
      log = { name, endOffset: 0, batches: new Map(), values: new Map(), keys: new Map(), starts: new Map() };
      this.#logs.set(key, log);
    }
    return log;
  }
}

function text(bytes: Buffer | null): string {
  return bytes?.toString('latin1') ?? '';
}
