/**
 * What a test cluster costs on this machine: `node test/kit/measure.ts [ROUNDS]` prints medians. Wall time
 * is what a test waits; CPU time is what is comparable where others use the machine as well.
 */
import { type KitCluster, startCluster } from './cluster.ts';

interface Reading {
  readonly wallMs: number;
  readonly cpuMs: number;
}

const ROUNDS = Number(process.argv[2] ?? 20);
const readings = new Map<string, Reading[]>();

async function measured<T>(what: string, act: () => Promise<T>): Promise<T> {
  const [startedMs, startedCpu] = [performance.now(), process.cpuUsage()];
  const result = await act();
  const { user, system } = process.cpuUsage(startedCpu);
  const own = readings.get(what) ?? [];
  readings.set(what, [...own, { wallMs: performance.now() - startedMs, cpuMs: (user + system) / 1000 }]);
  return result;
}

/** Three partitions of three replicas, with records, and a group. */
async function use(cluster: KitCluster): Promise<void> {
  await cluster.createTopics({ name: 't', partitions: 3 });
  await cluster.produce('t', ['one', 'two', 'three']);
  await cluster.awaitGroup('g', 'Dead');
}

for (let round = 0; round < ROUNDS; round++) {
  const cluster = await measured('start, 3 brokers', () => startCluster());
  await use(cluster);
  await measured('reset, 8 partitions', () => cluster.reset());
  await use(cluster);
  const picture = await measured('snapshot, 8 partitions', () => cluster.snapshot());
  await measured('restore', () => cluster.restore(picture));
  await measured('stop and start a broker', async () => {
    await cluster.stop(1);
    await cluster.start(1);
  });
  await measured('close', () => cluster.close());
  const users = { alice: 'secret' };
  const secured = await measured('start, 3 brokers, with users, rules and TLS', () =>
    startCluster({ security: { users, acls: [] } }),
  );
  await secured.close();
}

const median = (values: number[]): string =>
  (values.sort((a, b) => a - b)[values.length >> 1] ?? 0).toFixed(0);
for (const [what, own] of readings) {
  const [wall, cpu] = [median(own.map(({ wallMs }) => wallMs)), median(own.map(({ cpuMs }) => cpuMs))];
  process.stdout.write(`${what}: ${wall} ms (CPU ${cpu} ms)\n`);
}
process.stdout.write(
  `memory (RSS) after ${ROUNDS} clusters: ${(process.memoryUsage().rss / 2 ** 20).toFixed(0)} MiB\n`,
);
