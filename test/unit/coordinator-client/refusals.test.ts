/** Refusals that do not pass end an operation with an error instead of an endless loop; those that do are got over. */
import { beforeEach, describe, expect, it } from 'vitest';
import { TermCoordinator } from '../../../broker/controller/term-coordinator.ts';
import type { Change, Committed, Coordinator, Rejected } from '../../../coordinator-client/coordinator.ts';
import { ANY_VERSION } from '../../../coordinator-client/coordinator.ts';
import type { LocalTree } from '../../../coordinator-client/local/local-tree.ts';
import { ClusterStore } from '../../../coordinator-client/stores/cluster-store.ts';
import { FencedStore } from '../../../coordinator-client/stores/fenced-store.ts';
import { World } from '../../support/world.ts';

/** More asking than this is taken for an endless loop. */
const MANY = 50;

/** A session whose commits are refused when they concern the path, as an ACL does it. */
class DeniedCoordinator extends TermCoordinator {
  readonly #path: string;
  #refusals = 0;

  constructor(session: Coordinator, path: string) {
    super(session, () => {});
    this.#path = path;
  }

  override commit(changes: readonly Change[]): Promise<Committed | Rejected> {
    const index = changes.findIndex(({ path, op }) => path === this.#path && op !== 'check');
    if (index === -1) return super.commit(changes);
    if (++this.#refusals > MANY) return Promise.reject(new Error('asked for ever'));
    return Promise.resolve({ ok: false, index, reason: 'denied' });
  }
}

let world: World;
let tree: LocalTree;
let session: Coordinator;

beforeEach(async () => {
  world = World.flowing();
  ({ tree } = world);
  session = await world.source().open(1000);
});

async function ready(): Promise<ClusterStore> {
  const store = new ClusterStore(session);
  await store.ensureTopLevelPaths();
  await store.electController(1, 5);
  return store;
}

const denied = (path: string): ClusterStore => new ClusterStore(new DeniedCoordinator(session, path));
const deniedController = (path: string): FencedStore =>
  new FencedStore(new DeniedCoordinator(session, path), 1, 1);

const remove = (path: string): void => {
  expect(tree.commit([{ op: 'remove', path, version: ANY_VERSION }], 0n, 1).ok).toBe(true);
};

const registration = {
  id: 1,
  endpoints: [{ listener: 'PLAINTEXT', host: 'h', port: 9092, securityProtocol: 'PLAINTEXT' }],
  rack: null,
  jmxPort: -1,
  timestampMs: 1,
  features: new Map(),
};

const assignment = {
  topicId: 'AAAAAAAAAAAAAAAAAAAAAQ',
  partitions: new Map([[0, { replicas: [1], addingReplicas: [], removingReplicas: [] }]]),
};

describe('a write that is denied for good', () => {
  it.each<[string, string, (store: ClusterStore) => Promise<unknown>]>([
    ['the cluster id', '/cluster/id', (store) => store.getOrCreateClusterId('a')],
    ['a generated broker id', '/brokers/seqid', (store) => store.nextSequenceBrokerId()],
    ['a topic', '/brokers/topics/t', (store) => store.topics.create('t', assignment, new Map())],
    [
      'a topic’s configuration',
      '/config/topics/t',
      (store) => store.topics.create('t', assignment, new Map()),
    ],
    ['a configuration', '/config/topics/t', (store) => store.configs.write('topics', 't', new Map())],
    [
      'what a configuration stands on',
      '/config/brokers',
      (store) => store.configs.write('brokers', '1', new Map()),
    ],
  ])('fails, of %s', async (_, path, act) => {
    await ready();
    if (path === '/config/brokers') remove(path);
    await expect(act(denied(path))).rejects.toThrow(/^cannot .*: denied$/);
  });

  it('fails, of the controller epoch', async () => {
    await new ClusterStore(session).ensureTopLevelPaths();
    await expect(denied('/controller_epoch').electController(1, 5)).rejects.toThrow(/: denied$/);
  });

  it('fails, of the office: nobody else is waited for', async () => {
    await new ClusterStore(session).ensureTopLevelPaths();
    await expect(denied('/controller').electController(1, 5)).rejects.toThrow(/: denied$/);
  });

  it('fails, of a longer assignment', async () => {
    const store = await ready();
    await store.topics.create('t', assignment, new Map());
    const { topics } = denied('/brokers/topics/t');
    await expect(topics.replaceAssignment('t', assignment, 0)).rejects.toThrow(/: denied$/);
  });

  it('fails, of the registration that a former session has left', async () => {
    const store = await ready();
    await store.registerBroker(registration);
    const next = await world.source().open(1000);
    const refusing: Coordinator = Object.assign(new DeniedCoordinator(next, '/none'), {
      commit: (changes: readonly Change[]) =>
        changes[0]?.op === 'remove'
          ? Promise.resolve({ ok: false, index: 0, reason: 'denied' } as const)
          : next.commit(changes),
    });
    const again = new ClusterStore(refusing).registerBroker(registration, session.sessionId);
    await expect(again).rejects.toThrow(/^cannot remove .*: denied$/);
  });

  it.each<[string, string, (fenced: FencedStore) => Promise<unknown>]>([
    ['producer ids', '/latest_producer_id_block', (fenced) => fenced.nextProducerIdBlock(1, 1000)],
    [
      'finalised features',
      '/feature',
      (fenced) => fenced.writeFeature({ enabled: true, levels: new Map() }, null),
    ],
    [
      'a legacy reassignment',
      '/admin/reassign_partitions',
      (fenced) => fenced.writeReassignments([{ topic: 't', partition: 0, replicas: [1] }]),
    ],
  ])('fails, of %s', async (_, path, act) => {
    await ready();
    if (path === '/latest_producer_id_block') remove(path);
    await expect(act(deniedController(path))).rejects.toThrow(/^cannot .*: denied$/);
  });
});

describe('a directory that somebody has removed', () => {
  it('is made again for the notice of a changed configuration', async () => {
    const store = await ready();
    remove('/config/changes');
    await store.configs.write('topics', 't', new Map([['retention.ms', '1']]));
    expect(tree.children('/config/changes')).toEqual(['config_change_0000000000']);
  });

  it('is made again for the configuration of a new topic', async () => {
    const store = await ready();
    remove('/config/topics');
    expect(await store.topics.create('t', assignment, new Map())).toBe('created');
    expect(tree.read('/config/topics/t')).not.toBeNull();
  });
});

describe('what is left of a legacy reassignment', () => {
  it('is not written where somebody has removed the node', async () => {
    await ready();
    const fenced = new FencedStore(session, 1, 1);
    await fenced.writeReassignments([{ topic: 't', partition: 0, replicas: [1] }]);
    expect(tree.read('/admin/reassign_partitions')).toBeNull();
  });
});
