/**
 * The partitions of a fetch session (fetch-sessions.ts): what the client wants of each, what it was last told of
 * it, and whether an outcome says anything new.
 */
import { boundedName, LONGEST_TOPIC_NAME } from '../../bounded-name.ts';
import { ErrorCode } from '../../errors.ts';
import { FEW, type Steps } from '../../platform/turns.ts';
import { type Uuid, ZERO_UUID } from '../../types.ts';

/** One partition as a request names it: by name up to version 12, by topic id from 13. */
export interface RequestedPartition {
  readonly topic: string;
  readonly topicId: Uuid;
  readonly partition: number;
  readonly fetchOffset: number;
  readonly maxBytes: number;
  readonly currentLeaderEpoch: number;
  readonly lastFetchedEpoch: number;
  readonly logStartOffset: number;
}

/** What is to be fetched; `topic` is null while nobody knows the id. */
export interface SessionPartition extends Omit<RequestedPartition, 'topic'> {
  readonly topic: string | null;
}

/** What the session looks at in the outcome of a partition. */
export interface SessionOutcome {
  readonly error: ErrorCode;
  readonly records: { readonly length: number };
  readonly highWatermark: number;
  readonly logStartOffset: number;
  readonly preferredReadReplica: number;
  readonly divergingEpoch: object | null;
}

/** A partition a session remembers, and what the client was last told of it. */
export interface Remembered {
  readonly key: string;
  wanted: SessionPartition;
  highWatermark: number;
  logStartOffset: number;
}

export type TopicNameOf = (topicId: Uuid) => string | undefined;

/** Of partitions that nothing was told of before. null: they name what is too long to be remembered. */
export function* firstTold(
  partitions: readonly SessionPartition[],
  outcomes: readonly SessionOutcome[],
  usesTopicIds: boolean,
): Steps<Map<string, Remembered> | null> {
  const all = new Map<string, Remembered>();
  for (const [index, wanted] of partitions.entries()) {
    if (isTooLong(wanted)) return null;
    const key = sessionKey(wanted, usesTopicIds);
    const told = { key, wanted, highWatermark: -1, logStartOffset: -1 };
    const outcome = outcomes[index];
    if (outcome !== undefined) takeNews(told, outcome);
    all.set(key, told);
    if (index >= FEW) yield;
  }
  return all;
}

/** No topic has such a name, and many of them would take more memory than is counted. */
export function isTooLong({ topic }: Pick<SessionPartition, 'topic'>): boolean {
  return topic !== null && topic.length > LONGEST_TOPIC_NAME;
}

/** The outcomes that say anything new; those of them that brought records have had their turn. */
export function* newsIn<O extends SessionOutcome>(
  outcomes: readonly O[],
  remembered: readonly Remembered[],
  partitions: Map<string, Remembered>,
): Steps<O[]> {
  const news: O[] = [];
  for (const [index, outcome] of outcomes.entries()) {
    if (index > FEW) yield;
    const each = remembered[index];
    if (each === undefined || !takeNews(each, outcome)) continue;
    if (outcome.records.length > 0 && partitions.delete(each.key)) partitions.set(each.key, each);
    news.push(outcome);
  }
  return news;
}

/** The same outcomes; nothing is remembered of them. */
export function* saidNewly<O extends SessionOutcome>(
  outcomes: readonly O[],
  remembered: readonly Remembered[],
): Steps<readonly O[]> {
  const news: O[] = [];
  for (const [index, outcome] of outcomes.entries()) {
    if (index > FEW) yield;
    const each = remembered[index];
    if (each !== undefined && isNews(each, outcome)) news.push(outcome);
  }
  return news;
}

/** Whether the outcome says anything new. */
function isNews(told: Remembered, outcome: SessionOutcome): boolean {
  return (
    outcome.records.length > 0 ||
    outcome.highWatermark !== told.highWatermark ||
    outcome.logStartOffset !== told.logStartOffset ||
    outcome.preferredReadReplica >= 0 ||
    outcome.divergingEpoch !== null ||
    outcome.error !== ErrorCode.NONE
  );
}

/** The same; remembers what it says. */
function takeNews(told: Remembered, outcome: SessionOutcome): boolean {
  const saysNews = isNews(told, outcome);
  // After an error the next outcome without one is news, whatever it says.
  told.highWatermark = outcome.error === ErrorCode.NONE ? outcome.highWatermark : -1;
  told.logStartOffset = outcome.logStartOffset;
  return saysNews;
}

export function resolved(
  wanted: RequestedPartition | SessionPartition,
  usesTopicIds: boolean,
  nameOf: TopicNameOf,
): SessionPartition {
  if (!usesTopicIds) return wanted.topicId === ZERO_UUID ? wanted : { ...wanted, topicId: ZERO_UUID };
  const topic = nameOf(wanted.topicId) ?? null;
  return topic === wanted.topic ? wanted : { ...wanted, topic };
}

export function sessionKey(
  wanted: { readonly topic: string | null; readonly topicId: Uuid; readonly partition: number },
  usesTopicIds: boolean,
): string {
  return `${usesTopicIds ? wanted.topicId : boundedName(wanted.topic ?? '')}/${wanted.partition}`;
}
