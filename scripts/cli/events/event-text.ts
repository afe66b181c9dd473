/** Events, times and partitions as these commands print and read them. */
import type { Recorded } from '../../../broker/platform/event-ring.ts';
import { sentenceOf } from '../../../broker/platform/event-sentences.ts';
import type { EventGap } from '../../../broker/platform/journal-files/journal-cursor.ts';
import { parsePartitionKey, type TopicPartition } from '../../../broker/types.ts';
import { UsageError } from '../arguments.ts';
import { printable } from '../output.ts';

/** `2026-11-29 06:02:11.402`, in UTC, by the clock of the broker. */
export function timeText(wallMs: number): string {
  return new Date(wallMs).toISOString().replace('T', ' ').replace('Z', '');
}

/** One event in one line, with its id and the one that it follows from. */
export function eventLine(recorded: Recorded): string {
  const { id, causeId, brokerId, wallMs, event } = recorded;
  const { causeBrokerId = brokerId } = recorded;
  const because = causeId === null ? '' : ` <- ${causeBrokerId}/${causeId}`;
  const what = printable(`broker ${brokerId} ${sentenceOf(event)}`);
  return `${timeText(wallMs)} ${brokerId}/${id}${because} [${printable(event.kind)}] ${what}`;
}

export function gapLine(brokerId: number | null, { after, before }: EventGap): string {
  return `(of broker ${brokerId ?? '?'} the events after ${after} and before ${before} are missing)`;
}

/** A partition from `topic-0`; throws UsageError. */
export function partitionOption(text: string): TopicPartition {
  if (!/^.+-\d+$/.test(text)) throw new UsageError(`--partition takes TOPIC-NUMBER, not '${text}'`);
  return parsePartitionKey(text);
}
