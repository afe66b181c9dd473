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
/** What was read of all since a session began. */
let anew: string[];

function newFeed(): AclFeed {
  const telling =
    (list: string[]) =>
    ({ pattern, resourceType, name }: AclResource, acls: readonly StoredAcl[]): void => {
      list.push(`${pattern} ${resourceType} ${name}: ${acls.map(({ operation }) => operation).join()}`);
    };
  return new AclFeed({
    clock: world.clock,
    diagnostics: silent,
    onAcls: (resource, acls) => telling(told)(resource, acls),
    beside: () => {
      anew = [];
      return { take: telling(anew), swap: () => told.push('all anew', ...anew) };
    },
  });
}

beforeEach(async () => {
  world = World.flowing();
  admin = await world.store();
  await admin.acls.ensurePaths();
  told = [];
  anew = [];
});

describe('the feed of access rules', () => {
  it('knows everything once it has started', async () => {
    await admin.acls.replace(ORDERS, null, [READER, WRITER]);
    await admin.acls.replace(PAY, null, [WRITER]);
    await newFeed().start(await world.store());
    expect(told).toEqual([
      'all anew',
      'LITERAL Topic orders: Read,Write',
      'PREFIXED TransactionalId pay-: Write',
    ]);
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
    told = [];
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
    expect(told).toEqual(['all anew', 'PREFIXED TransactionalId pay-: Read']);
  });

  it('does not start by halves of rules that can’t be read', async () => {
    await spoil('/kafka-acl/Topic/t');
    await expect(newFeed().start(await world.store())).rejects.toThrow('/kafka-acl/Topic/t');
  });

  describe('after a lost session, of more rules than are read together,', () => {
    async function startedAgain(): Promise<readonly [AclFeed, Promise<void>]> {
      for (let number = 0; number < 450; number++)
        await admin.acls.replace({ ...ORDERS, name: `t-${number}` }, null, [READER]);
      const feed = newFeed();
      await feed.start(await world.store());
      feed.stop();
      told = [];
      anew = [];
      await admin.acls.replace({ ...ORDERS, name: 't-0' }, 0, []);
      const source = world.source({ delayMs: 5 });
      return [feed, feed.start(await world.store(source))];
    }

    it('takes all at once when the last was read', async () => {
      const [, started] = await startedAgain();
      const seen: number[] = [];
      for (let passedMs = 0; passedMs < 200; passedMs++) {
        await world.pass(1);
        seen.push(told.length);
      }
      await started;
      expect(new Set(seen)).toEqual(new Set([0, 450]));
    });

    it('and none when one in the end can’t be read', async () => {
      const [feed, started] = await startedAgain();
      await world.settled(started);
      feed.stop();
      told = [];
      await spoil('/kafka-acl/User/zz');
      await expect(feed.start(await world.store())).rejects.toThrow('/kafka-acl/User/zz');
      expect(told).toEqual([]);
    });

    it('and what is written meanwhile is not taken back', async () => {
      const [feed, started] = await startedAgain();
      const one = { ...ORDERS, name: 't-1' };
      const ofOne = (line: string): boolean => line.startsWith('LITERAL Topic t-1:');
      while (!anew.some(ofOne)) await world.pass(1);
      await admin.acls.replace(one, 0, [WRITER]);
      feed.take(one, [WRITER]);
      expect(told).toEqual(['LITERAL Topic t-1: Write']);
      while (!told.includes('all anew')) await world.pass(1);
      expect(told.findLast(ofOne)).toBe('LITERAL Topic t-1: Write');
      await world.settled(started);
    });
  });

  it('stays with the rules before when changed ones can’t be read', async () => {
    await newFeed().start(await world.store());
    told = [];
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
