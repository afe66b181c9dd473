/**
 * `node test/cluster/loop-table.ts [PATTERN]`: what each piece of heavy work (only those whose names match
 * PATTERN; some need what earlier ones make) means for the event loop of a broker in a process of its own: by the broker's
 * metrics, the processor time of the longest stretches, and how late a timer was. The former says what this
 * broker does, whatever else the machine has to do. At the end, the longest stretch of each API.
 */
import { pause } from '../support/eventually.ts';
import { HEAVY_PROPERTIES, heavyWork } from './heavy-work.ts';
import { SESSION_TIMEOUT_MS, startRealCluster } from './real-cluster.ts';

const [pattern = ''] = process.argv.slice(2);
const NAMES = { processor: 'odradek_event_loop_cpu_seconds', late: 'odradek_event_loop_delay_seconds' };

/** Long enough for that, also on a busy machine. */
const START_MS = 5000;

type Histogram = readonly { readonly le: number; readonly count: number }[];

const real = await startRealCluster({ brokers: 1, embedded: true, properties: HEAVY_PROPERTIES });
const { port, peerPort } = real.cluster.broker(1);

async function look(): Promise<Record<keyof typeof NAMES, Histogram> & { turns: number }> {
  const page = await (await fetch(`http://127.0.0.1:${peerPort}/metrics`)).text();
  const read = (name: string): Histogram =>
    [...page.matchAll(new RegExp(`^${name}_bucket\\{le="([^"]+)"\\} (\\d+)$`, 'gm'))].map(
      ([, le, count]) => ({
        le: le === '+Inf' ? Number.POSITIVE_INFINITY : Number(le),
        count: Number(count),
      }),
    );
  const turns = Number(/^odradek_event_loop_turns (\d+)$/m.exec(page)?.[1]);
  return { processor: read(NAMES.processor), late: read(NAMES.late), turns };
}

/** The bounds in ms of the buckets that p99.9 and the largest lie in, and how many were beyond 20 ms. */
function between(before: Histogram, after: Histogram) {
  const grown = after.map(({ le, count }, index) => ({ le, count: count - (before[index]?.count ?? 0) }));
  const total = grown.at(-1)?.count ?? 0;
  const bound = (count: number) => (grown.find((bucket) => bucket.count >= count)?.le ?? 0) * 1000;
  const short = grown.find(({ le }) => le >= 0.02)?.count ?? 0;
  return { total, beyond: total - short, p999: bound(Math.ceil(total * 0.999)), max: bound(total) };
}

console.log(
  'ms, at most: CPU p99.9 | CPU max | late p99.9 | late max | stretches, of them > 20 ms of CPU | wall s',
);
const longest = new Map<string, { readonly maxMs: number; readonly name: string }>();
let longTurns = 0;
let turns = 0;
await look();
// What starting up has left is collected then (broker/platform/spare-memory.ts): no work of a client means that.
await pause(START_MS);
try {
  for (const { name, run } of heavyWork()) {
    if (!new RegExp(pattern).test(name)) continue;
    await pause(300);
    const before = await look();
    const startedMs = performance.now();
    await run(port);
    const wallS = (performance.now() - startedMs) / 1000;
    await pause(100);
    const after = await look();
    const cpu = between(before.processor, after.processor);
    const late = between(before.late, after.late);
    turns += after.turns - before.turns;
    longTurns += cpu.beyond;
    const [api = name] = name.split(': ');
    if (cpu.max > (longest.get(api)?.maxMs ?? 0)) longest.set(api, { maxMs: cpu.max, name });
    const cells = [cpu.p999, cpu.max, late.p999, late.max].map((each) => String(each).padStart(6)).join(' ');
    console.log(
      `${cells} ${String(cpu.total).padStart(6)} ${String(cpu.beyond).padStart(5)} ${wallS.toFixed(1).padStart(6)}  ${name}`,
    );
  }
  console.log(`of ${turns} turns of the loop ${longTurns} at most took more than 20 ms`);
  for (const [api, { maxMs, name }] of [...longest].sort(([, a], [, b]) => b.maxMs - a.maxMs)) {
    console.log(`${String(maxMs).padStart(6)} ms at most: ${api} (${name})`);
  }
} finally {
  const log = real.logOf(1);
  const count = (what: RegExp) => log.match(what)?.length ?? 0;
  const [suspended, lost] = [
    count(/disconnected from ZooKeeper/g),
    count(/ZooKeeper session \S+ has expired/g),
  ];
  console.log(
    `the ZooKeeper session (timeout ${SESSION_TIMEOUT_MS} ms) was suspended ${suspended} times, lost ${lost} times`,
  );
  await real.close();
}
