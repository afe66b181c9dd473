/** What a test cluster can't be, in one line; and that nothing is left of it, however it ends. */
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { describe, expect, it } from 'vitest';
import { freePort } from '../../scripts/cluster/ports.ts';
import { type KitOptions, startCluster } from './cluster.ts';

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
    } finally {
      spawnSync('umount', [directory]);
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
