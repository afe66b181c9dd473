/** Access rules reach a broker: at the start, by notice, after a lost session; and how they are written. */
import { beforeEach, describe, expect, it } from 'vitest';
import { AclFeed } from '../../../broker/metadata/acl-feed.ts';
import { silent } from '../../../broker/platform/diagnostics.ts';
import type { ClusterStore } from '../../../coordinator-client/stores/cluster-store.ts';
import type { AclResource, StoredAcl } from '../../../coordinator-client/znodes/security-znodes.ts';
import { World } from '../../support/world.ts';

const READER: StoredAcl = { principal: 'User:alice', permissionType: 'Allow', operation: 'Read', host: '*' };
const WRITER: StoredAcl = { ...READER, operation: 'Write' };
const ORDERS: AclResource = { pattern: 'LITERAL', resourceType: 'Topic', name: 'orders' };
const PAY: AclResource = { pattern: 'PREFIXED', resourceType: 'TransactionalId', name: 'pay-' };

let world: World;
let admin: ClusterStore;
let told: string[];

function newFeed(): AclFeed {
  return new AclFeed({
    clock: world.clock,
    diagnostics: silent,
    onAcls: ({ pattern, resourceType, name }, acls) =>
      told.push(`${pattern} ${resourceType} ${name}: ${acls.map(({ operation }) => operation).join()}`),
  });
}

beforeEach(async () => {
  world = World.flowing();
  admin = await world.store();
  await admin.acls.ensurePaths();
  told = [];
});

describe('the feed of access rules', () => {
  it('knows everything once it has started', async () => {
    await admin.acls.replace(ORDERS, null, [READER, WRITER]);
    await admin.acls.replace(PAY, null, [WRITER]);
    await newFeed().start(await world.store());
    expect(told.sort()).toEqual(['LITERAL Topic orders: Read,Write', 'PREFIXED TransactionalId pay-: Write']);
  });

  it('makes the directories that are not there yet', async () => {
    world = World.flowing();
    await newFeed().start(await world.store());
    expect(world.tree.children('/kafka-acl')).toEqual([
      'Cluster',
      'DelegationToken',
      'Group',
      'Topic',
      'TransactionalId',
      'User',
    ]);
    expect(world.tree.children('/kafka-acl-extended/prefixed')).toHaveLength(6);
    expect(world.tree.read('/kafka-acl-changes')?.data).toHaveLength(0);
    expect(world.tree.read('/kafka-acl-extended-changes')?.data).toHaveLength(0);
  });

  it('is told by notice, of literal and of prefixed patterns, once for each change', async () => {
    await newFeed().start(await world.store());
    await admin.acls.replace(ORDERS, null, [READER]);
    await admin.acls.replace(PAY, null, [WRITER]);
    await world.until(() => told.length === 2);
    await admin.acls.replace(ORDERS, 0, []);
    await world.until(() => told.length === 3);
    expect(told.sort()).toEqual([
      'LITERAL Topic orders: ',
      'LITERAL Topic orders: Read',
      'PREFIXED TransactionalId pay-: Write',
    ]);
  });

  it('keeps the rules while there is no session, and learns with the next what went meanwhile', async () => {
    await admin.acls.replace(ORDERS, null, [READER]);
    const feed = newFeed();
    await feed.start(await world.store());
    feed.stop();
    told = [];
    await admin.acls.replace(ORDERS, 0, []);
    await admin.acls.replace(PAY, null, [READER]);
    expect(told).toEqual([]);
    await feed.start(await world.store());
    expect(told.sort()).toEqual(['LITERAL Topic orders: ', 'PREFIXED TransactionalId pay-: Read']);
  });

  it('does not start by halves of rules that can’t be read', async () => {
    await spoil('/kafka-acl/Topic/t');
    await expect(newFeed().start(await world.store())).rejects.toThrow('/kafka-acl/Topic/t');
  });

  it('stays with the rules before when changed ones can’t be read', async () => {
    await newFeed().start(await world.store());
    await spoil('/kafka-acl/Topic/t');
    await leaveNotice({ ...ORDERS, name: 't' });
    await admin.acls.replace(ORDERS, null, [READER]);
    await world.until(() => told.length > 0);
    expect(told).toEqual(['LITERAL Topic orders: Read']);
  });
});

describe('rules as they are written', () => {
  it('are Kafka’s to the byte, with a notice', async () => {
    await admin.acls.replace(ORDERS, null, [READER]);
    await admin.acls.replace(PAY, null, [WRITER]);
    const text = (path: string) => world.tree.read(path)?.data.toString();
    expect(text('/kafka-acl/Topic/orders')).toBe(
      '{"acls":[{"principal":"User:alice","permissionType":"Allow","host":"*","operation":"Read"}],"version":1}',
    );
    expect(text('/kafka-acl-changes/acl_changes_0000000000')).toBe('TOPIC:orders');
    expect(text('/kafka-acl-extended/prefixed/TransactionalId/pay-')).toContain('"operation":"Write"');
    expect(text('/kafka-acl-extended-changes/acl_changes_0000000000')).toBe(
      '{"version":1,"resourceType":"TRANSACTIONAL_ID","name":"pay-","patternType":"PREFIXED"}',
    );
  });

  it('are refused to who has read older ones', async () => {
    expect(await admin.acls.replace(ORDERS, null, [READER])).toBe(true);
    expect(await admin.acls.replace(ORDERS, null, [WRITER])).toBe(false);
    expect(await admin.acls.replace(ORDERS, 7, [WRITER])).toBe(false);
    expect(await admin.acls.replace(ORDERS, 0, [READER, WRITER])).toBe(true);
    expect(await admin.acls.replace(ORDERS, 1, [])).toBe(true);
    expect(await admin.acls.replace(ORDERS, 1, [READER])).toBe(false);
    expect(await admin.acls.read(ORDERS)).toEqual({ acls: [], version: null });
  });
});

async function spoil(path: string): Promise<void> {
  await admin.coordinator.commit([
    { op: 'create', path, data: Buffer.from('{"version":'), lifetime: 'persistent' },
  ]);
}

/** As versions before Kafka 2.0 wrote it. */
async function leaveNotice({ resourceType, name }: AclResource): Promise<void> {
  const data = Buffer.from(`${resourceType}:${name}`);
  const path = '/kafka-acl-changes/acl_changes_';
  await admin.coordinator.commit([{ op: 'create', path, data, lifetime: 'persistent', sequential: true }]);
}
