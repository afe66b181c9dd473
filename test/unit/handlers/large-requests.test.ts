/**
 * Requests that name very many different things are worked through in turns: of what the broker is asked about
 * each of them, no turn has more than its share, and all of it is done where the sender is charged for it.
 */
import { expect, it, vi } from 'vitest';
import { ErrorCode } from '../../../broker/errors.ts';
import { fetch } from '../../../broker/handlers/01-fetch.ts';
import { listOffsets } from '../../../broker/handlers/02-list-offsets.ts';
import { metadata } from '../../../broker/handlers/03-metadata.ts';
import { offsetCommit } from '../../../broker/handlers/08-offset-commit.ts';
import { offsetFetch } from '../../../broker/handlers/09-offset-fetch.ts';
import { joinGroup } from '../../../broker/handlers/11-join-group.ts';
import { syncGroup } from '../../../broker/handlers/14-sync-group.ts';
import { describeGroups } from '../../../broker/handlers/15-describe-groups.ts';
import { deleteTopics } from '../../../broker/handlers/20-delete-topics.ts';
import { deleteRecords } from '../../../broker/handlers/21-delete-records.ts';
import { addPartitionsToTxn } from '../../../broker/handlers/24-add-partitions-to-txn.ts';
import { writeTxnMarkers } from '../../../broker/handlers/27-write-txn-markers.ts';
import { txnOffsetCommit } from '../../../broker/handlers/28-txn-offset-commit.ts';
import { alterConfigs } from '../../../broker/handlers/33-alter-configs.ts';
import { deleteGroups } from '../../../broker/handlers/42-delete-groups.ts';
import { offsetDelete } from '../../../broker/handlers/47-offset-delete.ts';
import { alterClientQuotas } from '../../../broker/handlers/49-alter-client-quotas.ts';
import { describeProducers } from '../../../broker/handlers/61-describe-producers.ts';
import { describeTransactions } from '../../../broker/handlers/65-describe-transactions.ts';
import type { AnyHandler } from '../../../broker/handlers/handler.ts';
import { createMetrics } from '../../../broker/platform/metrics.ts';
import { Turns } from '../../../broker/platform/turns.ts';
import { decodeRequest, encodeRequest } from '../../../broker/protocol/codec.ts';
import { FetchSessions } from '../../../broker/replication/requests/fetch-sessions.ts';
import { type Given, sender, services, world } from './support.ts';

const MANY = 10_000;
const MOST_PER_TURN = 2000;

const many = <T>(one: (name: string) => T): T[] => Array.from({ length: MANY }, (_, n) => one(`name-${n}`));
const none = ErrorCode.NONE;
const fetchSessions = new FetchSessions({
  ...{ slots: 10, maxPartitions: MANY, metrics: createMetrics() },
  ...{ clock: world.clock, random: world.random },
});

const CASES: readonly [handler: unknown, version: number, request: object, given: Given][] = [
  [
    fetch,
    12,
    { topics: many((topic) => ({ topic, partitions: [{ partition: 0, fetchOffset: 0 }] })) },
    { fetchSessions },
  ],
  [
    listOffsets,
    7,
    { topics: many((name) => ({ name, partitions: [{ partitionIndex: 0 }] })) },
    { replicas: { listOffset: () => ({ error: none, offset: 0, timestampMs: -1, leaderEpoch: 0 }) } },
  ],
  [metadata, 9, { topics: many((name) => ({ name })), allowAutoTopicCreation: false }, {}],
  [
    offsetCommit,
    8,
    { groupId: 'g', topics: many((name) => ({ name, partitions: [{ partitionIndex: 0 }] })) },
    {},
  ],
  [
    offsetFetch,
    8,
    { groups: many((groupId) => ({ groupId, topics: [] })) },
    { groups: { fetchOffsets: () => ({ error: none, offsets: new Map() }) } },
  ],
  [
    describeGroups,
    5,
    { groups: many((name) => name) },
    { groups: { describeGroup: () => ({ error: none, group: null }) } },
  ],
  [deleteTopics, 6, { topics: many((name) => ({ name })), timeoutMs: 0 }, { controller: { isActive: true } }],
  [
    deleteRecords,
    2,
    { topics: many((name) => ({ name, partitions: [{ partitionIndex: 0, offset: 1 }] })) },
    { replicas: { deleteRecords: () => [] } },
  ],
  [
    addPartitionsToTxn,
    3,
    { v3AndBelowTransactionalId: 't', v3AndBelowTopics: many((name) => ({ name, partitions: [0] })) },
    { transactions: { addPartitions: async () => none } },
  ],
  [txnOffsetCommit, 3, { topics: many((name) => ({ name, partitions: [{ partitionIndex: 0 }] })) }, {}],
  [
    alterConfigs,
    2,
    { resources: many((resourceName) => ({ resourceType: 2, resourceName, configs: [] })) },
    {},
  ],
  [deleteGroups, 2, { groupsNames: many((name) => name) }, { groups: { deleteGroup: async () => none } }],
  [
    offsetDelete,
    0,
    { groupId: 'g', topics: many((name) => ({ name, partitions: [{ partitionIndex: 0 }] })) },
    { groups: { deleteOffsets: async () => ({ error: none, partitions: [] }) } },
  ],
  [describeProducers, 0, { topics: many((name) => ({ name, partitionIndexes: [0] })) }, {}],
  [
    describeTransactions,
    0,
    { transactionalIds: many((name) => name) },
    {
      transactions: { describe: () => ({ error: ErrorCode.TRANSACTIONAL_ID_NOT_FOUND, transaction: null }) },
    },
  ],
];

it.each(
  CASES.map(
    ([handler, ...rest]) => [(handler as AnyHandler).api.name, handler as AnyHandler, ...rest] as const,
  ),
)('%s', async (_name, { api, handle }, version, request, given) => {
  const askedPerPiece: number[] = [];
  let asked = 0;
  const may = (): boolean => {
    asked++;
    return true;
  };
  const turns = new Turns(world.clock, (piece) => {
    const before = asked;
    try {
      return piece();
    } finally {
      askedPerPiece.push(asked - before);
    }
  });
  const decoded = decodeRequest(api, version, Buffer.concat(encodeRequest(api, version, request as never)));
  const answer = await handle(decoded, sender(version, { may }, { turns }), services(given));
  expect(answer).toBeTypeOf('object');
  expect(Math.max(...askedPerPiece)).toBeLessThanOrEqual(MOST_PER_TURN);
  const inTurns = askedPerPiece.reduce((sum, each) => sum + each, 0);
  expect(inTurns).toBeGreaterThanOrEqual(MANY);
  // Besides, only whether the sender may ask at all.
  expect(asked - inTurns).toBeLessThanOrEqual(2);
});

/** The same with topics that have no partitions. */
function withoutPartitions(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutPartitions);
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, each]) => [
      name,
      /^partition/.test(name) ? [] : withoutPartitions(each),
    ]),
  );
}

it.each(
  CASES.map(
    ([handler, ...rest]) => [(handler as AnyHandler).api.name, handler as AnyHandler, ...rest] as const,
  ),
)('%s, of topics without partitions', async (_name, { api, handle }, version, request, given) => {
  const empty = withoutPartitions(request) as never;
  const decoded = decodeRequest(api, version, Buffer.concat(encodeRequest(api, version, empty)));
  let [asked, most] = [0, 0];
  const may = (): boolean => {
    asked++;
    return true;
  };
  const turns = new Turns(world.clock, (piece) => {
    const before = asked;
    try {
      return piece();
    } finally {
      most = Math.max(most, asked - before);
    }
  });
  await handle(decoded, sender(version, { may }, { turns }), services(given));
  expect(most).toBeLessThanOrEqual(MOST_PER_TURN);
});

/** Walks through all that was named, each of which takes so many turns. */
const TURNS_PER_WALK = MANY / MOST_PER_TURN;

it.each([
  // Each that is meant, each that may go, what came of it, each that has gone, what is answered.
  ['DeleteTopics', deleteTopics, 5],
  // What is named once, what keeps each out, what is answered.
  ['AddPartitionsToTxn', addPartitionsToTxn, 3],
])('%s: whatever is done with all that is named takes its turns', async (name, handler, walks) => {
  const found = CASES.find(([one]) => (one as AnyHandler).api.name === name);
  if (found === undefined) throw new Error(`no case of ${name}`);
  const [, version, request, given] = found;
  const { api, handle } = handler as unknown as AnyHandler;
  let pieces = 0;
  const turns = new Turns(world.clock, (piece) => {
    pieces++;
    return piece();
  });
  const decoded = decodeRequest(api, version, Buffer.concat(encodeRequest(api, version, request as never)));
  await handle(decoded, sender(version, {}, { turns }), services(given));
  expect(pieces).toBeGreaterThanOrEqual(walks * TURNS_PER_WALK);
});

/** The same with some of the names only, which are as long as Kafka lets in. */
function withLongNames(value: unknown): unknown {
  if (typeof value === 'string') return value.startsWith('name-') ? value.padStart(32_000, 'n') : value;
  if (Array.isArray(value)) return value.slice(0, 100).map(withLongNames);
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, withLongNames(each)]));
}

it.each(
  CASES.map(
    ([handler, ...rest]) => [(handler as AnyHandler).api.name, handler as AnyHandler, ...rest] as const,
  ),
)('%s: no map is by names that are not hashed', async (_name, { api, handle }, version, request, given) => {
  const long = withLongNames(request) as never;
  const decoded = decodeRequest(api, version, Buffer.concat(encodeRequest(api, version, long)));
  const spies = [vi.spyOn(Map.prototype, 'set'), vi.spyOn(Set.prototype, 'add')];
  try {
    await handle(decoded, sender(version, {}), services(given));
    const keys = spies.flatMap(({ mock }) => mock.calls.map(([key]) => (typeof key === 'string' ? key : '')));
    expect(keys.filter((key) => key.length > 16_383)).toEqual([]);
  } finally {
    for (const spy of spies) spy.mockRestore();
  }
});

const sameMany = <T>(one: T): T[] => many(() => one);

it.each([
  [
    'WriteTxnMarkers: topics of one marker',
    writeTxnMarkers,
    1,
    { markers: [{ producerId: 1n, topics: many((name) => ({ name, partitionIndexes: [] })) }] },
    { markers: { write: async () => [] } },
  ],
  [
    'AlterClientQuotas: the same key',
    alterClientQuotas,
    1,
    {
      entries: [
        {
          entity: [{ entityType: 'user', entityName: 'u' }],
          ops: sameMany({ key: 'producer_byte_rate', value: 1, remove: false }),
        },
      ],
      validateOnly: true,
    },
    {},
  ],
  [
    'AlterClientQuotas: the same kind of entity',
    alterClientQuotas,
    1,
    {
      entries: [{ entity: sameMany({ entityType: 'user', entityName: 'u' }), ops: [] }],
      validateOnly: true,
    },
    {},
  ],
])(
  '%s: very many within one thing are looked at in turns',
  async (_name, handler, version, request, given) => {
    const { api, handle } = handler as unknown as AnyHandler;
    let pieces = 0;
    const turns = new Turns(world.clock, (piece) => {
      pieces++;
      return piece();
    });
    const decoded = decodeRequest(api, version, Buffer.concat(encodeRequest(api, version, request as never)));
    await handle(decoded, sender(version, {}, { turns }), services(given as Given));
    expect(pieces).toBeGreaterThanOrEqual(TURNS_PER_WALK);
  },
);

it('SyncGroup: very many assignments are looked at in turns', async () => {
  let given: ReadonlyMap<string, Buffer> = new Map();
  const groups = {
    syncGroup: async ({ assignments }: { assignments: ReadonlyMap<string, Buffer> }) => {
      given = assignments;
      return { error: none, protocolType: null, protocolName: null, assignment: Buffer.alloc(0) };
    },
  };
  const assignments = many((memberId) => ({ memberId, assignment: Buffer.from(memberId) }));
  const request = { groupId: 'g', memberId: 'm', generationId: 1, assignments };
  let pieces = 0;
  const turns = new Turns(world.clock, (piece) => {
    pieces++;
    return piece();
  });
  const { api, handle } = syncGroup as unknown as AnyHandler;
  const decoded = decodeRequest(api, 3, Buffer.concat(encodeRequest(api, 3, request as never)));
  await handle(decoded, sender(3, {}, { turns, isAlone: true }), services({ groups } as Given));
  expect(pieces).toBeGreaterThanOrEqual(TURNS_PER_WALK);
  expect([given.size, given.get('name-7')]).toEqual([MANY, Buffer.from('name-7')]);
});

it('JoinGroup: more protocols than a member may have are refused, however few others there are', async () => {
  const joined: unknown[] = [];
  const groups = {
    joinGroup: async (join: unknown) => {
      joined.push(join);
      return { error: none, generationId: 1, protocolName: '', leader: '', memberId: '', members: [] };
    },
  };
  const { api, handle } = joinGroup as unknown as AnyHandler;
  const errorWith = async (count: number): Promise<unknown> => {
    const protocols = many((name) => ({ name, metadata: Buffer.alloc(0) })).slice(0, count);
    const request = { groupId: 'g', memberId: '', protocolType: 'consumer', protocols };
    const decoded = decodeRequest(api, 5, Buffer.concat(encodeRequest(api, 5, request as never)));
    return await handle(decoded, sender(5, {}), services({ groups } as Given));
  };
  expect(await errorWith(1001)).toMatchObject({ errorCode: ErrorCode.INCONSISTENT_GROUP_PROTOCOL });
  expect(joined).toEqual([]);
  expect(await errorWith(100)).toMatchObject({ errorCode: none });
  expect(joined).toHaveLength(1);
});
