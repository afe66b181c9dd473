/** Incremental fetch sessions (KIP-227): numbering, what is answered, forgetting, eviction. */

import { describe, expect, it } from 'vitest';
import { ErrorCode } from '../../../broker/errors.ts';
import { atOnce } from '../../../broker/platform/turns.ts';
import { FetchSessions, type SessionRequest } from '../../../broker/replication/requests/fetch-sessions.ts';
import type {
  RequestedPartition,
  SessionOutcome,
  SessionPartition,
} from '../../../broker/replication/requests/session-partitions.ts';
import { ZERO_UUID } from '../../../broker/types.ts';
import { World } from '../../support/world.ts';

const ID = 'AAAAAAAAAAAAAAAAAAAAAQ';

function setUp(slots = 10, maxPartitions = 1000) {
  const world = new World();
  const { clock } = world;
  const { random, metrics } = world.platform();
  const sessions = new FetchSessions({
    slots,
    maxPartitions,
    clock,
    random,
    metrics,
  });
  const names = new Map([[ID, 'known']]);
  /** Outcomes by `topic/partition`; what is not in it is empty. */
  const outcomes = new Map<string, Partial<SessionOutcome & { name: string }>>();
  const outcomeOf = ({ topic, partition }: SessionPartition) => ({
    name: `${topic}/${partition}`,
    error: ErrorCode.NONE as ErrorCode,
    records: { length: 0 },
    highWatermark: 0,
    logStartOffset: 0,
    preferredReadReplica: -1,
    divergingEpoch: null,
    ...outcomes.get(`${topic}/${partition}`),
  });
  const fetch = (request: Partial<SessionRequest>) => {
    const asked = {
      sessionId: 0,
      sessionEpoch: 0,
      usesTopicIds: false,
      partitions: [],
      forgotten: [],
      ...request,
    };
    const context = atOnce(sessions.open(asked, (id) => names.get(id)));
    const answer = atOnce(context.answer(context.partitions.map(outcomeOf)));
    return {
      fetched: context.partitions.map(({ topic, partition }) => `${topic}/${partition}`),
      error: context.error === ErrorCode.NONE ? answer.error : context.error,
      id: answer.sessionId,
      told: answer.outcomes.map(({ name }) => name),
    };
  };
  return { clock, sessions, names, outcomes, fetch };
}

function wanted(...partitions: number[]): RequestedPartition[] {
  return partitions.map((partition) => ({ ...want(partition) }));
}

function want(partition: number, changed: Partial<RequestedPartition> = {}): RequestedPartition {
  return {
    topic: 't',
    topicId: ZERO_UUID,
    partition,
    fetchOffset: 0,
    maxBytes: 1000,
    currentLeaderEpoch: -1,
    lastFetchedEpoch: -1,
    logStartOffset: -1,
    ...changed,
  };
}

describe('a session', () => {
  it('begins with a full request of epoch 0, and then answers what is new only', () => {
    const { fetch, outcomes } = setUp();
    const full = fetch({ partitions: wanted(0, 1, 2) });
    expect(full).toMatchObject({ error: 0, told: ['t/0', 't/1', 't/2'] });
    expect(full.id).toBeGreaterThan(0);
    expect(fetch({ sessionId: full.id, sessionEpoch: 1 })).toEqual({
      fetched: ['t/0', 't/1', 't/2'],
      error: 0,
      id: full.id,
      told: [],
    });
    outcomes.set('t/1', { highWatermark: 5 });
    expect(fetch({ sessionId: full.id, sessionEpoch: 2 }).told).toEqual(['t/1']);
    expect(fetch({ sessionId: full.id, sessionEpoch: 3 }).told).toEqual([]);
    outcomes.set('t/0', { logStartOffset: 1 });
    outcomes.set('t/1', { highWatermark: 5, preferredReadReplica: 2 });
    outcomes.set('t/2', { divergingEpoch: {} });
    expect(fetch({ sessionId: full.id, sessionEpoch: 4 }).told).toEqual(['t/0', 't/1', 't/2']);
  });

  it('tells an error each time, and of a partition again once its error is over', () => {
    const { fetch, outcomes } = setUp();
    const { id } = fetch({ partitions: wanted(0) });
    outcomes.set('t/0', { error: 3 });
    expect(fetch({ sessionId: id, sessionEpoch: 1 }).told).toEqual(['t/0']);
    expect(fetch({ sessionId: id, sessionEpoch: 2 }).told).toEqual(['t/0']);
    outcomes.delete('t/0');
    expect(fetch({ sessionId: id, sessionEpoch: 3 }).told).toEqual(['t/0']);
    expect(fetch({ sessionId: id, sessionEpoch: 4 }).told).toEqual([]);
  });

  it('remembers no name that is longer than any topic can have', () => {
    const { sessions, fetch } = setUp();
    const long = want(0, { topic: 't'.repeat(250) });
    expect(fetch({ partitions: [want(0), long] })).toMatchObject({ id: 0, told: ['t/0', `${long.topic}/0`] });
    const { id } = fetch({ partitions: [want(0)] });
    const grown = fetch({ sessionId: id, sessionEpoch: 1, partitions: [long] });
    expect([grown.error, sessions.count]).toEqual([ErrorCode.FETCH_SESSION_ID_NOT_FOUND, 0]);
  });

  it('puts partitions that brought records behind the others', () => {
    const { fetch, outcomes } = setUp();
    const { id } = fetch({ partitions: wanted(0, 1, 2) });
    outcomes.set('t/0', { records: { length: 9 } });
    fetch({ sessionId: id, sessionEpoch: 1 });
    expect(fetch({ sessionId: id, sessionEpoch: 2 }).fetched).toEqual(['t/1', 't/2', 't/0']);
  });

  it('takes additions and changes first, then forgets', () => {
    const { fetch } = setUp();
    const { id } = fetch({ partitions: wanted(0, 1) });
    const changed = fetch({ sessionId: id, sessionEpoch: 1, partitions: wanted(2), forgotten: wanted(0, 2) });
    expect(changed.fetched).toEqual(['t/1']);
    const added = fetch({
      sessionId: id,
      sessionEpoch: 2,
      partitions: [want(3), want(1, { fetchOffset: 7 })],
    });
    expect(added).toMatchObject({ fetched: ['t/1', 't/3'], told: ['t/3'] });
  });

  it('ends when nothing is left of it, and the request is answered without one', () => {
    const { fetch, sessions } = setUp();
    const { id } = fetch({ partitions: wanted(0) });
    expect(fetch({ sessionId: id, sessionEpoch: 1, forgotten: wanted(0) })).toMatchObject({
      error: 0,
      id: 0,
    });
    expect(sessions.count).toBe(0);
  });

  it('ends with the final epoch, which is answered in full, and with a new one', () => {
    const { fetch, sessions } = setUp();
    const { id } = fetch({ partitions: wanted(0) });
    expect(fetch({ sessionId: id, sessionEpoch: -1, partitions: wanted(0, 1) })).toMatchObject({
      id: 0,
      told: ['t/0', 't/1'],
    });
    expect(sessions.count).toBe(0);
    const first = fetch({ partitions: wanted(0) });
    fetch({ sessionId: first.id, partitions: wanted(0) });
    expect(sessions.count).toBe(1);
  });

  it.each([
    ['an unknown id', { sessionId: 12345, sessionEpoch: 1 }, ErrorCode.FETCH_SESSION_ID_NOT_FOUND],
    ['a number too early', { sessionEpoch: 2 }, ErrorCode.INVALID_FETCH_SESSION_EPOCH],
    [
      'another way of naming topics',
      { sessionEpoch: 1, usesTopicIds: true },
      ErrorCode.FETCH_SESSION_TOPIC_ID_ERROR,
    ],
  ])('refuses %s', (_what, request, error) => {
    const { fetch } = setUp();
    const { id } = fetch({ partitions: wanted(0) });
    expect(fetch({ sessionId: id, ...request })).toMatchObject({ error, fetched: [], told: [] });
    expect(fetch({ sessionId: id, sessionEpoch: 1 }).error).toBe(0);
  });

  it('refuses a request that another has overtaken', () => {
    const { sessions, fetch } = setUp();
    const { id } = fetch({ partitions: wanted(0) });
    const request = {
      sessionId: id,
      usesTopicIds: false,
      partitions: [],
      forgotten: [],
    };
    const slow = atOnce(sessions.open({ ...request, sessionEpoch: 1 }, () => undefined));
    expect(fetch({ sessionId: id, sessionEpoch: 2 }).error).toBe(0);
    expect(atOnce(slow.answer([])).error).toBe(ErrorCode.INVALID_FETCH_SESSION_EPOCH);
    expect(slow.throttled().error).toBe(ErrorCode.INVALID_FETCH_SESSION_EPOCH);
  });

  it('uses up a number when throttled, and makes no session when throttled at the start', () => {
    const { sessions, fetch } = setUp();
    const { id } = fetch({ partitions: wanted(0) });
    const request = { usesTopicIds: false, partitions: wanted(0), forgotten: [] };
    const open = (asked: { sessionId: number; sessionEpoch: number }) =>
      atOnce(sessions.open({ ...request, ...asked }, () => undefined));
    const throttled = open({ sessionId: id, sessionEpoch: 1 }).throttled();
    expect(throttled).toEqual({ error: 0, sessionId: id, outcomes: [] });
    expect(fetch({ sessionId: id, sessionEpoch: 2 }).error).toBe(0);
    const first = open({ sessionId: 0, sessionEpoch: 0 }).throttled();
    expect([first.sessionId, sessions.count]).toEqual([0, 1]);
  });

  it('learns the name of a topic id when somebody knows it', () => {
    const { fetch, names } = setUp();
    const other = 'AAAAAAAAAAAAAAAAAAAABQ';
    const partitions = [want(0, { topic: '', topicId: other }), want(0, { topic: '', topicId: ID })];
    const { id, fetched } = fetch({ usesTopicIds: true, partitions });
    expect(fetched).toEqual(['null/0', 'known/0']);
    names.set(other, 'later');
    expect(fetch({ sessionId: id, sessionEpoch: 1, usesTopicIds: true }).fetched).toEqual([
      'later/0',
      'known/0',
    ]);
  });
});

describe('when there is no slot left', () => {
  it('a newcomer gets no session while the others are young or in use', () => {
    const { fetch, sessions } = setUp(1);
    const { id } = fetch({ partitions: wanted(0) });
    expect(fetch({ partitions: wanted(0, 1, 2) }).id).toBe(0);
    expect(fetch({ sessionId: id, sessionEpoch: 1 }).error).toBe(0);
    expect([setUp(0).fetch({ partitions: wanted(0) }).id, sessions.count]).toEqual([0, 1]);
  });

  it('one that was idle for two minutes goes', async () => {
    const { fetch, clock } = setUp(1);
    const { id } = fetch({ partitions: wanted(0, 1, 2) });
    await clock.runFor(120_001);
    expect(fetch({ partitions: wanted(0) }).id).toBeGreaterThan(0);
    expect(fetch({ sessionId: id, sessionEpoch: 1 }).error).toBe(ErrorCode.FETCH_SESSION_ID_NOT_FOUND);
  });

  it('an old one in use goes if it is smaller than the newcomer', async () => {
    const { fetch, clock } = setUp(2);
    const small = fetch({ partitions: wanted(0) });
    const large = fetch({ partitions: wanted(0, 1, 2) });
    for (const epoch of [1, 2]) {
      await clock.runFor(70_000);
      for (const { id } of [small, large]) fetch({ sessionId: id, sessionEpoch: epoch });
    }
    expect(fetch({ partitions: wanted(0) }).id).toBe(0);
    expect(fetch({ partitions: wanted(0, 1) }).id).toBeGreaterThan(0);
    expect(fetch({ sessionId: small.id, sessionEpoch: 3 }).error).toBe(ErrorCode.FETCH_SESSION_ID_NOT_FOUND);
    expect(fetch({ sessionId: large.id, sessionEpoch: 3 }).error).toBe(0);
  });
});

describe('what all sessions remember together', () => {
  it('has an end: beyond it there are no new sessions, and one that grows is over', () => {
    const { sessions, fetch } = setUp(10, 5);
    const first = fetch({ partitions: wanted(0, 1) });
    const second = fetch({ partitions: wanted(0, 1) });
    expect(fetch({ partitions: wanted(0, 1) }).id).toBe(0);
    expect(fetch({ sessionId: first.id, sessionEpoch: 1, partitions: wanted(2) }).error).toBe(ErrorCode.NONE);
    expect(fetch({ sessionId: second.id, sessionEpoch: 1, partitions: wanted(2) }).error).toBe(
      ErrorCode.FETCH_SESSION_ID_NOT_FOUND,
    );
    expect(sessions.count).toBe(1);
    expect(fetch({ partitions: wanted(0, 1) }).id).not.toBe(0);
    expect(fetch({ sessionId: first.id, sessionEpoch: -1 }).error).toBe(ErrorCode.NONE);
    expect(fetch({ partitions: wanted(0, 1, 2) }).id).not.toBe(0);
  });
});

describe('a session that is walked through over several turns', () => {
  const many = wanted(...Array.from({ length: 300 }, (_, partition) => partition));
  const next = (sessionId: number, partitions: readonly RequestedPartition[] = []): SessionRequest => {
    return { sessionId, sessionEpoch: 1, usesTopicIds: false, partitions, forgotten: [] };
  };

  it('takes no other request meanwhile', () => {
    const { sessions, fetch } = setUp();
    const { id } = fetch({ partitions: many });
    const opening = sessions.open(next(id, wanted(1000)), () => undefined);
    opening.next();
    expect(fetch({ sessionId: id, sessionEpoch: 1 }).error).toBe(ErrorCode.INVALID_FETCH_SESSION_EPOCH);
    const { partitions, answer } = atOnce(opening);
    expect(partitions).toHaveLength(many.length + 1);
    const answering = answer(partitions.map(outcome));
    answering.next();
    expect(fetch({ sessionId: id, sessionEpoch: 2 }).error).toBe(ErrorCode.INVALID_FETCH_SESSION_EPOCH);
    expect(atOnce(answering).error).toBe(ErrorCode.NONE);
    expect(fetch({ sessionId: id, sessionEpoch: 2 }).error).toBe(ErrorCode.NONE);
  });

  it('and is dropped meanwhile leaves nothing', () => {
    const { sessions, fetch } = setUp(10, 5);
    const { id } = fetch({ partitions: wanted(0, 1) });
    const opening = sessions.open(next(id, wanted(2, 3, 4)), () => undefined);
    opening.next();
    fetch({ sessionId: id, sessionEpoch: -1 });
    expect(atOnce(opening).error).toBe(ErrorCode.FETCH_SESSION_ID_NOT_FOUND);
    expect(sessions.count).toBe(0);
    expect(fetch({ partitions: wanted(0, 1, 2, 3, 4) }).id).not.toBe(0);
  });

  it('and made while others take the last room is not', () => {
    const { sessions, fetch } = setUp(10, many.length);
    const { partitions, answer } = atOnce(
      sessions.open({ ...next(0, many), sessionEpoch: 0 }, () => undefined),
    );
    const answering = answer(partitions.map(outcome));
    answering.next();
    expect(fetch({ partitions: wanted(0) }).id).not.toBe(0);
    expect(atOnce(answering).sessionId).toBe(0);
  });

  const outcome = (): SessionOutcome => ({
    error: ErrorCode.NONE,
    records: { length: 0 },
    highWatermark: 0,
    logStartOffset: 0,
    preferredReadReplica: -1,
    divergingEpoch: null,
  });
});
