/**
 * What a request names by the hundred thousand, and what is answered about it, is walked through in turns: in
 * no turn of the event loop is more of it looked at than a turn may take.
 */
import { afterEach, expect, it, vi } from 'vitest';
import { ErrorCode, success } from '../../../broker/errors.ts';
import { metadata } from '../../../broker/handlers/03-metadata.ts';
import { joinGroup } from '../../../broker/handlers/11-join-group.ts';
import { syncGroup } from '../../../broker/handlers/14-sync-group.ts';
import { createPartitions } from '../../../broker/handlers/37-create-partitions.ts';
import { electLeaders } from '../../../broker/handlers/43-elect-leaders.ts';
import { incrementalAlterConfigs } from '../../../broker/handlers/44-incremental-alter-configs.ts';
import { listTransactions } from '../../../broker/handlers/66-list-transactions.ts';
import type { AnyHandler } from '../../../broker/handlers/handler.ts';
import { AutoTopicCreation } from '../../../broker/handlers/shared/auto-topic-creation.ts';
import { malformedConfigs } from '../../../broker/handlers/shared/config-operations.ts';
import { LargeSet } from '../../../broker/large-map.ts';
import { silent } from '../../../broker/platform/diagnostics.ts';
import { type Steps, Turns } from '../../../broker/platform/turns.ts';
import { context, type Given, sender, services, world } from './support.ts';

const { set } = Map.prototype;
const MANY = 100_000;
/** The end of one walk and the beginning of the next, each with ten looks in a step. */
const MOST_LOOKS = 42_000;

let [looks, most] = [0, 0];

function look(): void {
  looks++;
  most = Math.max(most, looks);
}

/** An array that tells how often its elements are looked at. */
function watched<Item>(items: Item[]): Item[] {
  return new Proxy(items, {
    get(target, name, receiver) {
      if (typeof name === 'string' && /^\d/.test(name)) look();
      return Reflect.get(target, name, receiver);
    },
  });
}

const many = <Item>(one: (n: number) => Item): Item[] =>
  watched(Array.from({ length: MANY }, (_, n) => one(n)));

/** Asks, and says how much was looked at in one turn of the event loop at most. */
async function mostLooks(run: () => unknown): Promise<number> {
  [looks, most] = [0, 0];
  world.clock.afterStep = () => {
    looks = 0;
  };
  await run();
  return most;
}

afterEach(() => {
  world.clock.afterStep = null;
});

const handled = (handler: unknown, version: number, request: object, given: Given = {}) =>
  mostLooks(() => (handler as AnyHandler).handle(request as never, sender(version, given), services(given)));

it('topics that Metadata has made, with what may be done to each', async () => {
  const topics = many((n) => ({ name: `t${n}`, topicId: 'AAAAAAAAAAAAAAAAAAAAAA' }));
  const request = { topics, allowAutoTopicCreation: true, includeTopicAuthorizedOperations: true };
  const may = (): boolean => {
    look();
    return true;
  };
  const given = { may, autoTopics: { create: async () => new Map<string, ErrorCode>() } };
  expect(await handled(metadata, 9, request, given)).toBeLessThanOrEqual(MOST_LOOKS);
});

it('topics that are to be made because they are asked about', async () => {
  const { config } = services();
  const creation = new AutoTopicCreation(
    { ...config, requestMaxNewPartitions: 1 },
    { creation: () => Promise.reject(new Error('down')) },
    silent,
  );
  const asker = { charges: null, turns: new Turns(world.clock) };
  const topics = many((n) => `t${n}`);
  expect(await mostLooks(() => creation.create(topics, asker))).toBeLessThanOrEqual(MOST_LOOKS);
});

it.each([null, [{ topic: 't', partitions: [0] }]])(
  'partitions of which leaders were elected, where %j are asked for',
  async (topicPartitions) => {
    const value = many((n) => ({
      topic: 't',
      partition: n,
      error: ErrorCode.ELECTION_NOT_NEEDED,
      message: null,
    }));
    const controller = { electLeaders: async () => success(value) };
    const request = { electionType: 0, topicPartitions, timeoutMs: 0 };
    expect(await handled(electLeaders, 2, request, { controller })).toBeLessThanOrEqual(MOST_LOOKS);
  },
);

it('topics that partitions are added to', async () => {
  const topics = many((n) => ({ name: `t${n}`, count: 2, assignments: null }));
  const request = { topics, timeoutMs: 0, validateOnly: false };
  const given = { controller: { isActive: true }, may: () => false };
  expect(await handled(createPartitions, 3, request, given)).toBeLessThanOrEqual(MOST_LOOKS);
});

it('configs without values', async () => {
  const configs = many((n) => ({ name: `c${n}`, value: null }));
  const turns = new Turns(world.clock);
  expect(await mostLooks(() => turns.take(malformedConfigs(configs)))).toBeLessThanOrEqual(MOST_LOOKS);
});

it('configs of a broker that there are not, of which each is judged', async () => {
  const configs = many((n) => ({ name: `c${n}`, configOperation: 0, value: '1' }));
  const resources = [{ resourceType: 4, resourceName: '1', configs }];
  const none = new Map<string, string>();
  const store = () => ({ configs: { read: async () => none, readMany: async () => [none, none] } });
  const kept = vi.spyOn(Map.prototype, 'set').mockImplementation(function (
    this: Map<unknown, unknown>,
    ...entry
  ) {
    if (/^c\d/.test(String(entry[0]))) look();
    return set.apply(this, entry);
  });
  try {
    const request = { resources, validateOnly: true };
    expect(await handled(incrementalAlterConfigs, 1, request, { store })).toBeLessThanOrEqual(MOST_LOOKS);
  } finally {
    kept.mockRestore();
  }
});

it('the filters of ListTransactions are kept so that no table of them becomes too large', async () => {
  let asked: { producerIds: unknown; states: unknown } | null = null;
  const transactions = {
    list: (filters: { producerIds: unknown; states: unknown }) => {
      asked = filters;
      return { error: ErrorCode.NONE, transactions: [] };
    },
  };
  const request = {
    stateFilters: many((n) => `s${n}`),
    producerIdFilters: many((n) => n),
    durationFilter: -1,
  };
  expect(await handled(listTransactions, 1, request, { transactions })).toBeLessThanOrEqual(MOST_LOOKS);
  expect(asked).toMatchObject({ producerIds: expect.any(LargeSet), states: expect.any(LargeSet) });
});

it('of very many loggers that there are not only the first is complained about', async () => {
  let asked = 0;
  const loggers = {
    has: () => {
      asked++;
      return false;
    },
  };
  const configs = Array.from({ length: MANY }, (_, n) => ({
    name: `l${n}`,
    configOperation: 0,
    value: 'INFO',
  }));
  const request = { resources: [{ resourceType: 8, resourceName: '1', configs }], validateOnly: false };
  await handled(incrementalAlterConfigs, 1, request, { diagnostics: { loggers } });
  expect(asked).toBe(1);
});

const LARGE = Buffer.alloc(8 * 1024 * 1024, 7);

it.each([
  ['JoinGroup', joinGroup, 'joinGroup', { protocols: [{ name: 'p', metadata: LARGE }] }],
  ['SyncGroup', syncGroup, 'syncGroup', { assignments: [{ memberId: 'm', assignment: LARGE }] }],
])('%s: what a large one holds is copied a piece in each step', async (_name, handler, method, holding) => {
  const kept: Buffer[] = [];
  const groups = {
    [method]: async ({ protocols, assignments }: Kept) => {
      kept.push(...(protocols ?? []).map(({ metadata: one }) => one), ...(assignments?.values() ?? []));
      return { error: ErrorCode.NONE, members: [], protocolName: null };
    },
  };
  let steps = 0;
  const take = (work: Steps<unknown>): unknown => {
    for (let step = work.next(); ; step = work.next(), steps++) if (step.done === true) return step.value;
  };
  const asker = context(3, { isAlone: true, turns: { take } as unknown as Turns });
  const request = { groupId: 'g', memberId: 'm', groupInstanceId: null, generationId: 1, ...holding };
  await (handler as unknown as AnyHandler).handle(request as never, asker, services({ groups } as never));
  expect(kept.map((one) => one !== LARGE && one.equals(LARGE))).toEqual([true]);
  expect(steps).toBeGreaterThan(8);
});

interface Kept {
  readonly protocols?: readonly { readonly metadata: Buffer }[];
  readonly assignments?: ReadonlyMap<string, Buffer>;
}
