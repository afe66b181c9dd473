/**
 * Whole clusters in virtual time, one a seed, on as many threads as are asked for. A seed that fails is
 * printed with what is broken and the command that replays it, fault for fault.
 */
import { availableParallelism } from 'node:os';
import { parentPort, Worker } from 'node:worker_threads';
import { kafkaFailoverCosts } from '../test/simulation/failover-by-design.ts';
import { costTable, failoverCosts } from '../test/simulation/failover-cost.ts';
import { simulate, type Verdict } from '../test/simulation/simulate.ts';
import { type Arguments, type CommandSpec, UsageError } from './cli/arguments.ts';
import { runCommand } from './cli/run.ts';

/** What a thread tells of a run; traces are made again by a replay. */
type Told = Omit<Verdict, 'trace'>;

/** What a thread is asked for. */
type RunAsked = Parameters<typeof simulate>[0];

const YOUNG_GENERATION_MB = 64;
const PROGRESS_EVERY_MS = process.stderr.isTTY ? 1000 : 30_000;

const simulation: CommandSpec = {
  name: 'simulate',
  summary: 'Runs whole clusters in virtual time, with faults from a seed, and checks them after every event.',
  options: [
    { name: 'seeds', value: 'N', kind: 'integer', min: 1, help: 'how many runs', fallback: '200' },
    { name: 'from', value: 'SEED', kind: 'integer', min: 0, help: 'the first seed', fallback: '1' },
    {
      name: 'part',
      value: 'K/N',
      help: 'of these seeds every Nth, from the Kth on, so that N processes share them',
      fallback: '1/1',
    },
    { name: 'seed', value: 'SEED', kind: 'integer', min: 0, help: 'replay this one and print its trace' },
    {
      name: 'transactions',
      help: 'with applications that write in transactions; takes about twice as long',
    },
    { name: 'compaction', help: 'with logs that are compacted all the time' },
    { name: 'unclean', help: 'with a topic whose leaders may be elected uncleanly' },
    { name: 'bit-rot', help: 'with bits that turn over in what brokers have stored' },
    { name: 'log', help: 'with --seed: what the brokers say as well' },
    {
      name: 'failover-cost',
      help: 'instead: what failovers cost in requests to ZooKeeper and bytes to brokers, here and in Kafka',
    },
    {
      name: 'brokers',
      value: 'N',
      kind: 'integer',
      min: 3,
      max: 1000,
      help: 'with --failover-cost',
      fallback: '50',
      with: ['failover-cost'],
    },
    {
      name: 'partitions',
      value: 'N',
      kind: 'integer',
      min: 1,
      max: 1_000_000,
      help: 'with --failover-cost; three replicas each',
      fallback: '100000',
      with: ['failover-cost'],
    },
    {
      name: 'threads',
      value: 'N',
      kind: 'integer',
      min: 1,
      help: 'runs at the same time',
      fallback: String(availableParallelism()),
    },
  ],
  run(given) {
    if (given.flag('failover-cost')) return showFailoverCosts(given);
    return given.integer('seed') === null ? runMany(given) : replay(given);
  },
};

/** What runs have besides, each a flag. */
const EXTRAS = ['transactions', 'compaction', 'unclean', 'bit-rot'] as const;
type Extra = (typeof EXTRAS)[number];

function extrasOf(given: Arguments): readonly Extra[] {
  return EXTRAS.filter((name) => given.flag(name));
}

function runOf(seed: number, extras: readonly Extra[]): RunAsked {
  const options = extras.map((name) => [name === 'bit-rot' ? 'bitRot' : name, true]);
  return { seed, ...Object.fromEntries(options) };
}

async function replay(given: Arguments): Promise<number> {
  const seed = given.needInteger('seed');
  const lines: { readonly atMs: number; readonly text: string }[] = [];
  const add = (text: string): number => lines.push({ atMs: Number.parseFloat(text), text });
  const verdict = await simulate({
    ...runOf(seed, extrasOf(given)),
    ...(given.flag('log') ? { write: add } : {}),
  });
  for (const line of verdict.trace) add(line);
  // Both are in the order of time; at one time the brokers' lines come first.
  for (const { text } of lines.sort((one, other) => one.atMs - other.atMs)) say(text);
  say(summaryOf(verdict));
  say(`digest ${verdict.digest}`);
  return verdict.broken.length === 0 ? 0 : 1;
}

async function runMany(given: Arguments): Promise<number> {
  const seeds = seedsOf(given);
  const extras = extrasOf(given);
  const startedMs = performance.now();
  const done: Told[] = [];
  const failed = (): number => done.filter(({ broken }) => broken.length > 0).length;
  const perSecond = (): string => (done.length / ((performance.now() - startedMs) / 1000)).toFixed(1);
  const progress = setInterval(() => {
    process.stderr.write(
      `${done.length} of ${seeds.length} seeds, ${failed()} failed, ${perSecond()} a second\n`,
    );
  }, PROGRESS_EVERY_MS);
  const waiting = seeds.values();
  const nextRun = (): RunAsked | null => {
    const { value: seed, done: none } = waiting.next();
    return none ? null : runOf(seed, extras);
  };
  const take = (verdict: Told): void => {
    done.push(verdict);
    if (verdict.broken.length > 0) report(verdict, extras);
  };
  const threads = Math.min(given.needInteger('threads'), seeds.length);
  await Promise.all(Array.from({ length: threads }, () => runThread(nextRun, take)));
  clearInterval(progress);
  const total = (pick: (verdict: Told) => number): number => done.reduce((sum, one) => sum + pick(one), 0);
  say(
    `${seeds.length} seeds from ${given.needInteger('from')}: ${failed()} failed. ${total(({ faults }) => faults)} faults, ` +
      `${total(({ events }) => events)} events, ${total(({ acknowledged }) => acknowledged)} acknowledgements, ` +
      `${total(({ transactions }) => transactions)} transactions, ${total(({ processed }) => processed)} records processed once, ` +
      `${total(({ uncleanElections }) => uncleanElections)} unclean elections, ` +
      `${total(({ struck }) => struck.length)} bits turned over and ${total(({ noticed }) => noticed)} damaged answers, ` +
      `${(total(({ virtualMs }) => virtualMs) / 60_000).toFixed(0)} virtual minutes, ${perSecond()} seeds a second.`,
  );
  return failed() === 0 ? 0 : 1;
}

function seedsOf(given: Arguments): readonly number[] {
  const part = given.needText('part');
  const [, k = 0, n = 0] = (/^(\d{1,6})\/(\d{1,6})$/.exec(part) ?? []).map(Number);
  if (k < 1 || k > n) throw new UsageError(`--part: '${part}' is not K/N with K from 1 to N`);
  const from = given.needInteger('from');
  const all = Array.from({ length: given.needInteger('seeds') }, (_, index) => from + index);
  return all.filter((_, index) => index % n === k - 1);
}

/** One thread that runs a seed after the other. */
function runThread(nextRun: () => RunAsked | null, take: (verdict: Told) => void): Promise<void> {
  // Room for what lives shortly: a third of the time would go into collecting it otherwise.
  const resourceLimits = { maxYoungGenerationSizeMb: YOUNG_GENERATION_MB };
  const worker = new Worker(new URL(import.meta.url), { resourceLimits });
  return new Promise((resolve, reject) => {
    const give = (): void => {
      const run = nextRun();
      if (run === null) void worker.terminate().then(() => resolve());
      else worker.postMessage(run);
    };
    worker.on('message', (verdict: Told) => {
      take(verdict);
      give();
    });
    worker.on('error', reject);
    give();
  });
}

async function showFailoverCosts(given: Arguments): Promise<number> {
  const shape = { brokers: given.needInteger('brokers'), partitions: given.needInteger('partitions') };
  const measured = await failoverCosts(shape);
  say(costTable(measured, kafkaFailoverCosts(shape)));
  const { maxRSS, userCPUTime, systemCPUTime } = process.resourceUsage();
  say(
    `${Math.round(maxRSS / 1024)} MiB and ${Math.round((userCPUTime + systemCPUTime) / 1e6)} s of CPU time.`,
  );
  return 0;
}

function report(verdict: Told, extras: readonly string[]): void {
  say(summaryOf(verdict));
  say(
    `  replay: scripts/simulate ${['', ...extras].map((name) => name && `--${name} `).join('')}--seed ${verdict.seed}`,
  );
}

function summaryOf({ seed, broken, events, faults, acknowledged, consumed }: Told): string {
  const how = broken.length === 0 ? 'good' : 'BROKEN';
  const counts = `${faults} faults, ${events} events, ${acknowledged} acknowledgements, ${consumed} records read`;
  return [`seed ${seed} is ${how}: ${counts}`, ...broken.map((what) => `  ${what}`)].join('\n');
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

if (parentPort === null) await runCommand(simulation, './scripts/simulate', process.argv.slice(2));
else {
  const port = parentPort;
  port.on('message', async (run: RunAsked) => {
    const { trace: _, ...told } = await simulate(run);
    port.postMessage(told);
  });
}
