/** What it costs ZooKeeper and the event loop that very much changes at once, or that much has changed lately. */
import { beforeEach, describe, expect, it } from 'vitest';
import { AclFeed } from '../../../broker/metadata/acl-feed.ts';
import { silent } from '../../../broker/platform/diagnostics.ts';
import { Turns } from '../../../broker/platform/turns.ts';
import { type AclBinding, patternOf } from '../../../broker/security/acl.ts';
import { AclAdmin } from '../../../broker/security/acl-admin.ts';
import { AclSet } from '../../../broker/security/acl-set.ts';
import type { LocalSource } from '../../../coordinator-client/local/local.ts';
import type { ClusterStore } from '../../../coordinator-client/stores/cluster-store.ts';
import type { AclResource, StoredAcl } from '../../../coordinator-client/znodes/security-znodes.ts';
import { World } from '../../support/world.ts';

const READER: StoredAcl = { principal: 'User:alice', permissionType: 'Allow', operation: 'Read', host: '*' };
const WAY_MS = 5;
const LIFE_MS = 15 * 60_000;
const topic = (number: number): AclResource => ({
  pattern: 'LITERAL',
  resourceType: 'Topic',
  name: `t-${number}`,
});
const binding = (number: number): AclBinding => ({
  ...patternOf(topic(number)),
  ...{ principal: 'User:alice', host: '*', operation: 3, permission: 3 },
});
const EVERY = {
  ...{ resourceType: 1, name: null, patternType: 1, principal: null, host: null },
  ...{ operation: 1, permission: 1 },
};

let world: World;
let admin: ClusterStore;
/** Of the broker that follows. */
let source: LocalSource;
let told: string[];

beforeEach(async () => {
  world = World.flowing();
  admin = await world.store();
  await admin.acls.ensurePaths();
  source = world.source({ delayMs: WAY_MS });
  told = [];
});

function newFeed(): AclFeed {
  return new AclFeed({
    clock: world.clock,
    diagnostics: silent,
    onAcls: ({ name }) => told.push(name),
    beside: () => {
      const anew: string[] = [];
      return { take: ({ name }) => anew.push(name), swap: () => told.push(...anew) };
    },
  });
}

async function followed(): Promise<AclFeed> {
  const feed = newFeed();
  await world.settled(feed.start(await world.store(source)));
  told = [];
  return feed;
}

async function change(count: number, first = 0): Promise<void> {
  for (let number = first; number < first + count; number++)
    await admin.acls.replace(topic(number), null, [READER]);
}

async function foreign(name: string): Promise<void> {
  const path = `/kafka-acl-changes/${name}`;
  await admin.coordinator.commit([{ op: 'create', path, data: Buffer.from('?'), lifetime: 'persistent' }]);
}

const notices = (): readonly string[] => world.tree.children('/kafka-acl-changes') ?? [];

describe('a broker that follows notices', () => {
  it('asks for a change what it says and what it means, however many there have been', async () => {
    await change(200);
    await followed();
    const before = source.counts.reads;
    for (let number = 200; number < 220; number++) {
      await change(1, number);
      await world.until(() => told.length === number - 199);
      await world.pass(1000);
    }
    // The list, the notice and the rules, for each; and once how old the oldest is, which it has not seen come.
    expect(source.counts.reads - before).toBeLessThanOrEqual(3 * 20 + 1);
  });

  it('looks once for many that come together, and reads them together', async () => {
    await followed();
    const [reads, beganMs] = [source.counts.reads, world.clock.nowMs()];
    await change(500);
    await world.until(() => told.length === 500);
    // Each notice and its rules, and few lists.
    expect(source.counts.reads - reads).toBeLessThanOrEqual(2 * 500 + 10);
    expect(world.clock.nowMs() - beganMs).toBeLessThan(20 * WAY_MS);
    expect(new Set(told).size).toBe(500);
  });

  it('reads once what several of them name', async () => {
    await followed();
    await change(1);
    for (let version = 0; version < 20; version++)
      await admin.acls.replace(topic(0), version, [READER, READER]);
    await world.until(() => told.length > 0);
    await world.pass(1000);
    expect(told.length).toBeLessThanOrEqual(2);
  });

  it('has no watch, which would ask for the whole list, until it looks again', async () => {
    await change(500);
    const store = await world.store(source);
    const { coordinator } = store;
    const open = new Set<number>();
    let set = 0;
    const watch = coordinator.watch.bind(coordinator);
    coordinator.watch = (path, what, changed) => {
      const number = set++;
      open.add(number);
      const watched = watch(path, what, changed);
      return {
        close: () => {
          open.delete(number);
          watched.close();
        },
      };
    };
    await world.settled(newFeed().start(store));
    await world.pass(1000);
    const before = set;
    await change(1, 500);
    await world.pass(WAY_MS + 1);
    // That change is looked at; of the next ones it hears by one watch, after which comes the pause.
    for (let number = 501; number < 510; number++) {
      await change(1, number);
      await world.pass(1);
    }
    expect(set - before).toBe(1);
    await world.pass(4 * WAY_MS);
    expect(open.size).toBeLessThan(2);
    await world.pass(1000);
    expect(set - before).toBeLessThanOrEqual(3);
    expect(open.size).toBe(2);
    expect(new Set(told).size).toBe(510);
  });

  it('removes those that all must have seen, also such as were there before it', async () => {
    await change(5);
    await followed();
    await change(5, 5);
    await world.until(() => told.length === 5);
    await world.pass(LIFE_MS + 1000);
    await change(1, 10);
    await world.until(() => told.length === 6);
    await world.pass(1000);
    expect(notices()).toEqual(['acl_changes_0000000010']);
  });

  it('passes over nodes that are none, wherever they stand among them', async () => {
    for (const name of ['zz0000000001', 'acl_changes_', 'acl_changes_x0000000001', 'aa0000000009'])
      await foreign(name);
    await followed();
    await change(250);
    await world.until(() => told.length === 250);
    await foreign('zz0000000300');
    await change(1, 250);
    await world.until(() => told.length === 251);
    await world.pass(LIFE_MS + 1000);
    await change(1, 251);
    await world.until(() => told.length === 252);
    await world.pass(1000);
    expect(notices()).toEqual([
      ...['aa0000000009', 'acl_changes_', 'acl_changes_0000000256', 'acl_changes_x0000000001'],
      ...['zz0000000001', 'zz0000000300'],
    ]);
  });

  it('takes in what comes while it reads', async () => {
    await followed();
    for (let round = 0; round < 50; round++) {
      await change(2, round * 2);
      await world.pass(round % 7);
    }
    await world.until(() => new Set(told).size === 100);
    expect(told.at(-1)).toBe('t-99');
  });
});

describe('many rules of one request', () => {
  async function adminOf(own: LocalSource): Promise<AclAdmin> {
    const store = await world.store(own);
    const acls = new AclSet();
    const { clock, random } = world;
    const written = ({ name }: AclResource, stored: readonly StoredAcl[]): void => {
      told.push(name);
      acls.replace(
        patternOf({ ...topic(0), name }),
        stored.map(() => binding(0)),
      );
    };
    return new AclAdmin({ store: () => store.acls, acls, written, clock, random, diagnostics: silent });
  }

  it('do not wait for each other, and each resource has its notice, in the order of the request', async () => {
    const acls = await adminOf(source);
    const beganMs = world.clock.nowMs();
    const turns = new Turns(world.clock);
    const bindings = Array.from({ length: 300 }, (_, number) => binding(number));
    const outcomes = await world.settled(acls.create(bindings, turns));
    expect(outcomes.every(({ ok }) => ok)).toBe(true);
    expect(world.clock.nowMs() - beganMs).toBeLessThan(40 * WAY_MS);
    expect(notices()).toHaveLength(300);
    expect(world.tree.read(`/kafka-acl-changes/${notices()[7]}`)?.data.toString()).toBe('TOPIC:t-7');
    const reads = source.counts.reads;
    const deletedMs = world.clock.nowMs();
    const [deleted] = await world.settled(acls.delete([EVERY], turns));
    expect(deleted?.map(({ binding: { name } }) => name)).toEqual(bindings.map(({ name }) => name));
    expect(world.clock.nowMs() - deletedMs).toBeLessThan(40 * WAY_MS);
    expect(source.counts.reads - reads).toBe(300);
    expect(world.tree.children('/kafka-acl/Topic')).toEqual([]);
    expect(notices()).toHaveLength(600);
  });

  it('fail for all that are asked for with the session, and nothing of it is left to be unheard', async () => {
    const own = world.source({ delayMs: WAY_MS });
    const store = await world.store(own);
    const acls = new AclAdmin({
      store: () => store.acls,
      acls: new AclSet(),
      written: ({ name }) => told.push(name),
      ...{ clock: world.clock, random: world.random, diagnostics: silent },
    });
    const turns = new Turns(world.clock);
    const creating = acls.create(
      Array.from({ length: 300 }, (_, number) => binding(number)),
      turns,
    );
    const failed = expect(creating).rejects.toThrow();
    world.clock.after(3 * WAY_MS, () => own.expire(store.coordinator.sessionId));
    await world.settled(failed);
    const toldThen = told.length;
    await world.pass(1000);
    expect(told).toHaveLength(toldThen);
  });
});
