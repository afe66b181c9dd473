/**
 * Incremental fetch sessions (KIP-227): the broker remembers which partitions a client fetches and
 * what it was told of each, so that a request names only what changed, and so does the answer.
 * Rules: a session's requests are numbered, and a wrong number refuses the request; a partition is
 * answered only when there is something new about it; partitions that brought records go to the end,
 * so that all get their turn at a full response. A session may hold hundreds of thousands of partitions,
 * so that all that walks through them is work in turns; meanwhile the session takes no other request.
 * Which sessions are remembered, and for how long: fetch-session-cache.ts.
 * Source: Kafka's FetchManager and FetchContext.
 */

import { ErrorCode } from '../../errors.ts';
import { done, FEW, type Steps } from '../../platform/turns.ts';
import {
  type CachedSession,
  FetchSessionCache,
  type FetchSessionCacheOptions,
  LARGEST_INT,
} from './fetch-session-cache.ts';
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

export class FetchSessions {
  readonly #cache: FetchSessionCache;

  constructor(options: FetchSessionCacheOptions) {
    this.#cache = new FetchSessionCache(options);
  }

  get count(): number {
    return this.#cache.count;
  }

  /** Takes a request into its session, or makes one, or finds out that there is none. */
  *open(request: SessionRequest, nameOf: TopicNameOf): Steps<FetchSession> {
    const { sessionId, sessionEpoch } = request;
    if (sessionEpoch === INITIAL_EPOCH || sessionEpoch === FINAL_EPOCH) {
      if (sessionId !== NO_SESSION) this.#cache.drop(this.#cache.get(sessionId));
      return yield* sessionEpoch === FINAL_EPOCH ? sessionless(request, nameOf) : this.#full(request, nameOf);
    }
    const session = this.#cache.get(sessionId);
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

  *#next(session: CachedSession, request: SessionRequest, nameOf: TopicNameOf): Steps<FetchSession> {
    const before = session.partitions.size;
    if (!(yield* this.#update(session, request, nameOf))) {
      return refused(ErrorCode.FETCH_SESSION_ID_NOT_FOUND);
    }
    if (session.partitions.size === 0) {
      this.#cache.drop(session);
      return yield* sessionless(request, nameOf);
    }
    if (session.partitions.size > before && this.#cache.isOverfull) {
      // The client begins anew, with a full request.
      this.#cache.drop(session);
      return refused(ErrorCode.FETCH_SESSION_ID_NOT_FOUND);
    }
    this.#cache.touch(session);
    session.epoch = nextEpoch(request.sessionEpoch);
    return yield* this.#incremental(session, nameOf);
  }

  /** False when the session has been dropped meanwhile. */
  *#update(session: CachedSession, request: SessionRequest, nameOf: TopicNameOf): Steps<boolean> {
    const { partitions, usesTopicIds } = session;
    for (const requested of request.partitions) {
      const key = sessionKey(requested, usesTopicIds);
      const wanted = resolved(requested, usesTopicIds, nameOf);
      const known = partitions.get(key);
      if (known === undefined && isTooLong(wanted)) {
        this.#cache.drop(session);
        return false;
      }
      if (known === undefined) this.#cache.remember(session, key, wanted);
      else known.wanted = wanted;
      yield;
      if (!this.#cache.has(session)) return false;
    }
    for (const forgotten of request.forgotten) {
      this.#cache.forget(session, sessionKey(forgotten, usesTopicIds));
      yield;
      if (!this.#cache.has(session)) return false;
    }
    return true;
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

  *#incremental(session: CachedSession, nameOf: TopicNameOf): Steps<FetchSession> {
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
    if (!this.#cache.hasRoomFor(wanted.length)) return NO_SESSION;
    const { usesTopicIds } = request;
    const partitions = yield* firstTold(wanted, outcomes, usesTopicIds);
    if (partitions === null) return NO_SESSION;
    const epoch = nextEpoch(INITIAL_EPOCH);
    return this.#cache.add({ usesTopicIds, size: wanted.length, epoch, partitions }) ?? NO_SESSION;
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
