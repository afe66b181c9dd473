/** Kafka's operations on the tree: registration, election, fenced writes, and outcomes that got lost. */

import { beforeEach, describe, expect, it, vi } from 'vitest';
import type { Coordinator } from '../../../coordinator-client/coordinator.ts';
import type { LocalSource } from '../../../coordinator-client/local/local.ts';
import type { LocalTree } from '../../../coordinator-client/local/local-tree.ts';
import { ClusterStore } from '../../../coordinator-client/stores/cluster-store.ts';
import { ControllerMoved, FencedStore } from '../../../coordinator-client/stores/fenced-store.ts';
import { World } from '../../support/world.ts';

let world: World;
let tree: LocalTree;
let source: LocalSource;

beforeEach(() => {
  world = World.flowing();
  tree = world.tree;
  source = world.source({ reconnectMs: 0 });
});

const open = (): Promise<Coordinator> => source.open(1000);

async function readyStore(): Promise<ClusterStore> {
  const store = new ClusterStore(await open());
  await store.ensureTopLevelPaths();
  return store;
}

async function controllerStore(): Promise<{ store: ClusterStore; fenced: FencedStore }> {
  const store = await readyStore();
  const election = await store.electController(1, 5);
  if (!election.won) throw new Error('lost');
  return { store, fenced: new FencedStore(store.coordinator, election.epoch, election.epochVersion) };
}

const registration = (id: number) => ({
  id,
  endpoints: [{ listener: 'PLAINTEXT', host: 'h', port: 9092, securityProtocol: 'PLAINTEXT' }],
  rack: null,
  jmxPort: -1,
  timestampMs: 1,
  features: new Map(),
});

const assignment = (replicas: number[]) => ({
  topicId: 'AAAAAAAAAAAAAAAAAAAAAQ',
  partitions: new Map([[0, { replicas, addingReplicas: [], removingReplicas: [] }]]),
});

const state = (leader: number) => ({
  leader,
  leaderEpoch: 0,
  isr: [1, 2],
  controllerEpoch: 1,
  leaderRecoveryState: 0,
});

describe('the cluster', () => {
  it('has its directories made once and for all', async () => {
    const store = await readyStore();
    await store.ensureTopLevelPaths();
    for (const path of ['/brokers/ids', '/admin/delete_topics', '/config/ips', '/latest_producer_id_block']) {
      expect(tree.read(path)?.data.length, path).toBe(0);
    }
  });

  it('gets its id from the first broker that proposes one', async () => {
    const store = await readyStore();
    const ids = await Promise.all(['a', 'b'].map((id) => store.getOrCreateClusterId(id)));
    expect(ids[0]).toBe(ids[1]);
    expect(tree.read('/cluster/id')?.data.toString()).toBe(`{"version":"1","id":"${ids[0]}"}`);
  });

  it('numbers generated broker ids by the data version of /brokers/seqid', async () => {
    const store = await readyStore();
    expect([await store.nextSequenceBrokerId(), await store.nextSequenceBrokerId()]).toEqual([1, 2]);
  });
});

describe('registration', () => {
  it('answers the creation zxid as the epoch and leaves data version 1', async () => {
    const store = await readyStore();
    const epoch = await store.registerBroker(registration(1));
    expect(tree.read('/brokers/ids/1')).toMatchObject({ version: 1, czxid: BigInt(epoch) });
    expect(await store.brokers()).toEqual([{ ...registration(1), epoch }]);
  });

  it('is accepted again within the same session', async () => {
    const store = await readyStore();
    expect(await store.registerBroker(registration(1))).toBe(await store.registerBroker(registration(1)));
  });

  it('is refused while another session holds the id, and replaces a node of its own former session', async () => {
    const first = await readyStore();
    const epoch = await first.registerBroker(registration(1));
    const second = new ClusterStore(await open());
    const holder = `0x${first.coordinator.sessionId.toString(16)}`;
    await expect(second.registerBroker(registration(1))).rejects.toThrow(
      `broker id 1 is registered by ZooKeeper session ${holder}`,
    );
    const again = await second.registerBroker(registration(1), first.coordinator.sessionId);
    expect(again).toBeGreaterThan(epoch);
    expect(tree.read('/brokers/ids/1')?.ephemeralOwner).toBe(second.coordinator.sessionId);
  });

  it('whose answer was lost is found by reading back', async () => {
    const store = await readyStore();
    source.dropNextAnswer(store.coordinator.sessionId);
    const epoch = await store.registerBroker(registration(1));
    expect(tree.read('/brokers/ids/1')?.czxid).toBe(BigInt(epoch));
  });
});

describe('the election', () => {
  it('has one winner of three, at epoch 1, and counts on', async () => {
    const stores = [await readyStore(), new ClusterStore(await open()), new ClusterStore(await open())];
    const results = await Promise.all(stores.map((store, index) => store.electController(index + 1, 5)));
    expect(results.filter(({ won }) => won)).toEqual([{ won: true, epoch: 1, epochVersion: 1 }]);
    const winner = results.findIndex(({ won }) => won);
    await stores[winner]?.coordinator.close();
    const next = stores[(winner + 1) % 3];
    expect(await next?.electController(9, 6)).toEqual({ won: true, epoch: 2, epochVersion: 2 });
    expect(tree.read('/controller_epoch')?.data.toString()).toBe('2');
  });

  it.each(['dropNextAnswer', 'dropNextRequest'] as const)('is won even when %s hits it', async (fault) => {
    const store = await readyStore();
    await store.electController(1, 5);
    await new FencedStore(store.coordinator, 1, 1).resign();
    source[fault](store.coordinator.sessionId);
    expect(await store.electController(1, 6)).toEqual({ won: true, epoch: 2, epochVersion: 2 });
  });
});

describe('an election whose request was lost', () => {
  it('is lost to whoever was elected meanwhile, although that one wrote the same epoch', async () => {
    const other = new ClusterStore(await open());
    await other.ensureTopLevelPaths();
    const first = await other.electController(7, 4);
    expect(first.won).toBe(true);
    await new FencedStore(other.coordinator, 1, 1).resign();
    const slow = world.source({ reconnectMs: 50 });
    const store = new ClusterStore(await slow.open(1000));
    slow.dropNextRequest(store.coordinator.sessionId);
    const result = store.electController(1, 5);
    await new Promise<void>((resolve) => {
      const watch = store.coordinator.onSession(() => {
        watch.close();
        resolve();
      });
    });
    expect(await other.electController(2, 6)).toEqual({ won: true, epoch: 2, epochVersion: 2 });
    expect(await world.settled(result)).toEqual({ won: false, lostTo: 2 });
  });
});

describe('fenced writes', () => {
  it('make and change partition states, each refusal on its own', async () => {
    const { store, fenced } = await controllerStore();
    await store.topics.create('t', assignment([1, 2]), new Map());
    const made = await fenced.createPartitionStates([
      { topic: 't', partition: 0, state: state(1) },
      { topic: 't', partition: 1, state: state(2) },
    ]);
    expect(made).toEqual([
      { ok: true, version: 0 },
      { ok: true, version: 0 },
    ]);
    const changed = await fenced.updatePartitionStates([
      { topic: 't', partition: 0, state: state(2), version: 7 },
      { topic: 't', partition: 1, state: state(1), version: 0 },
      { topic: 't', partition: 2, state: state(1), version: 0 },
    ]);
    expect(changed).toEqual([
      { ok: false, reason: 'version' },
      { ok: true, version: 1 },
      { ok: false, reason: 'missing' },
    ]);
    expect((await store.topics.partitionStates([{ topic: 't', partition: 1 }]))[0]).toEqual({
      ...state(1),
      version: 1,
    });
  });

  it('find a partition directory that was left without its state', async () => {
    const { store, fenced } = await controllerStore();
    await store.topics.create('t', assignment([1]), new Map());
    const made = (path: string) =>
      ({ op: 'create', path, data: Buffer.alloc(0), lifetime: 'persistent' }) as const;
    tree.commit([made('/brokers/topics/t/partitions'), made('/brokers/topics/t/partitions/0')], 0n, 0);
    const write = { topic: 't', partition: 0, state: state(1) };
    expect(await fenced.createPartitionStates([write])).toEqual([{ ok: true, version: 0 }]);
    expect(await fenced.createPartitionStates([write])).toEqual([{ ok: false, reason: 'exists' }]);
  });

  it('of a controller that has been replaced change nothing', async () => {
    const { store, fenced } = await controllerStore();
    await store.topics.create('t', assignment([1]), new Map());
    await fenced.resign();
    await new ClusterStore(await open()).electController(2, 6);
    const before = tree.paths();
    const write = { topic: 't', partition: 0, state: state(1) };
    await expect(fenced.createPartitionStates([write])).rejects.toThrow(ControllerMoved);
    await expect(fenced.deleteTopic('t')).rejects.toThrow(ControllerMoved);
    await expect(fenced.nextProducerIdBlock(1, 1000)).rejects.toThrow(ControllerMoved);
    await expect(fenced.resign()).rejects.toThrow(ControllerMoved);
    expect(tree.paths()).toEqual(before);
  });

  it('are counted once when the answer is lost, and done when the request is', async () => {
    const { store, fenced } = await controllerStore();
    await store.topics.create('t', assignment([1]), new Map());
    await fenced.createPartitionStates([{ topic: 't', partition: 0, state: state(1) }]);
    const sessionId = store.coordinator.sessionId;
    source.dropNextAnswer(sessionId);
    const write = { topic: 't', partition: 0, state: state(2) };
    expect(await fenced.updatePartitionStates([{ ...write, version: 0 }])).toEqual([
      { ok: true, version: 1 },
    ]);
    source.dropNextRequest(sessionId);
    expect(await fenced.updatePartitionStates([{ ...write, version: 1 }])).toEqual([
      { ok: true, version: 2 },
    ]);
  });

  it('delete a topic with all below it, its configuration and the request', async () => {
    const { store, fenced } = await controllerStore();
    await store.topics.create('t', assignment([1]), new Map([['retention.ms', '5']]));
    await fenced.createPartitionStates([{ topic: 't', partition: 0, state: state(1) }]);
    expect(await store.topics.requestDeletion('t')).toBe('requested');
    expect(await store.topics.requestDeletion('t')).toBe('already-requested');
    await fenced.deleteTopic('t');
    expect(tree.paths().filter((path) => path.endsWith('/t') || path.includes('/t/'))).toEqual([]);
  });

  it('delete nothing of a topic that is made anew the moment the old one is gone', async () => {
    const { store, fenced } = await controllerStore();
    await store.topics.create('t', assignment([1]), new Map([['retention.ms', '5']]));
    await store.topics.requestDeletion('t');
    const other = new ClusterStore(await open());
    const commit = store.coordinator.commit.bind(store.coordinator);
    let isBack = false;
    vi.spyOn(store.coordinator, 'commit').mockImplementation(async (changes) => {
      const outcome = await commit(changes);
      if (isBack || tree.read('/brokers/topics/t') !== null) return outcome;
      isBack = true;
      await other.topics.create('t', assignment([2]), new Map([['retention.ms', '6']]));
      await other.topics.requestDeletion('t');
      return outcome;
    });
    await fenced.deleteTopic('t');
    expect(isBack).toBe(true);
    expect(await other.configs.read('topics', 't')).toEqual(new Map([['retention.ms', '6']]));
    expect(await other.topics.deletionRequests()).toEqual(['t']);
  });

  it('hand out producer ids in blocks that never overlap', async () => {
    const { fenced } = await controllerStore();
    const blocks = await Promise.all([1, 2, 3].map((id) => fenced.nextProducerIdBlock(id, 1000)));
    expect(blocks.map((block) => block?.start).sort()).toEqual([0, 1000, 2000]);
    expect(tree.read('/latest_producer_id_block')?.data.toString()).toContain('"block_end":"2999"');
  });
});

describe('topics and configurations', () => {
  it('a topic is made together with its configuration, once', async () => {
    const store = await readyStore();
    const config = new Map([['retention.ms', '5']]);
    expect(await store.topics.create('t', assignment([1, 2]), config)).toBe('created');
    expect(await store.topics.create('t', assignment([2]), new Map())).toBe('exists');
    expect(await store.configs.read('topics', 't')).toEqual(config);
    expect(await store.topics.assignments(['t', 'u'])).toEqual(
      new Map([['t', { ...assignment([1, 2]), version: 0 }]]),
    );
  });

  it('an assignment is replaced only at the version that was read', async () => {
    const store = await readyStore();
    await store.topics.create('t', assignment([1]), new Map());
    expect(await store.topics.replaceAssignment('t', assignment([2]), 0)).toBe('replaced');
    expect(await store.topics.replaceAssignment('t', assignment([3]), 0)).toBe('changed');
    expect(await store.topics.replaceAssignment('u', assignment([3]), 0)).toBe('missing');
  });

  it('a configuration needs a controller, and its notice comes with it', async () => {
    const { store, fenced } = await controllerStore();
    await store.configs.write('users', 'a/clients/<default>', new Map([['x', '1']]));
    await store.configs.update('users', 'a/clients/<default>', (stored) => new Map([...stored, ['y', '2']]));
    expect(await store.configs.userEntities()).toEqual(['a', 'a/clients/<default>']);
    await store.configs.changes.look();
    const changes = await store.configs.changes.after(0);
    expect(changes).toMatchObject([{ sequence: 1, subject: { type: 'users', name: 'a/clients/<default>' } }]);
    await store.configs.changes.purge(Number.MAX_SAFE_INTEGER, 1000);
    expect(tree.children('/config/changes')).toEqual([]);
    await fenced.resign();
    await expect(store.configs.write('topics', 't', new Map())).rejects.toThrow(/no ZooKeeper controller/);
  });
});

describe('an entity of whom nothing is said any more', () => {
  const none = new Map<string, string>();
  const some = new Map([['producer_byte_rate', '1']]);

  it('goes, with the nodes above it that say nothing either, and a notice comes', async () => {
    const { store } = await controllerStore();
    await store.configs.update('users', 'alice/clients/app', () => some);
    await store.configs.update('users', 'alice/clients/other', () => some);
    await store.configs.update('users', 'alice/clients/app', () => none);
    expect(tree.read('/config/users/alice/clients/app')).toBeNull();
    expect(tree.read('/config/users/alice/clients/other')).not.toBeNull();
    await store.configs.update('users', 'alice/clients/other', () => none);
    expect(tree.read('/config/users/alice')).toBeNull();
    await store.configs.changes.look();
    const notices = await store.configs.changes.after(-1);
    expect(notices.map(({ subject }) => subject?.name)).toEqual([
      'alice/clients/app',
      'alice/clients/other',
      'alice/clients/app',
      'alice/clients/other',
    ]);
  });

  it('stays empty while it has clients, and keeps what is said of itself', async () => {
    const { store } = await controllerStore();
    await store.configs.update('users', 'alice', () => some);
    await store.configs.update('users', 'alice/clients/app', () => some);
    await store.configs.update('users', 'alice', () => none);
    expect(tree.read('/config/users/alice')?.data.toString()).toBe('{"version":1,"config":{}}');
    await store.configs.update('users', 'alice', () => some);
    await store.configs.update('users', 'alice/clients/app', () => none);
    expect(tree.read('/config/users/alice/clients')).toBeNull();
    expect(await store.configs.read('users', 'alice')).toEqual(some);
  });

  it('that was never there is told of all the same; a topic keeps its empty node', async () => {
    const { store } = await controllerStore();
    await store.configs.update('clients', 'nobody', () => none);
    expect(tree.read('/config/clients/nobody')).toBeNull();
    await store.configs.changes.look();
    expect(await store.configs.changes.after(-1)).toHaveLength(1);
    await store.configs.update('topics', 't', () => none);
    expect(tree.read('/config/topics/t')).not.toBeNull();
  });
});
