/**
 * Incremental fetch sessions (KIP-227): the broker remembers which partitions a client fetches and
 * what it was told of each, so that a request names only what changed, and so does the answer.
 * Rules: a session's requests are numbered, and a wrong number refuses the request; a partition is
 * answered only when there is something new about it; partitions that brought records go to the end,
 * so that all get their turn at a full response; sessions are evicted by KIP-227's rules when there
 * is no slot left. A session may hold hundreds of thousands of partitions, so that all that walks through
 * them is work in turns; meanwhile the session takes no other request. Source: Kafka's FetchSession.scala.
 */

import { ErrorCode } from '../../errors.ts';
import type { Clock } from '../../platform/clock.ts';
import type { Metrics } from '../../platform/metrics.ts';
import type { Random } from '../../platform/random.ts';
import { done, FEW, type Steps } from '../../platform/turns.ts';
import {
  firstTold,
  isTooLong,
  newsIn,
  type Remembered,
  type RequestedPartition,
  resolved,
  type SessionOutcome,
  type SessionPartition,
  saidNewly,
  sessionKey,
  type TopicNameOf,
} from './session-partitions.ts';

const NO_SESSION = 0;
/** Asks for a new session. */
const INITIAL_EPOCH = 0;
/** Ends the session; the request itself is answered in full. */
const FINAL_EPOCH = -1;

const LARGEST_INT = 2 ** 31 - 1;
/** Kafka's fixed time after which a session may be evicted by a newcomer. */
const EVICTION_MS = 120_000;

export interface SessionRequest {
  readonly sessionId: number;
  readonly sessionEpoch: number;
  /** Version 13 and later. */
  readonly usesTopicIds: boolean;
  readonly partitions: readonly RequestedPartition[];
  readonly forgotten: readonly Pick<RequestedPartition, 'topic' | 'topicId' | 'partition'>[];
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
  answer<O extends SessionOutcome>(outcomes: readonly O[]): Steps<SessionAnswer<O>>;
  /** The outcomes that `answer` would hold; nothing is remembered of them. */
  answerable<O extends SessionOutcome>(outcomes: readonly O[]): Steps<readonly O[]>;
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
  /** Somebody is walking through its partitions. */
  isBusy: boolean;
  readonly partitions: Map<string, Remembered>;
}

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
  *open(request: SessionRequest, nameOf: TopicNameOf): Steps<FetchSession> {
    const { sessionId, sessionEpoch } = request;
    if (sessionEpoch === INITIAL_EPOCH || sessionEpoch === FINAL_EPOCH) {
      if (sessionId !== NO_SESSION) this.#drop(this.#sessions.get(sessionId));
      return yield* sessionEpoch === FINAL_EPOCH ? sessionless(request, nameOf) : this.#full(request, nameOf);
    }
    const session = this.#sessions.get(sessionId);
    if (session === undefined) return refused(ErrorCode.FETCH_SESSION_ID_NOT_FOUND);
    if (session.epoch !== sessionEpoch || session.isBusy) {
      return refused(ErrorCode.INVALID_FETCH_SESSION_EPOCH);
    }
    if (session.usesTopicIds !== request.usesTopicIds) return refused(ErrorCode.FETCH_SESSION_TOPIC_ID_ERROR);
    session.isBusy = true;
    try {
      return yield* this.#next(session, request, nameOf);
    } finally {
      session.isBusy = false;
    }
  }

  *#next(session: Session, request: SessionRequest, nameOf: TopicNameOf): Steps<FetchSession> {
    const before = session.partitions.size;
    if (!(yield* this.#update(session, request, nameOf))) {
      return refused(ErrorCode.FETCH_SESSION_ID_NOT_FOUND);
    }
    if (session.partitions.size === 0) {
      this.#drop(session);
      return yield* sessionless(request, nameOf);
    }
    if (session.partitions.size > before && this.#partitionCount > this.#options.maxPartitions) {
      // The client begins anew, with a full request.
      this.#drop(session);
      return refused(ErrorCode.FETCH_SESSION_ID_NOT_FOUND);
    }
    this.#touch(session);
    session.epoch = nextEpoch(request.sessionEpoch);
    return yield* this.#incremental(session, nameOf);
  }

  /** False when the session has been dropped meanwhile. */
  *#update(session: Session, request: SessionRequest, nameOf: TopicNameOf): Steps<boolean> {
    const { partitions, usesTopicIds } = session;
    for (const requested of request.partitions) {
      const key = sessionKey(requested, usesTopicIds);
      const wanted = resolved(requested, usesTopicIds, nameOf);
      const known = partitions.get(key);
      if (known === undefined && isTooLong(wanted)) {
        this.#drop(session);
        return false;
      }
      if (known === undefined) {
        partitions.set(key, { key, wanted, highWatermark: -1, logStartOffset: -1 });
        this.#partitionCount += 1;
      } else known.wanted = wanted;
      yield;
      if (!this.#has(session)) return false;
    }
    for (const forgotten of request.forgotten) {
      if (partitions.delete(sessionKey(forgotten, usesTopicIds))) this.#partitionCount -= 1;
      yield;
      if (!this.#has(session)) return false;
    }
    return true;
  }

  #has(session: Session): boolean {
    return this.#sessions.get(session.id) === session;
  }

  #drop(session: Session | undefined): void {
    if (session === undefined || !this.#sessions.delete(session.id)) return;
    this.#partitionCount -= session.partitions.size;
  }

  *#full(request: SessionRequest, nameOf: TopicNameOf): Steps<FetchSession> {
    const partitions = yield* allResolved(request, nameOf);
    const create = (outcomes: readonly SessionOutcome[]): Steps<number> =>
      this.#create(request, partitions, outcomes);
    return {
      error: ErrorCode.NONE,
      partitions,
      *answer(outcomes) {
        return { error: ErrorCode.NONE, sessionId: yield* create(outcomes), outcomes };
      },
      answerable: (outcomes) => done(outcomes),
      throttled: () => ({ error: ErrorCode.NONE, sessionId: NO_SESSION, outcomes: [] }),
    };
  }

  *#incremental(session: Session, nameOf: TopicNameOf): Steps<FetchSession> {
    const { epoch } = session;
    const remembered: Remembered[] = [];
    const partitions: SessionPartition[] = [];
    for (const each of session.partitions.values()) {
      each.wanted = resolved(each.wanted, session.usesTopicIds, nameOf);
      remembered.push(each);
      partitions.push(each.wanted);
      if (partitions.length > FEW) yield;
    }
    const overtaken = { error: ErrorCode.INVALID_FETCH_SESSION_EPOCH, sessionId: NO_SESSION, outcomes: [] };
    return {
      error: ErrorCode.NONE,
      partitions,
      *answer(outcomes) {
        if (session.epoch !== epoch || session.isBusy) return overtaken;
        session.isBusy = true;
        try {
          const news = yield* newsIn(outcomes, remembered, session.partitions);
          return { error: ErrorCode.NONE, sessionId: session.id, outcomes: news };
        } finally {
          session.isBusy = false;
        }
      },
      answerable: (outcomes) => saidNewly(outcomes, remembered),
      throttled: () =>
        session.epoch === epoch && !session.isBusy
          ? { error: ErrorCode.NONE, sessionId: session.id, outcomes: [] }
          : overtaken,
    };
  }

  /** Makes a session if there is a slot for it; its id or NO_SESSION. */
  *#create(
    request: SessionRequest,
    wanted: readonly SessionPartition[],
    outcomes: readonly SessionOutcome[],
  ): Steps<number> {
    if (!this.#hasRoomFor(wanted.length)) return NO_SESSION;
    const partitions = yield* firstTold(wanted, outcomes, request.usesTopicIds);
    if (partitions === null) return NO_SESSION;
    // Looked at again: others may have come meanwhile.
    if (!this.#hasRoomFor(wanted.length)) return NO_SESSION;
    const { slots, clock, random } = this.#options;
    if (this.#sessions.size >= slots && !this.#evictFor(wanted.length)) return NO_SESSION;
    let id: number;
    do {
      id = 1 + random.int(LARGEST_INT - 1);
    } while (this.#sessions.has(id));
    const nowMs = clock.nowMs();
    this.#sessions.set(id, {
      id,
      usesTopicIds: request.usesTopicIds,
      createdMs: nowMs,
      lastUsedMs: nowMs,
      size: wanted.length,
      epoch: nextEpoch(INITIAL_EPOCH),
      isBusy: false,
      partitions,
    });
    this.#partitionCount += partitions.size;
    return id;
  }

  #hasRoomFor(partitions: number): boolean {
    return this.#partitionCount + partitions <= this.#options.maxPartitions;
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

function* sessionless(request: SessionRequest, nameOf: TopicNameOf): Steps<FetchSession> {
  return {
    error: ErrorCode.NONE,
    partitions: yield* allResolved(request, nameOf),
    answer: (outcomes) => done({ error: ErrorCode.NONE, sessionId: NO_SESSION, outcomes }),
    answerable: (outcomes) => done(outcomes),
    throttled: () => ({ error: ErrorCode.NONE, sessionId: NO_SESSION, outcomes: [] }),
  };
}

function refused(error: ErrorCode): FetchSession {
  const answer = { error, sessionId: NO_SESSION, outcomes: [] };
  return {
    error,
    partitions: [],
    answer: () => done(answer),
    answerable: () => done([]),
    throttled: () => answer,
  };
}

function* allResolved(
  { partitions, usesTopicIds }: SessionRequest,
  nameOf: TopicNameOf,
): Steps<readonly SessionPartition[]> {
  const all: SessionPartition[] = [];
  for (const wanted of partitions) {
    all.push(resolved(wanted, usesTopicIds, nameOf));
    if (all.length > FEW) yield;
  }
  return all;
}
