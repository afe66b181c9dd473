/**
 * The image, and whole clusters of containers: by testcontainers with faults, and the docker-compose.yml
 * that people start. Skipped with one line where there is no Docker, or no way to the images.
 */
import { Kafka, logLevel } from 'kafkajs';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { systemPlatform } from '../../broker/platform/system-platform.ts';
import { KafkaConnection } from '../../broker/protocol/client.ts';
import { Metadata } from '../../broker/protocol/messages/03-metadata.ts';
import { portIsFree } from '../../scripts/cluster/ports.ts';
import { eventually } from '../support/eventually.ts';
import { Load } from '../support/load.ts';
import { describeAlone } from './alone.ts';
import {
  act,
  type ContainerBroker,
  type ContainerCluster,
  healthy,
  inspect,
  signal,
  startContainerCluster,
} from './container-cluster.ts';
import { compose, composeCommand, docker, ofProject, prepareImages, removeAll } from './docker-host.ts';

const PREPARE_MS = 360_000;
const PARTITIONS = 3;
const PROPERTIES = {
  KAFKA_NUM_PARTITIONS: '7',
  KAFKA_DEFAULT_REPLICATION_FACTOR: '3',
  KAFKA_MIN_INSYNC_REPLICAS: '2',
  KAFKA_OFFSETS_TOPIC_NUM_PARTITIONS: '3',
  KAFKA_GROUP_INITIAL_REBALANCE_DELAY_MS: '0',
};

let lacks: string | null = 'not prepared';
let cluster: ContainerCluster;
const { sockets } = systemPlatform();

beforeAll(async () => {
  lacks = await prepareImages();
  if (lacks !== null) console.log(`skipped: clusters in containers: ${lacks}`);
}, PREPARE_MS);
beforeEach(({ skip }) => skip(lacks !== null));
afterAll(() => removeAll(), 60_000);

describe('brokers in containers', () => {
  beforeAll(async () => {
    if (lacks === null) cluster = await startContainerCluster(PROPERTIES);
  }, 180_000);
  afterAll(async () => {
    const ids = cluster?.brokers.map(({ container }) => container.getId()) ?? [];
    if (ids.length > 0) await docker('rm', '-f', '-v', ...ids);
  }, 120_000);

  it('turn healthy, as Docker sees it', async () => {
    for (const broker of cluster.brokers) {
      expect(await inspect(broker, '{{.State.Health.Status}}')).toBe('healthy');
    }
  });

  it('run without the rights of root, and can write to nothing but their data', async () => {
    for (const { container } of cluster.brokers) {
      expect((await container.exec(['id', '-u'])).output.trim()).toBe('1000');
      const writable = async (path: string) =>
        (await container.exec(['sh', '-c', `test -w ${path}`])).exitCode === 0;
      for (const path of [
        '/opt/odradek/node_modules/odradek/dist/bundle.js',
        '/opt/odradek/node_modules',
        '/etc/odradek',
        '/usr/local/bin',
      ]) {
        expect(await writable(path), path).toBe(false);
      }
      expect(await writable('/var/lib/odradek/data/meta.properties')).toBe(true);
    }
  });

  it('take properties from the environment, and the others from the file of the image', async () => {
    const configs = await withAdmin(cluster.bootstrapServers, (admin) =>
      admin.describeConfigs({
        includeSynonyms: false,
        resources: [{ type: 4, name: '1', configNames: ['num.partitions', 'log.dirs'] }],
      }),
    );
    const values = (configs.resources[0]?.configEntries ?? []).map((entry) => [
      entry.configName,
      entry.configValue,
    ]);
    expect(Object.fromEntries(values)).toEqual({
      'num.partitions': '7',
      'log.dirs': '/var/lib/odradek/data',
    });
  });

  it('are each reached from outside; what is produced through all three is consumed through all three', async () => {
    const { brokers } = await withAdmin(cluster.bootstrapServers, (admin) => admin.describeCluster());
    const reached = brokers.map(({ nodeId, host, port }) => ({ id: nodeId, host, port }));
    const meant = cluster.brokers.map(({ id, host, port }) => ({ id, host, port }));
    expect(reached.sort((a, b) => a.id - b.id)).toEqual(meant);
    await underLoad(cluster.bootstrapServers, 'spread', async (load) => {
      for (const { id } of cluster.brokers) expect(await load.ledBy(id)).toHaveLength(1);
    });
  });

  it('a broker that is paused past its session is replaced as leader, and nothing acknowledged is lost', async () => {
    const victim = brokerAt(1);
    await underLoad(cluster.bootstrapServers, 'paused', async (load) => {
      const led = await load.ledBy(victim.id);
      expect(led).toHaveLength(1);
      await signal('STOP', victim);
      await anotherLeads(load, victim);
      await load.nextAcknowledgement(({ partition }) => !led.includes(partition));
      await signal('CONT', victim);
      // Only now: this client goes on waiting for what it has sent to the paused broker.
      await load.nextAcknowledgement(({ partition }) => led.includes(partition));
      await inSync(load, victim);
    });
  }, 120_000);

  it('a broker that is killed is replaced, and comes back with its data when its container is started', async () => {
    const victim = brokerAt(2);
    await underLoad(cluster.bootstrapServers, 'killed', async (load) => {
      const led = await load.ledBy(victim.id);
      expect(led).toHaveLength(1);
      await act('kill', victim);
      await anotherLeads(load, victim);
      await load.nextAcknowledgement(({ partition }) => led.includes(partition));
      await act('start', victim);
      await healthy(victim);
      await inSync(load, victim);
    });
    expect(await docker('logs', victim.container.getId())).toMatch(
      /Loading [1-9]\d* logs in .* with recovery/,
    );
  }, 120_000);

  it('docker stop is a clean stop: leaders are moved away first, exit status 0', async () => {
    const victim = brokerAt(0);
    await underLoad(cluster.bootstrapServers, 'stopped', async (load) => {
      expect(await load.ledBy(victim.id)).toHaveLength(1);
      await act('stop', victim);
      expect(await inspect(victim, '{{.State.ExitCode}} {{.State.OOMKilled}}')).toBe('0 false');
      await eventually(
        'all know that it leads nothing',
        async () => (await load.ledBy(victim.id)).length === 0,
      );
    });
    const log = await docker('logs', '--tail', '20', victim.container.getId());
    expect(log).toContain('shut down completed');
    expect(log).not.toContain('unclean shutdown');
    // Whoever was the controller has said so. A leader that is only missed is replaced as well, but without that.
    const logs = await Promise.all(cluster.brokers.map(({ container }) => docker('logs', container.getId())));
    expect(logs.join('\n')).toContain(
      `Controlled shutdown of broker ${victim.id}: 0 partitions that it leads have no successor`,
    );
  }, 120_000);
});

describeAlone(() => lacks === null);

describe('docker-compose.yml', () => {
  const ports = [9092, 9093, 9094];
  const bootstrapServers = ports.map((port) => `localhost:${port}`).join(',');
  let command: readonly string[] | null = null;
  let started = false;

  beforeAll(async () => {
    if (lacks !== null) return;
    command = await composeCommand();
    if (command === null) {
      console.log(
        'skipped: docker-compose.yml: there is no compose (Debian: apt-get install docker-compose)',
      );
      return;
    }
    const busy: number[] = [];
    for (const port of ports) if (!(await portIsFree(port))) busy.push(port);
    if (busy.length > 0) console.log(`skipped: docker-compose.yml: ports in use: ${busy.join(', ')}`);
    started = busy.length === 0;
  });
  beforeEach(({ skip }) => skip(!started));

  it('brings up three ZooKeepers and three brokers, reached at 9092 to 9094, and leaves nothing', async () => {
    if (command === null) throw new Error('checked above');
    const wait = command.length === 2 ? ['--wait'] : []; // docker-compose 1 has no --wait
    await compose(command, 'up', '-d', '--build', ...wait);
    await eventually('six containers are healthy', sixAreHealthy, 120_000);
    await underLoad(bootstrapServers, 'composed', async (load) => {
      for (const id of [1, 2, 3]) expect(await load.ledBy(id)).toHaveLength(1);
    });
    const zk = await compose(command, 'exec', '-T', 'broker1', 'odradek', 'zk', 'ls', '/brokers/ids');
    expect(zk.split(/\s+/)).toEqual(['1', '2', '3']);
    await compose(command, 'kill');
    await compose(command, 'down', '-v');
    for (const kind of ['container', 'volume', 'network'] as const) expect(await ofProject(kind)).toEqual([]);
  }, 240_000);
});

async function sixAreHealthy(): Promise<boolean> {
  const states = await docker('inspect', '-f', '{{.State.Health.Status}}', ...(await ofProject('container')));
  return states.split('\n').filter((state) => state === 'healthy').length === 6;
}

/** Produces to every partition of a new topic while `disturb` runs, then reads it back and checks it. */
async function underLoad(
  bootstrapServers: string,
  topic: string,
  disturb: (load: Load) => Promise<void>,
): Promise<void> {
  const load = new Load({ bootstrapServers, topic, partitions: PARTITIONS });
  await load.createTopic(3);
  await load.start();
  try {
    await eventually('there are records in every partition', () =>
      load.acknowledged.every((count) => count > 0),
    );
    await disturb(load);
    await load.nextAcknowledgement(() => true);
  } finally {
    await load.stop();
  }
  expect(await load.verify(60_000)).toBe(null);
}

async function anotherLeads(load: Load, victim: ContainerBroker): Promise<void> {
  const witness = survivor(victim);
  await eventually('another broker leads', async () =>
    (await partitions(witness, load.topic)).every(({ leaderId }) => leaderId >= 0 && leaderId !== victim.id),
  );
}

async function inSync(load: Load, victim: ContainerBroker): Promise<void> {
  const witness = survivor(victim);
  await eventually('all replicas are in sync', async () =>
    (await partitions(witness, load.topic)).every(({ isrNodes }) => isrNodes.length === 3),
  );
}

/** The partitions of a topic as this broker knows them. */
async function partitions({ host, port }: ContainerBroker, topic: string) {
  const connection = await KafkaConnection.connect(sockets, {
    host,
    port,
    clientId: 'witness',
    timeoutMs: 10_000,
  });
  try {
    const { topics } = await connection.request(Metadata, { topics: [{ name: topic }] });
    return topics[0]?.partitions ?? [];
  } finally {
    connection.close();
  }
}

function brokerAt(index: number): ContainerBroker {
  const found = cluster.brokers[index];
  if (found === undefined) throw new Error(`no broker at ${index}`);
  return found;
}

function survivor(victim: ContainerBroker): ContainerBroker {
  return brokerAt(cluster.brokers.indexOf(victim) === 0 ? 1 : 0);
}

type Admin = ReturnType<Kafka['admin']>;

async function withAdmin<T>(bootstrapServers: string, ask: (admin: Admin) => Promise<T>): Promise<T> {
  const admin = new Kafka({
    clientId: 'outside',
    brokers: bootstrapServers.split(','),
    logLevel: logLevel.NOTHING,
    connectionTimeout: 1000,
    requestTimeout: 3000,
  }).admin();
  await admin.connect();
  try {
    return await ask(admin);
  } finally {
    await admin.disconnect();
  }
}
