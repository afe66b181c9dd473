/** DescribeAcls, CreateAcls, DeleteAcls: rules in ZooKeeper, errors in Kafka's words. */
import { beforeEach, describe, expect, it } from 'vitest';
import { ErrorCode } from '../../../broker/errors.ts';
import { describeAcls } from '../../../broker/handlers/29-describe-acls.ts';
import { createAcls } from '../../../broker/handlers/30-create-acls.ts';
import { deleteAcls } from '../../../broker/handlers/31-delete-acls.ts';
import { silent } from '../../../broker/platform/diagnostics.ts';
import { Turns } from '../../../broker/platform/turns.ts';
import { aclOf, patternOf } from '../../../broker/security/acl.ts';
import { AclAdmin } from '../../../broker/security/acl-admin.ts';
import { AclSet } from '../../../broker/security/acl-set.ts';
import { Operation, type Resource } from '../../../broker/security/operations.ts';
import type { ClusterStore } from '../../../coordinator-client/stores/cluster-store.ts';
import { World } from '../../support/world.ts';
import { ask, refusal } from './ask.ts';

const ANY = 1;
const MATCH = 2;
const LITERAL = 3;
const PREFIXED = 4;
const [READ, WRITE] = [3, 4];
const DENY = 2;
const ALLOW = 3;
const [TOPIC, CLUSTER] = [2, 4];

const CREATION = {
  resourceType: TOPIC,
  resourceName: 'orders',
  resourcePatternType: LITERAL,
  principal: 'User:alice',
  host: '*',
  operation: READ,
  permissionType: ALLOW,
};
const EVERY = {
  resourceTypeFilter: ANY,
  resourceNameFilter: null,
  patternTypeFilter: ANY,
  principalFilter: null,
  hostFilter: null,
  operation: ANY,
  permissionType: ANY,
};

let world: World;
let store: ClusterStore;
let acls: AclAdmin;
let turns: Turns;

beforeEach(async () => {
  world = World.flowing();
  store = await world.store();
  acls = adminOf(store);
  turns = new Turns(world.clock);
});

function adminOf(own: ClusterStore): AclAdmin {
  const set = new AclSet();
  return new AclAdmin({
    store: () => own.acls,
    acls: set,
    written: (resource, stored) => set.replace(patternOf(resource), stored.map(aclOf)),
    clock: world.clock,
    random: world.random,
    diagnostics: silent,
  });
}

async function create(...creations: object[]) {
  const { response } = await ask(
    createAcls,
    3,
    { creations: creations.map((one) => ({ ...CREATION, ...one })) },
    { acls },
  );
  return response.results;
}

async function remove(...filters: object[]) {
  const { response } = await ask(
    deleteAcls,
    3,
    { filters: filters.map((one) => ({ ...EVERY, ...one })) },
    { acls },
  );
  return response.filterResults;
}

async function list(filter: object = {}) {
  const { response } = await ask(describeAcls, 3, { ...EVERY, ...filter }, { acls });
  return response.resources.flatMap(({ resourceName, patternType, acls: rules }) =>
    rules.map(({ principal, operation }) => `${patternType} ${resourceName} ${principal} ${operation}`),
  );
}

const stored = (path: string) => world.tree.read(path)?.data.toString() ?? null;
const OK = { errorCode: ErrorCode.NONE, errorMessage: '' };

describe('CreateAcls', () => {
  it('writes the rules, those of one pattern into one node, and leaves a notice for each node', async () => {
    const results = await create({}, { operation: WRITE }, { resourcePatternType: PREFIXED });
    expect(results).toEqual([OK, OK, OK]);
    expect(stored('/kafka-acl/Topic/orders')).toBe(
      '{"acls":[{"principal":"User:alice","permissionType":"Allow","host":"*","operation":"Read"},' +
        '{"principal":"User:alice","permissionType":"Allow","host":"*","operation":"Write"}],"version":1}',
    );
    expect(stored('/kafka-acl-extended/prefixed/Topic/orders')).toContain('"operation":"Read"');
    expect(world.tree.children('/kafka-acl-changes')).toHaveLength(1);
    expect(world.tree.children('/kafka-acl-extended-changes')).toHaveLength(1);
  });

  it('adds to what is there, and makes nothing twice', async () => {
    await create({});
    expect(await create({}, { principal: 'User:bob' }, { principal: 'User:bob' })).toEqual([OK, OK, OK]);
    expect(await create({})).toEqual([OK]);
    expect(await list()).toEqual(['3 orders User:alice 3', '3 orders User:bob 3']);
    expect(world.tree.children('/kafka-acl-changes')).toHaveLength(2);
  });

  it('refuses names that can’t be, one by one', async () => {
    const invalid = ErrorCode.INVALID_REQUEST;
    const clusterName = 'The only valid name for the CLUSTER resource is kafka-cluster';
    const results = await create(
      { resourceType: CLUSTER, resourceName: 'mine' },
      { resourceName: '' },
      { resourceName: 'a/b' },
      { operation: 99 },
      {},
    );
    expect(results).toEqual([
      { errorCode: invalid, errorMessage: clusterName },
      { errorCode: invalid, errorMessage: 'Invalid empty resource name' },
      { errorCode: invalid, errorMessage: 'Failed to create ACL' },
      { errorCode: invalid, errorMessage: 'Failed to create ACL' },
      OK,
    ]);
  });

  it('refuses a principal without a type, with what else is about that resource', async () => {
    const results = await create(
      { principal: 'alice' },
      { principal: 'User:bob' },
      { resourceName: 'other' },
    );
    expect(results.map(({ errorCode }) => errorCode)).toEqual([
      ErrorCode.UNKNOWN_SERVER_ERROR,
      ErrorCode.UNKNOWN_SERVER_ERROR,
      ErrorCode.NONE,
    ]);
    expect(await list()).toEqual(['3 other User:alice 3']);
  });

  it('fails as a whole when one of them speaks in the words of filters', async () => {
    for (const words of [
      { resourcePatternType: MATCH },
      { operation: ANY },
      { permissionType: ANY },
      { resourceType: ANY },
    ]) {
      const results = await create({}, words);
      expect(results.map(({ errorCode }) => errorCode)).toEqual([-1, -1]);
    }
    expect(stored('/kafka-acl/Topic/orders')).toBeNull();
  });

  it('tries again when another broker was faster', async () => {
    await create({});
    const other = adminOf(await world.store());
    const both = [create({ principal: 'User:bob' }), other.create([bindingOf('User:carol')], turns)] as const;
    const [first] = await world.settled(Promise.all(both));
    expect(first).toEqual([OK]);
    const principals = [...(stored('/kafka-acl/Topic/orders') ?? '').matchAll(/User:\w+/g)].map(
      ([name]) => name,
    );
    expect(principals.sort()).toEqual(['User:alice', 'User:bob', 'User:carol']);
  });
});

const bindingOf = (principal: string) => ({
  resourceType: TOPIC,
  name: 'orders',
  patternType: LITERAL,
  principal,
  host: '*',
  operation: READ,
  permission: ALLOW,
});

describe('DeleteAcls', () => {
  it('removes what each filter means, tells it with the first, and removes nodes without rules', async () => {
    await create({}, { operation: WRITE }, { resourceName: 'other' });
    const results = await remove(
      { operation: WRITE },
      { resourceNameFilter: 'orders' },
      { hostFilter: '10.0.0.1' },
    );
    expect(results.map(({ matchingAcls }) => matchingAcls.map(({ operation }) => operation))).toEqual([
      [WRITE],
      [READ],
      [],
    ]);
    expect(results[0]?.matchingAcls[0]).toEqual({
      errorCode: ErrorCode.NONE,
      errorMessage: null,
      resourceType: TOPIC,
      resourceName: 'orders',
      patternType: LITERAL,
      principal: 'User:alice',
      host: '*',
      operation: WRITE,
      permissionType: ALLOW,
    });
    expect(stored('/kafka-acl/Topic/orders')).toBeNull();
    expect(await list()).toEqual(['3 other User:alice 3']);
  });

  it('finds by one name what another broker has just written', async () => {
    await adminOf(await world.store()).create([bindingOf('User:bob')], turns);
    expect(await list()).toEqual([]);
    const [result] = await remove({
      resourceTypeFilter: TOPIC,
      resourceNameFilter: 'orders',
      patternTypeFilter: LITERAL,
    });
    expect(result?.matchingAcls).toHaveLength(1);
  });

  it('of a pattern leaves the nodes that it does not mean as they are', async () => {
    await create({}, { resourceName: 'other' });
    const before = world.tree.read('/kafka-acl/Topic/other')?.version;
    await remove({ resourceNameFilter: 'orders' });
    expect(world.tree.read('/kafka-acl/Topic/other')?.version).toBe(before);
  });
});

describe('DescribeAcls', () => {
  it('lists by resource pattern', async () => {
    await create(
      {},
      { operation: WRITE, permissionType: DENY },
      { resourceName: 'ord', resourcePatternType: PREFIXED },
    );
    const { response } = await ask(
      describeAcls,
      3,
      { ...EVERY, resourceNameFilter: 'orders', patternTypeFilter: MATCH },
      { acls },
    );
    expect(response).toMatchObject({
      ...OK,
      resources: [
        {
          resourceName: 'orders',
          patternType: LITERAL,
          acls: [{ operation: READ }, { permissionType: DENY }],
        },
        { resourceName: 'ord', patternType: PREFIXED, acls: [{ operation: READ }] },
      ],
    });
  });

  it('v0 means literal patterns only', async () => {
    await create({}, { resourcePatternType: PREFIXED });
    const { patternTypeFilter: _, ...filter } = EVERY;
    const { response } = await ask(describeAcls, 0, filter, { acls });
    expect(response.resources).toHaveLength(1);
  });
});

describe('the ACL requests', () => {
  const CODES = { creations: [CREATION], filters: [EVERY] };

  it('ask for DESCRIBE and for ALTER on the cluster', async () => {
    const asked: (readonly [Operation, Resource])[] = [];
    const may = (operation: Operation, resource: Resource) => {
      asked.push([operation, resource]);
      return false;
    };
    const denied = {
      errorCode: ErrorCode.CLUSTER_AUTHORIZATION_FAILED,
      errorMessage: 'Cluster authorization failed.',
    };
    expect((await ask(describeAcls, 3, EVERY, { acls, may })).response).toMatchObject(denied);
    expect((await ask(createAcls, 3, CODES, { acls, may })).response.results).toEqual([denied]);
    expect((await ask(deleteAcls, 3, CODES, { acls, may })).response.filterResults).toMatchObject([denied]);
    const cluster = { type: 'cluster', name: 'kafka-cluster' };
    expect(asked).toEqual([
      [Operation.DESCRIBE, cluster],
      [Operation.ALTER, cluster],
      [Operation.ALTER, cluster],
    ]);
  });

  it('say that there is no authorizer', async () => {
    const disabled = { errorCode: ErrorCode.SECURITY_DISABLED };
    expect((await ask(describeAcls, 2, EVERY)).response).toMatchObject(disabled);
    expect((await ask(createAcls, 1, CODES)).response.results).toMatchObject([disabled]);
    expect((await ask(deleteAcls, 1, CODES)).response.filterResults).toMatchObject([disabled]);
  });

  it('with a code of 0, "unknown", end the connection', async () => {
    const closed = /no response but close/;
    for (const code of ['operation', 'permissionType', 'resourceTypeFilter', 'patternTypeFilter']) {
      const filter = { ...EVERY, [code]: 0 };
      await expect(ask(describeAcls, 2, filter), code).rejects.toThrow(closed);
      await expect(ask(deleteAcls, 2, { filters: [EVERY, filter] }), code).rejects.toThrow(closed);
    }
    for (const code of ['operation', 'permissionType', 'resourceType', 'resourcePatternType']) {
      const creations = [CREATION, { ...CREATION, [code]: 0 }];
      await expect(ask(createAcls, 2, { creations }), code).rejects.toThrow(closed);
    }
  });

  it('are refused for every rule and filter', async () => {
    const error = ErrorCode.REQUEST_TIMED_OUT;
    const told = { errorCode: error, errorMessage: 'The request timed out.' };
    expect((await refusal(createAcls, 3, CODES, error)).results).toEqual([told]);
    expect((await refusal(deleteAcls, 3, CODES, error)).filterResults).toMatchObject([told]);
    expect(await refusal(describeAcls, 3, EVERY, error)).toMatchObject(told);
  });
});
