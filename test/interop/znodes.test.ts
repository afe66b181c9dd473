/**
 * Every znode that Apache's brokers write, against our catalogue; and the tree that they leave after a
 * day's work, against the one that ours leave after the same.
 */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { LocalCluster } from '../../scripts/cluster/local-cluster.ts';
import { freePorts } from '../support/free-ports.ts';
import {
  APACHE_VERSION,
  type ApacheBroker,
  startApacheProcess,
  stopApacheProcess,
} from './apache-process.ts';
import { type Answers, SPOILT_GROUP } from './group-answers.ts';
import { skipped } from './interop-cluster.ts';
import { jarsLack } from './java-jars.ts';
import { differences, RecordedZookeeper, type Write } from './znode-history.ts';
import { daysWork, type Served } from './znode-work.ts';

const skip = skipped("znodes of Apache's brokers", jarsLack(APACHE_VERSION));
const STOP_TIMEOUT_MS = 60_000;
/** Each of ours is started as a cluster of one, which would make a secret of its own. */
const SHARED_SECRET = 'of both brokers';

const PROPERTIES: Readonly<Record<string, string>> = {
  'zookeeper.session.timeout.ms': '18000',
  'num.partitions': '2',
  'default.replication.factor': '1',
  'min.insync.replicas': '1',
  'offsets.topic.num.partitions': '1',
  'offsets.topic.replication.factor': '1',
  'group.initial.rebalance.delay.ms': '0',
  'auto.leader.rebalance.enable': 'false',
  'broker.rack': 'r1',
};

interface Left {
  readonly writes: readonly Write[];
  readonly answers: Answers;
  readonly working: ReadonlyMap<string, string>;
  readonly oneStopped: ReadonlyMap<string, string>;
  readonly allStopped: ReadonlyMap<string, string>;
}

let directory: string;
let apache: Left;
let ours: Left;

beforeAll(async () => {
  if (skip) return;
  directory = mkdtempSync(join(tmpdir(), 'odradek-znode-work-'));
  apache = await leftBy(startApache);
  ours = await leftBy(startOurs);
}, 240_000);
afterAll(() => {
  if (!skip) rmSync(directory, { recursive: true, force: true });
});

describe.skipIf(skip)('the tree of znodes', () => {
  test('whatever Apache wrote, our catalogue reads and writes to the byte', () => {
    expect(apache.writes.length).toBeGreaterThan(300);
    expect(differences(apache.writes)).toEqual([]);
  });

  test('so it does with what we wrote', () => {
    expect(differences(ours.writes)).toEqual([]);
  });

  test('is the same after the same work', () => {
    expect(ours.working).toEqual(apache.working);
  });

  test('and when a broker has stopped', () => {
    expect(ours.oneStopped).toEqual(apache.oneStopped);
  });

  test('and when all have, the controller last', () => {
    expect(ours.allStopped).toEqual(apache.allStopped);
  });

  test('groups were answered the same meanwhile', () => {
    expect(ours.answers).toEqual(apache.answers);
    expect(ours.answers.length).toBeGreaterThan(1000);
  });

  test('has no data in the same nodes', () => {
    const empty = ({ writes }: Left) =>
      new Set(writes.filter(({ data }) => data === null).map(({ path }) => path));
    expect(empty(ours)).toEqual(empty(apache));
  });
});

/** Broker 1 first, so that it is the controller. */
async function leftBy(start: (brokerId: number, zookeeper: string) => Promise<Served>): Promise<Left> {
  const zookeeper = await RecordedZookeeper.start();
  const brokers: Served[] = [];
  try {
    for (const brokerId of [1, 2]) brokers.push(await start(brokerId, zookeeper.connect));
    const ports = brokers.map(({ port }) => port);
    const answers = await daysWork(ports, zookeeper.session);
    const show = (path: string, text: string) => masked(path, text, ports);
    const working = await zookeeper.tree(show);
    await brokers[1]?.stop();
    const oneStopped = await zookeeper.tree(show);
    await brokers[0]?.stop();
    const allStopped = await zookeeper.tree(show);
    const writes = (await zookeeper.writes()).filter(
      ({ path }) => !path.startsWith(`/consumers/${SPOILT_GROUP}/`),
    );
    return { writes, answers, working, oneStopped, allStopped };
  } finally {
    await Promise.all(brokers.map((broker) => broker.kill()));
    await zookeeper.close();
  }
}

async function startApache(brokerId: number, zookeeper: string): Promise<Served> {
  const [port = 0] = await freePorts(1);
  const home = join(directory, `apache-${brokerId}`);
  mkdirSync(home);
  const all: Record<string, string> = {
    ...PROPERTIES,
    'broker.id': String(brokerId),
    listeners: `PLAINTEXT://127.0.0.1:${port}`,
    'log.dirs': join(home, 'data'),
    'zookeeper.connect': zookeeper,
  };
  const properties = Object.entries(all).map(([key, value]) => `${key}=${value}\n`);
  const broker: ApacheBroker = await startApacheProcess({
    brokerId,
    directory: home,
    properties: properties.join(''),
  });
  return { port, stop: () => stopApacheProcess(broker), kill: () => stopApacheProcess(broker, 'SIGKILL') };
}

async function startOurs(brokerId: number, zookeeper: string): Promise<Served> {
  const cluster = await LocalCluster.start({
    brokers: 1,
    basePort: 0,
    directory: join(directory, `ours-${brokerId}`),
    zookeeper,
    zookeeperPort: 0,
    sessionTimeoutMs: 18_000,
    properties: { ...PROPERTIES, 'broker.id': String(brokerId), 'peer.shared.secret': SHARED_SECRET },
  });
  const { port, child } = cluster.broker(1);
  return { port, stop: () => child.stop(STOP_TIMEOUT_MS), kill: () => child.kill() };
}

/** Without what differs from run to run: times, ids that are drawn, ports, and where what nobody placed was put. */
function masked(path: string, text: string, ports: readonly number[]): string {
  let shown = text
    .replace(/"timestamp":"\d+"/, '"timestamp":"…"')
    .replace(/"topic_id":"[\w-]{22}"/, '"topic_id":"…"')
    .replace(/,"PEER:\/\/127\.0\.0\.1:\d+"/, '')
    .replace(/,"PEER":"PLAINTEXT"/, '');
  ports.forEach((port, index) => {
    shown = shown.replaceAll(String(port), `port ${index + 1}`);
  });
  if (path === '/cluster/id') shown = shown.replace(/"id":"[^"]*"/, '"id":"…"');
  if (/^\/brokers\/topics\/(__consumer_offsets|auto)/.test(path)) {
    shown = shown.replaceAll(/\[\d\]/g, '[…]').replaceAll(/"(leader|leader_epoch)":-?\d/g, '"$1":…');
  }
  // Kafka moves the leadership and then takes the old leader out of the ISR, each with an epoch; ours is one write.
  if (path.startsWith('/brokers/topics/of-1/'))
    shown = shown.replace(/"leader_epoch":\d/, '"leader_epoch":…');
  return shown;
}
