/** What a test cluster can't be, in one line; and that nothing is left of it, however it ends. */
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { freePort } from '../../scripts/cluster/ports.ts';
import { type KitCluster, type KitOptions, startCluster } from './cluster.ts';

/** Longer than the test: who waits must hear of the end. */
const LONG = { timeoutMs: 60_000 };
const CLUSTER = join(import.meta.dirname, 'cluster.ts');

async function reasonOf(options: KitOptions): Promise<string> {
  const cluster = await startCluster(options).catch((error: unknown) => String((error as Error).message));
  if (typeof cluster === 'string') return cluster;
  await cluster.close();
  return 'it started';
}

describe('options', () => {
  it.each([
    [{ perBroker: { 4: {} } }, 'perBroker names broker 4, but the brokers are 1 to 3'],
    [{ perBroker: { 1: { 'num.partition': '3' } } }, 'is it num.partitions?'],
    [{ racks: ['a'] }, 'racks must have one entry for each of the 3 brokers, not 1'],
    [{ topics: [{ name: 't', configs: { 'retention.mss': '1' } }] }, 'is it retention.ms?'],
    [{ topics: [{ name: 't', partition: 3 }] }, 'is it partitions?'],
    [
      { properties: { 'zookeeper.set.acl': 'true' } },
      'zookeeper.set.acl takes a broker that is a process of its own',
    ],
    [{ brokers: 33 }, 'brokers must be at most 32, not 33'],
    [{ zookeeper: 'x:1', zookeeperPort: 0 }, 'leave it out where zookeeper is given'],
    [{ brokers: 1, topics: [{ name: 't', replicationFactor: 3 }] }, 'INVALID_REPLICATION_FACTOR'],
  ] as const)('%j', async (options, reason) => {
    expect(await reasonOf(options as unknown as KitOptions)).toContain(reason);
  });
});

describe('what members are asked for', () => {
  let cluster: KitCluster;
  beforeAll(async () => {
    cluster = await startCluster({ brokers: 2, topics: ['t'] });
  });
  afterAll(() => cluster.close());

  type Ask = (cluster: KitCluster) => unknown;
  // As from JavaScript, where no compiler tells.
  const wrong = (value: unknown): never => value as never;
  it.each<readonly [string, Ask]>([
    ["'Produse' is no API that a broker serves: is it Produce?", (it) => it.requests({ api: 'Produse' })],
    ["'client' is no filter of requests: is it clientId?", (it) => it.requests(wrong({ client: 'x' }))],
    [
      "'leader-move' is no kind of event: is it leader-moved?",
      (it) => it.events(wrong({ kind: 'leader-move' })),
    ],
    ["'kinds' is no filter of events: is it kind?", (it) => it.events(wrong({ kinds: 'leader-moved' }))],
    ['there is no broker 9: they are 1 to 2', (it) => it.events({ broker: 9 })],
    ["'silnt' is no way of being cut: is it silent?", (it) => it.cut(1, 2, wrong({ how: 'silnt' }))],
    ["'hwo' is no option of cut", (it) => it.cut(1, 2, wrong({ hwo: 'silent' }))],
    ["'partiton' is no option of consume: is it partition?", (it) => it.consume('t', wrong({ partiton: 0 }))],
    ["'val' is no field of a record", (it) => it.produce('t', [wrong({ val: 'x' })])],
    ["'timeout' is no option of produce", (it) => it.produce('t', ['x'], wrong({ timeout: 5 }))],
    [
      "'timeoutMS' is no option of awaitLeader: is it",
      (it) => it.awaitLeader('t', 0, wrong({ timeoutMS: 5 })),
    ],
    ["'timeoutMS' is no option of awaitIsr: is it", (it) => it.awaitIsr('t', 0, 2, wrong({ timeoutMS: 5 }))],
    ["'timeoutMS' is no option of awaitGroup", (it) => it.awaitGroup('g', 'Dead', wrong({ timeoutMS: 5 }))],
    [
      "'timeoutMS' is no option of awaitAssigned",
      (it) => it.awaitAssigned('g', 't', wrong({ timeoutMS: 5 })),
    ],
  ])('%s', async (reason, ask) => {
    const outcome = await Promise.resolve()
      .then(() => ask(cluster))
      .then(
        () => 'it was taken',
        (error: Error) => error.message,
      );
    expect(outcome).toContain(reason);
    expect(outcome).not.toContain('\n');
  });
});

describe('places', () => {
  it('a port in use is named', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as { port: number };
    expect(await reasonOf({ brokers: 1, ports: [port] })).toBe(
      `port ${port} is in use: leave ports out, and free ones are taken`,
    );
    server.close();
  });

  it('ports and listeners that are asked for are had, one cluster after the other', async () => {
    const ports = [await freePort(), await freePort()];
    for (let round = 0; round < 3; round++) {
      const cluster = await startCluster({ brokers: 2, ports, listeners: ['INTERNAL', 'EXTERNAL'] });
      expect(cluster.bootstrapServers).toBe(ports.map((port) => `127.0.0.1:${port}`).join(','));
      expect(cluster.bootstrapServersOf('EXTERNAL')).not.toBe(cluster.bootstrapServers);
      await cluster.stop(1);
      await cluster.start(1);
      await cluster.close();
    }
  });

  it('two clusters have no directory between them', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'odradek-kit-test-'));
    const cluster = await startCluster({ brokers: 1, directory });
    expect(await reasonOf({ brokers: 1, directory })).toMatch(/^[^\n]*in use[^\n]*$/);
    await cluster.close();
    rmSync(directory, { recursive: true });
  });

  it('a file in the place of the directory is named', async () => {
    const file = join(mkdtempSync(join(tmpdir(), 'odradek-kit-test-')), 'file');
    writeFileSync(file, '');
    for (const directory of [file, join(file, 'below')])
      expect(await reasonOf({ brokers: 1, directory })).toMatch(
        `${directory} can't be made a directory of a cluster: ENOTDIR`,
      );
    rmSync(join(file, '..'), { recursive: true });
  });

  it('a cluster of which nothing runs says so to who waits', async () => {
    const cluster = await startCluster({ brokers: 1, topics: ['t'] });
    await cluster.kill(1);
    await expect(cluster.produce('t', ['x'], { timeoutMs: 50 })).rejects.toThrow(
      'waited 50 ms for topic t, but no broker is running',
    );
    await cluster.close();
  });

  it('a directory of another cluster is refused', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'odradek-kit-test-'));
    mkdirSync(join(directory, 'broker-1'));
    const meta = 'version=0\nbroker.id=1\ncluster.id=AAAAAAAAAAAAAAAAAAAAAA\n';
    writeFileSync(join(directory, 'broker-1', 'meta.properties'), meta);
    expect(await reasonOf({ brokers: 1, directory })).toMatch(/^[^\n]*AAAAAAAAAAAAAAAAAAAAAA[^\n]*$/);
    rmSync(directory, { recursive: true });
  });

  const canMount = process.platform === 'linux' && process.getuid?.() === 0;
  it.skipIf(!canMount)('a disk without space is named (needs root, for a small disk)', async (context) => {
    const directory = mkdtempSync(join(tmpdir(), 'odradek-kit-test-'));
    const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=16k', 'tmpfs', directory]);
    if (mounted.status !== 0) return context.skip('no file system can be mounted here');
    try {
      writeFileSync(join(directory, 'fill'), Buffer.alloc(12 * 1024));
      expect(await reasonOf({ brokers: 1, directory })).toBe(
        `there is no space left for a cluster in ${directory}`,
      );
      vi.stubEnv('TMPDIR', directory);
      expect(await reasonOf({ brokers: 1 })).toBe(
        'there is no space left for a cluster in the temporary directory',
      );
    } finally {
      vi.unstubAllEnvs();
      spawnSync('umount', [directory]);
      spawnSync('rmdir', [directory]);
    }
  });
});

describe('the end', () => {
  it('says so to whoever goes on', async () => {
    const cluster = await startCluster({ brokers: 1 });
    await Promise.all([cluster.close(), cluster.close()]);
    const reason = 'the test cluster was closed: start another one with startCluster()';
    expect(() => cluster.produce('t', ['x'])).toThrow(reason);
    expect(() => cluster.brokers).toThrow(reason);
    expect(() => cluster.clock.advance(1)).toThrow(reason);
  });

  it('says so to whoever waits still, at once', async () => {
    const cluster = await startCluster({ brokers: 1 });
    const waits = [
      cluster.awaitLeader('t', 0, LONG),
      cluster.awaitIsr('t', 0, 1, LONG),
      cluster.awaitGroup('g', 'Stable', LONG),
      cluster.awaitAssigned('g', 't', LONG),
      cluster.produce('t', ['x']),
      cluster.consume('t', { count: 1 }),
    ];
    const ends = Promise.allSettled(waits);
    await cluster.close();
    const reasons = (await ends).map((end) =>
      end.status === 'rejected' ? end.reason.message : 'it was there',
    );
    expect(new Set(reasons)).toEqual(
      new Set(['the test cluster was closed: start another one with startCluster()']),
    );
  });

  it('leaves nothing open, so that a runner ends by itself', () => {
    const program = `
      import { startCluster } from ${JSON.stringify(CLUSTER)};
      for (const options of [{}, { virtualTime: true, zookeeperPort: 0 }]) {
        const cluster = await startCluster({ ...options, topics: ['t'] });
        await cluster.produce('t', ['x']);
        await cluster.kill(1);
        cluster.pause(2);
        await cluster.close();
      }
      console.log(JSON.stringify(process.getActiveResourcesInfo().filter((name) => !/TTY|Pipe/.test(name))));
    `;
    const output = execFileSync(process.execPath, ['--input-type=module', '-e', program], {
      encoding: 'utf8',
    });
    expect(JSON.parse(output)).toEqual([]);
  });

  it('by kill -9 leaves no directory', async () => {
    const program = `
      import { startCluster } from ${JSON.stringify(CLUSTER)};
      const cluster = await startCluster({ brokers: 1 });
      console.log(cluster.brokers[0].inside.logs.directories()[0].path);
      setInterval(() => {}, 1000);
    `;
    const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [directory] = (await once(createInterface(child.stdout), 'line')) as [string];
    expect(existsSync(directory)).toBe(true);
    child.kill('SIGKILL');
    await expect.poll(() => existsSync(join(directory, '..'))).toBe(false);
  });
});
