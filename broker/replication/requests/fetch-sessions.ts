/**
 * Incremental fetch sessions (KIP-227): the broker remembers which partitions a client fetches and
 * what it was told of each, so that a request names only what changed, and so does the answer.
 * Rules: a session's requests are numbered, and a wrong number refuses the request; a partition is
 * answered only when there is something new about it; partitions that brought records go to the end,
 * so that all get their turn at a full response; sessions are evicted by KIP-227's rules when there
 * is no slot left. Source: Kafka's FetchSession.scala.
 */

import { ErrorCode } from '../../errors.ts';
import type { Clock } from '../../platform/clock.ts';
import type { Metrics } from '../../platform/metrics.ts';
import type { Random } from '../../platform/random.ts';
import { type Uuid, ZERO_UUID } from '../../types.ts';

const NO_SESSION = 0;
/** Asks for a new session. */
const INITIAL_EPOCH = 0;
/** Ends the session; the request itself is answered in full. */
const FINAL_EPOCH = -1;

const LARGEST_INT = 2 ** 31 - 1;
/** Kafka's fixed time after which a session may be evicted by a newcomer. */
const EVICTION_MS = 120_000;

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

export interface SessionRequest {
  readonly sessionId: number;
  readonly sessionEpoch: number;
  /** Version 13 and later. */
  readonly usesTopicIds: boolean;
  readonly partitions: readonly RequestedPartition[];
  readonly forgotten: readonly Pick<RequestedPartition, 'topic' | 'topicId' | 'partition'>[];
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

export interface SessionAnswer<O> {
  readonly error: ErrorCode;
  readonly sessionId: number;
  /** Of all outcomes those that go into the response. */
  readonly outcomes: readonly O[];
}

/** One fetch request within its session. */
export interface FetchSession {
  /** Not NONE: the response is this error and nothing else. */
  readonly error: ErrorCode;
  readonly partitions: readonly SessionPartition[];
  /** The response; `outcomes` are those of `partitions`, in their order. */
  answer<O extends SessionOutcome>(outcomes: readonly O[]): SessionAnswer<O>;
  /** The empty response to a client that is over its quota. */
  throttled(): SessionAnswer<never>;
}

interface FetchSessionsOptions {
  /** `max.incremental.fetch.session.cache.slots` */
  readonly slots: number;
  /**
   * `max.incremental.fetch.session.cache.partitions`, of all sessions together: they remember what
   * clients name, whether it exists or not, so there must be an end to it.
   */
  readonly maxPartitions: number;
  readonly clock: Clock;
  readonly random: Random;
  readonly metrics: Metrics;
}

/** A partition a session remembers, and what the client was last told of it. */
interface Remembered {
  wanted: SessionPartition;
  highWatermark: number;
  logStartOffset: number;
}

/** `partitions` are in the order of their turns: those that brought records last are at the end. */
interface Session {
  readonly id: number;
  readonly usesTopicIds: boolean;
  readonly createdMs: number;
  lastUsedMs: number;
  /** Partitions at the last use; what eviction compares. */
  size: number;
  /** Of the request that is expected next; never 0 again. */
  epoch: number;
  readonly partitions: Map<string, Remembered>;
}

type TopicNameOf = (topicId: Uuid) => string | undefined;

export class FetchSessions {
  readonly #options: FetchSessionsOptions;
  /** Least recently used first. */
  readonly #sessions = new Map<number, Session>();
  readonly #evictions: { add(): void };
  /** In all sessions together. */
  #partitionCount = 0;

  constructor(options: FetchSessionsOptions) {
    this.#options = options;
    const { metrics } = options;
    const prefix = 'kafka_server_fetchsessioncache_';
    this.#evictions = metrics.counter(
      `${prefix}incrementalfetchsessionevictions_total`,
      'Fetch sessions that were evicted',
    );
    metrics.gauge(`${prefix}numincrementalfetchsessions`, 'Fetch sessions', () => this.#sessions.size);
    metrics.gauge(
      `${prefix}numincrementalfetchpartitionscached`,
      'Partitions in fetch sessions',
      () => this.#partitionCount,
    );
  }

  get count(): number {
    return this.#sessions.size;
  }

  /** Takes a request into its session, or makes one, or finds out that there is none. */
  open(request: SessionRequest, nameOf: TopicNameOf): FetchSession {
    const { sessionId, sessionEpoch } = request;
    if (sessionEpoch === INITIAL_EPOCH || sessionEpoch === FINAL_EPOCH) {
      if (sessionId !== NO_SESSION) this.#drop(this.#sessions.get(sessionId));
      return sessionEpoch === FINAL_EPOCH ? sessionless(request, nameOf) : this.#full(request, nameOf);
    }
    const session = this.#sessions.get(sessionId);
    if (session === undefined) return refused(ErrorCode.FETCH_SESSION_ID_NOT_FOUND);
    if (session.epoch !== sessionEpoch) return refused(ErrorCode.INVALID_FETCH_SESSION_EPOCH);
    if (session.usesTopicIds !== request.usesTopicIds) return refused(ErrorCode.FETCH_SESSION_TOPIC_ID_ERROR);
    const before = session.partitions.size;
    update(session, request, nameOf);
    this.#partitionCount += session.partitions.size - before;
    if (session.partitions.size === 0) {
      this.#drop(session);
      return sessionless(request, nameOf);
    }
    if (session.partitions.size > before && this.#partitionCount > this.#options.maxPartitions) {
      // The client begins anew, with a full request.
      this.#drop(session);
      return refused(ErrorCode.FETCH_SESSION_ID_NOT_FOUND);
    }
    this.#touch(session);
    session.epoch = nextEpoch(sessionEpoch);
    return this.#incremental(session, nameOf);
  }

  #drop(session: Session | undefined): void {
    if (session === undefined || !this.#sessions.delete(session.id)) return;
    this.#partitionCount -= session.partitions.size;
  }

  #full(request: SessionRequest, nameOf: TopicNameOf): FetchSession {
    const partitions = request.partitions.map((wanted) => resolved(wanted, request.usesTopicIds, nameOf));
    return {
      error: ErrorCode.NONE,
      partitions,
      answer: (outcomes) => ({
        error: ErrorCode.NONE,
        sessionId: this.#create(request, partitions, outcomes),
        outcomes,
      }),
      throttled: () => ({ error: ErrorCode.NONE, sessionId: NO_SESSION, outcomes: [] }),
    };
  }

  #incremental(session: Session, nameOf: TopicNameOf): FetchSession {
    const { epoch } = session;
    const remembered = [...session.partitions];
    for (const [, each] of remembered) each.wanted = resolved(each.wanted, session.usesTopicIds, nameOf);
    const overtaken = { error: ErrorCode.INVALID_FETCH_SESSION_EPOCH, sessionId: NO_SESSION, outcomes: [] };
    return {
      error: ErrorCode.NONE,
      partitions: remembered.map(([, { wanted }]) => wanted),
      answer: (outcomes) => {
        if (session.epoch !== epoch) return overtaken;
        const news = outcomes.filter((outcome, index) => {
          const [key, each] = remembered[index] ?? [];
          if (key === undefined || each === undefined || !takeNews(each, outcome)) return false;
          if (outcome.records.length > 0 && session.partitions.delete(key)) session.partitions.set(key, each);
          return true;
        });
        return { error: ErrorCode.NONE, sessionId: session.id, outcomes: news };
      },
      throttled: () =>
        session.epoch === epoch ? { error: ErrorCode.NONE, sessionId: session.id, outcomes: [] } : overtaken,
    };
  }

  /** Makes a session if there is a slot for it; its id or NO_SESSION. */
  #create(
    request: SessionRequest,
    partitions: readonly SessionPartition[],
    outcomes: readonly SessionOutcome[],
  ): number {
    const { slots, clock, random } = this.#options;
    if (this.#partitionCount + partitions.length > this.#options.maxPartitions) return NO_SESSION;
    if (this.#sessions.size >= slots && !this.#evictFor(partitions.length)) return NO_SESSION;
    let id: number;
    do {
      id = 1 + random.int(LARGEST_INT - 1);
    } while (this.#sessions.has(id));
    const nowMs = clock.nowMs();
    const session: Session = {
      id,
      usesTopicIds: request.usesTopicIds,
      createdMs: nowMs,
      lastUsedMs: nowMs,
      size: partitions.length,
      epoch: nextEpoch(INITIAL_EPOCH),
      partitions: new Map(),
    };
    partitions.forEach((wanted, index) => {
      const told = { wanted, highWatermark: -1, logStartOffset: -1 };
      const outcome = outcomes[index];
      if (outcome !== undefined) takeNews(told, outcome);
      session.partitions.set(keyOf(wanted, request.usesTopicIds), told);
    });
    this.#sessions.set(id, session);
    this.#partitionCount += session.partitions.size;
    return id;
  }

  #touch(session: Session): void {
    session.lastUsedMs = this.#options.clock.nowMs();
    session.size = session.partitions.size;
    this.#sessions.delete(session.id);
    this.#sessions.set(session.id, session);
  }

  /** Frees a slot for a newcomer of a size: of who is idle, else of the smallest that may be evicted and is smaller. */
  #evictFor(size: number): boolean {
    const nowMs = this.#options.clock.nowMs();
    const [oldest] = this.#sessions.values();
    if (oldest === undefined) return false;
    let victim: Session | null = nowMs - oldest.lastUsedMs > EVICTION_MS ? oldest : null;
    if (victim === null) {
      for (const session of this.#sessions.values()) {
        const isEvictable = nowMs - session.createdMs > EVICTION_MS;
        if (isEvictable && (victim === null || session.size < victim.size)) victim = session;
      }
      if (victim === null || victim.size >= size) return false;
    }
    this.#drop(victim);
    this.#evictions.add();
    return true;
  }
}

/** The number after `epoch`: it never becomes 0 again. */
function nextEpoch(epoch: number): number {
  if (epoch < 0) return FINAL_EPOCH;
  return epoch === LARGEST_INT ? 1 : epoch + 1;
}

function update(session: Session, request: SessionRequest, nameOf: TopicNameOf): void {
  for (const requested of request.partitions) {
    const key = keyOf(requested, session.usesTopicIds);
    const wanted = resolved(requested, session.usesTopicIds, nameOf);
    const known = session.partitions.get(key);
    if (known === undefined) session.partitions.set(key, { wanted, highWatermark: -1, logStartOffset: -1 });
    else known.wanted = wanted;
  }
  for (const forgotten of request.forgotten)
    session.partitions.delete(keyOf(forgotten, session.usesTopicIds));
}

/** Whether the outcome says anything new; remembers what it says. */
function takeNews(told: Remembered, outcome: SessionOutcome): boolean {
  const isNews =
    outcome.records.length > 0 ||
    outcome.highWatermark !== told.highWatermark ||
    outcome.logStartOffset !== told.logStartOffset ||
    outcome.preferredReadReplica >= 0 ||
    outcome.divergingEpoch !== null ||
    outcome.error !== ErrorCode.NONE;
  // After an error the next outcome without one is news, whatever it says.
  told.highWatermark = outcome.error === ErrorCode.NONE ? outcome.highWatermark : -1;
  told.logStartOffset = outcome.logStartOffset;
  return isNews;
}

function sessionless(request: SessionRequest, nameOf: TopicNameOf): FetchSession {
  return {
    error: ErrorCode.NONE,
    partitions: request.partitions.map((wanted) => resolved(wanted, request.usesTopicIds, nameOf)),
    answer: (outcomes) => ({ error: ErrorCode.NONE, sessionId: NO_SESSION, outcomes }),
    throttled: () => ({ error: ErrorCode.NONE, sessionId: NO_SESSION, outcomes: [] }),
  };
}

function refused(error: ErrorCode): FetchSession {
  const answer = { error, sessionId: NO_SESSION, outcomes: [] };
  return { error, partitions: [], answer: () => answer, throttled: () => answer };
}

function resolved(
  wanted: RequestedPartition | SessionPartition,
  usesTopicIds: boolean,
  nameOf: TopicNameOf,
): SessionPartition {
  if (!usesTopicIds) return { ...wanted, topicId: ZERO_UUID };
  const topic = nameOf(wanted.topicId) ?? null;
  return topic === wanted.topic ? wanted : { ...wanted, topic };
}

function keyOf(
  wanted: { readonly topic: string | null; readonly topicId: Uuid; readonly partition: number },
  usesTopicIds: boolean,
): string {
  return `${usesTopicIds ? wanted.topicId : wanted.topic}/${wanted.partition}`;
}
