/**
 * `odradek/testkit`: a replicating Kafka cluster inside your own test process, in a fraction of a
 * second. Brokers, controller, replication and logs are the real ones; only the ZooKeeper tree lives in
 * this process too, unless you name an ensemble. Any Kafka client can connect.
 *
 *     const cluster = await startCluster({ brokers: 3, topics: ['t'] });
 *     … new Kafka({ brokers: cluster.bootstrapServers.split(',') }) …
 *     await cluster.close();
 *
 * What there is to be done with it: kit-cluster.ts.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../../broker/platform/clock.ts';
import type { LocalTree } from '../../coordinator-client/local/local-tree.ts';
import { createTopics, deleteTopics, moveController, moveCoordinator, moveLeader } from './administration.ts';
import { expectEveryOnce } from './expectations.ts';
import { bootstrapServers, type Ground, makeGround } from './ground.ts';
import { commandsAt, type RemoteCluster } from './http/client.ts';
import type { KitCluster } from './kit-cluster.ts';
import type { Member } from './member.ts';
import { cut, heal, memberOf, slow } from './network.ts';
import { checkOptions, type KitOptions } from './options.ts';
import { plainly } from './plain-errors.ts';
import { consume, produce } from './records.ts';
import { actLike, failNext, limitVersions } from './request-faults.ts';
import { resetConfigs, resetTopics } from './reset.ts';
import { awaitPicture, putBack, readSnapshot, takeSnapshot } from './snapshot.ts';
import { VirtualClock } from './virtual-clock.ts';
import { awaitAssigned, awaitGroup, awaitIsr, awaitLeader, until } from './waits.ts';

/** Where the workers of a run find its cluster; they inherit it. */
export const ADMIN_URL_VARIABLE = 'ODRADEK_ADMIN_URL';

export type { RemoteCluster } from './http/client.ts';
export type { KitCluster } from './kit-cluster.ts';
export type { KitOptions, TopicOptions } from './options.ts';

/** Resolves when every broker serves and knows all the others. Rejects, with nothing left, when that can't be. */
export async function startCluster(options: KitOptions = {}): Promise<KitCluster> {
  const count = checkOptions(options);
  try {
    const ground = await makeGround(options, count);
    try {
      await startAll(ground.members);
      await createTopics(ground.admin(), ground.members, options.topics ?? []);
      return guarded(makeCluster(ground));
    } catch (error) {
      await ground.close();
      throw error;
    }
  } catch (error) {
    throw plainly(error, options);
  }
}

/**
 * The cluster that a global set-up, or `odradek cluster --json`, has started; by its admin URL.
 * @example const cluster = remoteCluster(); await cluster.stop(1);
 */
export function remoteCluster(adminUrl = process.env[ADMIN_URL_VARIABLE]): RemoteCluster {
  if (adminUrl === undefined)
    throw new Error(`there is no ${ADMIN_URL_VARIABLE}: no global set-up has started a cluster`);
  return commandsAt(adminUrl);
}

/** And every one that runs knows all the others. */
async function startAll(members: readonly Member[]): Promise<void> {
  await Promise.all(members.map((member) => member.start()));
  await until('the brokers to know each other', {}, () => {
    const known = members.map(({ broker }) => broker.inside.metadata.image.brokers.size);
    if (known.every((size) => size === members.length)) return { done: undefined };
    return { seen: `they know ${known.join(', ')} of ${members.length}` };
  });
}

function makeCluster(ground: Ground): KitCluster {
  const { members, agreement, requestFaults, requestLog, events } = ground;
  const admin = ground.admin();
  const pictures = new Set<string>();
  let closing: Promise<void> | null = null;
  return {
    bootstrapServers: bootstrapServers(members),
    zookeeper: agreement.connect,
    get brokers() {
      return members.map(({ broker }) => broker);
    },
    state: (broker) => memberOf(members, broker).state,
    bootstrapServersOf: (listener) => bootstrapServers(members, listener),

    createTopics: (...topics) => createTopics(admin, members, topics),
    deleteTopics: (...names) => deleteTopics(admin, { members, tree: agreement.tree }, names),
    produce: (topic, records, wait) => produce(admin, topic, records, wait),
    consume: (topic, wanted) => consume(admin, topic, wanted),
    async expectEveryAcknowledgedRecordOnce(topic, acknowledged) {
      expectEveryOnce(topic, [...acknowledged], await consume(admin, topic));
    },

    awaitLeader: (topic, partition = 0, wait = {}) => awaitLeader(members, topic, partition, wait),
    awaitIsr: (topic, partition, isr, wait = {}) => awaitIsr(members, topic, partition, { ...wait, isr }),
    awaitGroup: (group, state, wait = {}) => awaitGroup(admin, group, state, wait),
    awaitAssigned: (group, topic, wait = {}) => awaitAssigned(admin, group, topic, wait),

    stop: async (broker) => memberOf(members, broker).stop(),
    start: async (broker) => memberOf(members, broker).start(),
    kill: async (broker) => memberOf(members, broker).kill(),
    pause: (broker) => memberOf(members, broker).pause(),
    resume: (broker) => memberOf(members, broker).resume(),
    moveLeader: (topic, partition, to) => moveLeader(admin, members, { topic, partition }, to),
    moveCoordinator: (group, to) => moveCoordinator(admin, members, group, to),
    moveController: (to) => moveController(agreement.tree, members, to),
    expireSession: (broker) => memberOf(members, broker).expireSession(),

    cut: (one, other, how = {}) => cut(members, one, other, how),
    slow: (one, other, delayMs) => slow(members, one, other, delayMs),
    heal: (one, other) => heal(members, one, other),
    failNext: (what) => failNext(requestFaults, what),
    requests: (filter = {}) => requestLog.requests(filter),
    limitVersions: (limits) => limitVersions(requestFaults.values(), limits),
    actLike: (release) => actLike(requestFaults.values(), release),
    events: ({ kind, broker } = {}) =>
      events
        .since(0)
        .filter(({ event }) => kind === undefined || event.kind === kind)
        .filter(({ brokerId }) => broker === undefined || brokerId === broker),

    reset: () => reset(ground),
    async snapshot(directory) {
      const into = directory ?? mkdtempSync(join(tmpdir(), 'odradek-snapshot-'));
      if (directory === undefined) pictures.add(into);
      return takeSnapshot({ ...ground, tree: treeOf(ground, 'snapshot') }, into);
    },
    async restore(snapshot) {
      const tree = treeOf(ground, 'restore');
      const manifest = readSnapshot(snapshot, members.length);
      await Promise.all(members.map((member) => member.kill()));
      putBack({ ...ground, tree }, snapshot, manifest);
      await startAll(members);
      await awaitPicture(members, manifest);
    },
    clock: {
      async advance(ms) {
        if (!(ground.clock instanceof VirtualClock))
          throw new Error('time can be advanced in a cluster that is started with { virtualTime: true }');
        await ground.clock.advance(ms);
      },
    },
    close() {
      closing ??= ground.close().finally(() => {
        for (const picture of pictures) rmSync(picture, { recursive: true, force: true });
      });
      return closing;
    },
  };
}

function treeOf({ agreement }: Ground, what: string): LocalTree {
  if (agreement.tree === null)
    throw new Error(`${what} needs the tree in this process: start the cluster without zookeeper`);
  return agreement.tree;
}

async function reset({ members, agreement, requestFaults, requestLog, ...ground }: Ground): Promise<void> {
  heal(members);
  for (const table of requestFaults.values()) table.clear();
  for (const member of members) member.resume();
  if (members.some(({ state }) => state !== 'running')) await startAll(members);
  await resetTopics(ground.admin(), { members, tree: agreement.tree });
  await resetConfigs(agreement.source({ clock: systemClock, sessionTimeoutMs: 6000, delayMs: () => 0 }));
  requestLog.clear();
}

/** Once it is closed, everything but close() says so. */
function guarded(cluster: KitCluster): KitCluster {
  let closed = false;
  const refuse = (): never => {
    throw new Error('the test cluster was closed: start another one with startCluster()');
  };
  const wrap = (name: string, act: (...args: never[]) => unknown) => {
    if (name === 'close') {
      return () => {
        closed = true;
        return cluster.close();
      };
    }
    return (...args: never[]) => (closed ? refuse() : act(...args));
  };
  const functions = Object.entries(cluster).filter(([, member]) => typeof member === 'function');
  return {
    ...cluster,
    ...Object.fromEntries(functions.map(([name, act]) => [name, wrap(name, act)])),
    clock: { advance: (ms) => (closed ? refuse() : cluster.clock.advance(ms)) },
    get brokers() {
      return closed ? refuse() : cluster.brokers;
    },
  };
}
