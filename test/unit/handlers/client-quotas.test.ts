/** DescribeClientQuotas and AlterClientQuotas: what is stored, who is found, what is refused. */
import { beforeEach, describe, expect, it } from 'vitest';
import { ErrorCode } from '../../../broker/errors.ts';
import { describeClientQuotas } from '../../../broker/handlers/48-describe-client-quotas.ts';
import { alterClientQuotas } from '../../../broker/handlers/49-alter-client-quotas.ts';
import type { LocalTree } from '../../../coordinator-client/local/local-tree.ts';
import type { ClusterStore } from '../../../coordinator-client/stores/cluster-store.ts';
import { World } from '../../support/world.ts';
import { ask } from './ask.ts';
import { denying } from './support.ts';

let tree: LocalTree;
let store: ClusterStore;

beforeEach(async () => {
  const world = World.flowing();
  tree = world.tree;
  store = await world.store();
  await store.electController(1, 1);
});

type Named = Readonly<Record<string, string | null>>;
type Op = readonly [key: string, value: number | null];

const parts = (entity: Named) =>
  Object.entries(entity).map(([entityType, entityName]) => ({ entityType, entityName }));

async function alter(entity: Named, ops: readonly Op[], validateOnly = false) {
  const entry = {
    entity: parts(entity),
    ops: ops.map(([key, value]) => ({ key, value: value ?? 0, remove: value === null })),
  };
  const { response } = await ask(
    alterClientQuotas,
    1,
    { entries: [entry], validateOnly },
    { store: () => store },
  );
  const [result] = response.entries;
  expect(result?.entity).toEqual(entry.entity);
  return { error: result?.errorCode, message: result?.errorMessage };
}

const EXACT = 0;
const DEFAULT = 1;
const ANY = 2;
type Component = readonly [entityType: string, matchType: number, match?: string];

async function described(components: readonly Component[], strict = false) {
  const filter = components.map(([entityType, matchType, match = null]) => ({
    entityType,
    matchType,
    match,
  }));
  const { response } = await ask(
    describeClientQuotas,
    1,
    { components: filter, strict },
    { store: () => store },
  );
  return response;
}

/** `user=alice client-id=app`, sorted; a default is empty. */
async function found(components: readonly Component[], strict = false): Promise<string[]> {
  const { entries } = await described(components, strict);
  const names = (entries ?? []).map(({ entity }) =>
    entity.map(({ entityType, entityName }) => `${entityType}=${entityName ?? ''}`).join(' '),
  );
  return names.sort();
}

const stored = (path: string) => tree.read(`/config/${path}`)?.data.toString();

describe('what is set', () => {
  it.each<[Named, string]>([
    [{ user: 'alice' }, 'users/alice'],
    [{ user: null }, 'users/<default>'],
    [{ 'client-id': 'an app/*' }, 'clients/an%20app%2F%2A'],
    [{ user: 'alice', 'client-id': null }, 'users/alice/clients/<default>'],
    [{ user: '<default>', 'client-id': 'app' }, 'users/%3Cdefault%3E/clients/app'],
  ])('of %o lies in %s, as Kafka writes it', async (entity, path) => {
    expect(
      await alter(entity, [
        ['producer_byte_rate', 1000],
        ['request_percentage', 50],
      ]),
    ).toMatchObject({
      error: ErrorCode.NONE,
    });
    const config = '{"version":1,"config":{"request_percentage":"50.0","producer_byte_rate":"1000"}}';
    expect(JSON.parse(stored(path) ?? '')).toEqual(JSON.parse(config));
  });

  it('of an address is a rate of connections', async () => {
    await alter({ ip: '10.0.0.1' }, [['connection_creation_rate', 7]]);
    expect(stored('ips/10.0.0.1')).toBe('{"version":1,"config":{"connection_creation_rate":"7"}}');
  });

  it('leaves other keys alone, and goes by key', async () => {
    await store.configs.write('users', 'alice', new Map([['SCRAM-SHA-256', 'salt=…']]));
    await alter({ user: 'alice' }, [
      ['producer_byte_rate', 1],
      ['consumer_byte_rate', 2],
    ]);
    await alter({ user: 'alice' }, [['producer_byte_rate', null]]);
    expect(await store.configs.read('users', 'alice')).toEqual(
      new Map([
        ['SCRAM-SHA-256', 'salt=…'],
        ['consumer_byte_rate', '2'],
      ]),
    );
  });

  it('is only looked at when asked so', async () => {
    expect(await alter({ user: 'alice' }, [['producer_byte_rate', 1]], true)).toMatchObject({ error: 0 });
    expect(stored('users/alice')).toBeUndefined();
  });
});

describe('what is refused', () => {
  it.each<[string, Named, readonly Op[], string]>([
    ['no entity', {}, [], 'Invalid empty client quota entity'],
    ['another type', { group: 'g' }, [], 'Unhandled client quota entity type: group'],
    ['an empty name', { user: '' }, [], 'Empty user not supported'],
    ['an address of a user', { user: 'a', ip: '10.0.0.1' }, [], 'IP entity should not be used'],
    ['no address', { ip: '300.1.1.1' }, [], '300.1.1.1 is not a valid IP or resolvable host.'],
    ['another key', { user: 'a' }, [['bytes', 1]], 'Invalid configuration key bytes'],
    ['a key of addresses', { user: 'a' }, [['connection_creation_rate', 1]], 'Invalid configuration key'],
    ['half a byte', { user: 'a' }, [['producer_byte_rate', 0.5]], 'must be a LONG value'],
  ])('%s', async (_what, entity, ops, message) => {
    const refused = await alter(entity, ops);
    expect(refused.error).toBe(ErrorCode.INVALID_REQUEST);
    expect(refused.message).toContain(message);
  });

  it('everything of whoever may not', async () => {
    const may = denying('cluster');
    const entries = [{ entity: parts({ user: 'a' }), ops: [] }];
    const altered = await ask(alterClientQuotas, 0, { entries }, { store: () => store, may });
    expect(altered.response.entries[0]?.errorCode).toBe(ErrorCode.CLUSTER_AUTHORIZATION_FAILED);
    const asked = await ask(describeClientQuotas, 0, { components: [] }, { store: () => store, may });
    expect(asked.response).toMatchObject({
      errorCode: ErrorCode.CLUSTER_AUTHORIZATION_FAILED,
      entries: null,
    });
  });
});

describe('who is found', () => {
  const quota: readonly Op[] = [['producer_byte_rate', 1]];

  beforeEach(async () => {
    for (const entity of [
      { user: 'alice' },
      { user: null },
      { user: 'alice', 'client-id': 'app' },
      { user: 'bob', 'client-id': null },
      { 'client-id': 'app' },
    ]) {
      await alter(entity, quota);
    }
    await alter({ ip: '10.0.0.1' }, [['connection_creation_rate', 1]]);
    await store.configs.write('users', 'carol', new Map([['SCRAM-SHA-256', 'salt=…']]));
  });

  it.each<[string, readonly Component[], boolean, string[]]>([
    [
      'everybody',
      [],
      false,
      [
        'client-id=app',
        'ip=10.0.0.1',
        'user=',
        'user=alice',
        'user=alice client-id=app',
        'user=bob client-id=',
      ],
    ],
    ['nobody, strictly', [], true, []],
    ['a user', [['user', EXACT, 'alice']], false, ['user=alice', 'user=alice client-id=app']],
    ['a user and nothing else', [['user', EXACT, 'alice']], true, ['user=alice']],
    ['the default user', [['user', DEFAULT]], true, ['user=']],
    ['any user', [['user', ANY]], true, ['user=', 'user=alice']],
    ['a client', [['client-id', EXACT, 'app']], false, ['client-id=app', 'user=alice client-id=app']],
    ['a client and nothing else', [['client-id', EXACT, 'app']], true, ['client-id=app']],
    [
      'clients of users',
      [
        ['user', ANY],
        ['client-id', ANY],
      ],
      true,
      ['user=alice client-id=app', 'user=bob client-id='],
    ],
    [
      'a client of a user',
      [
        ['user', EXACT, 'alice'],
        ['client-id', EXACT, 'app'],
      ],
      false,
      ['user=alice client-id=app'],
    ],
    ['an address', [['ip', EXACT, '10.0.0.1']], true, ['ip=10.0.0.1']],
    ['any address', [['ip', ANY]], false, ['ip=10.0.0.1']],
  ])('%s', async (_what, components, strict, expected) => {
    expect(await found(components, strict)).toEqual(expected);
  });

  it.each<[string, readonly Component[], ErrorCode]>([
    [
      'a type twice',
      [
        ['user', ANY],
        ['user', ANY],
      ],
      ErrorCode.INVALID_REQUEST,
    ],
    [
      'addresses of users',
      [
        ['user', ANY],
        ['ip', ANY],
      ],
      ErrorCode.INVALID_REQUEST,
    ],
    ['no type', [['', ANY]], ErrorCode.INVALID_REQUEST],
    ['another type', [['group', ANY]], ErrorCode.UNSUPPORTED_VERSION],
    ['another way to match', [['user', 9]], ErrorCode.UNKNOWN_SERVER_ERROR],
    ['no name', [['user', EXACT]], ErrorCode.UNKNOWN_SERVER_ERROR],
  ])('%s is refused', async (_what, components, errorCode) => {
    expect(await described(components)).toMatchObject({ errorCode, entries: null });
  });
});
