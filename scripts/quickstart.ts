/**
 * The main job in one command: a cluster of real processes, a topic, a steady load, the controller
 * killed in the middle, who took over and how long each phase took, and the proof that every
 * acknowledged record is there once and in order. Then the cluster stays up for the user's own clients.
 */
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Arguments, type CommandSpec, UsageError } from './cli/arguments.ts';
import { runCommand } from './cli/run.ts';
import { clusterOptionSpecs, clusterOptions, untilInterrupted } from './cluster/cluster-options.ts';
import { LocalCluster } from './cluster/local-cluster.ts';
import { Load } from './tour/load.ts';
import { type Handover, Witness } from './tour/witness.ts';

const PARTITIONS = 6;
const WARM_UP_MS = 1000;
const AFTERMATH_MS = 1000;
const VERIFY_TIMEOUT_MS = 60_000;
/** As a shell reports SIGINT. */
const INTERRUPTED_STATUS = 130;

const quickstart: CommandSpec = {
  name: 'quickstart',
  summary: 'Starts ZooKeeper and three brokers, shows a controller failover under load, and stays up.',
  options: [
    ...clusterOptionSpecs,
    { name: 'exit', help: 'end after the tour; exit status 0 only if its check held' },
  ],
  run,
};

async function run(given: Arguments): Promise<number> {
  const kept = given.text('data-dir');
  if (kept !== null && existsSync(kept) && !statSync(kept).isDirectory())
    throw new UsageError(`--data-dir ${kept} is not a directory`);
  const options = await clusterOptions(given);
  const directory = kept ?? mkdtempSync(join(tmpdir(), 'odradek-'));
  let cluster: LocalCluster | null = null;
  const interrupted = untilInterrupted().then(() => null);
  let held: boolean | null = null;
  const show = async (): Promise<void> => {
    const startedMs = performance.now();
    const where = options.zookeeper === null ? 'with an embedded ZooKeeper' : `on ${options.zookeeper}`;
    say(`starting ${options.brokers} brokers ${where} in ${directory}`);
    const started = await LocalCluster.start(
      { ...options, directory, progress: (line) => say(`  ${line}`) },
      (made) => {
        cluster = made;
      },
    );
    say(`ready in ${took(startedMs)}`);
    say(`bootstrap.servers=${started.bootstrapServers}`);
    held = await tour(started, options.brokers);
    if (!given.flag('exit')) {
      say(`\nThe cluster stays up: point any Kafka client at ${started.bootstrapServers}. Ctrl-C ends it.`);
      await interrupted;
    }
  };
  try {
    await Promise.race([show(), interrupted]);
    // Interrupted in the middle: nothing was proved.
    return held === null ? INTERRUPTED_STATUS : held ? 0 : 1;
  } finally {
    await end(cluster, kept === null ? directory : null);
  }
}

/** Ends the processes; a directory that nobody asked for goes with them. */
async function end(cluster: LocalCluster | null, temporary: string | null): Promise<void> {
  if (temporary === null) return cluster?.close();
  await cluster?.abandon();
  rmSync(temporary, { recursive: true, force: true });
}

/** True when every acknowledged record was read exactly once and in order. */
async function tour(cluster: LocalCluster, brokers: number): Promise<boolean> {
  const replicationFactor = Math.min(3, brokers);
  const load = new Load({
    bootstrapServers: cluster.bootstrapServers,
    topic: `tour-${Date.now()}`,
    partitions: PARTITIONS,
  });
  const witness = await Witness.open(cluster.zookeeperConnect);
  try {
    await load.createTopic(replicationFactor);
    say(`\ntopic ${load.topic}: ${PARTITIONS} partitions, ${replicationFactor} replicas`);
    await load.start();
    await pause(WARM_UP_MS);
    say(`producing with acks=all: ${load.total} records acknowledged so far`);
    if (brokers > 1) await killController(cluster, load, witness);
    await pause(AFTERMATH_MS);
    await load.stop();
    say(`reading ${load.total} acknowledged records back`);
    const problem = await load.verify(VERIFY_TIMEOUT_MS);
    say(
      problem === null
        ? 'every acknowledged record was read exactly once and in order'
        : `CHECK FAILED: ${problem}`,
    );
    return problem === null;
  } finally {
    await witness.close();
  }
}

async function killController(cluster: LocalCluster, load: Load, witness: Witness): Promise<void> {
  const victim = await witness.controllerId();
  if (victim === null) throw new Error('the cluster has no controller');
  const led = new Set(await load.ledBy(victim));
  const { sessionTimeoutMs } = cluster.options;
  say(
    `\nkill -9 of broker ${victim}, the controller and leader of ${led.size} of the ${PARTITIONS} partitions`,
  );
  say(
    `(its ZooKeeper session lives on for up to ${sessionTimeoutMs} ms; nobody can take over before it ends)`,
  );
  const killedMs = performance.now();
  const handover = witness.handover(victim, sessionTimeoutMs + 30_000);
  await cluster.broker(victim).child.kill();
  const recovered = load.nextAcknowledgement((ack) => led.has(ack.partition) && ack.atMs > killedMs);
  const taken = await handover;
  const first = led.size > 0 ? await recovered : null;
  report(cluster, taken, killedMs, first === null ? null : first.atMs);
  await cluster.restart(victim);
  say(`broker ${victim} is back`);
}

function report(cluster: LocalCluster, taken: Handover, killedMs: number, firstAckMs: number | null): void {
  const log = readFileSync(join(cluster.broker(taken.controllerId).directory, 'server.log'), 'utf8');
  const line = log.split('\n').findLast((each) => each.includes(' elected at epoch ')) ?? '';
  const phases = [...line.matchAll(/(?:[:,] )([a-z ]+?) ([\d.]+) ms/g)].map(
    ([, name, ms]) => [name ?? '', Number(ms)] as const,
  );
  say(`broker ${taken.controllerId} is the new controller`);
  say(row('session expiry', taken.goneAtMs - killedMs));
  for (const [name, ms] of phases) say(row(name, ms));
  if (firstAckMs !== null) {
    say(
      row(
        'first acknowledged produce',
        firstAckMs - taken.goneAtMs,
        'after the expiry, on a partition that the dead broker led',
      ),
    );
    say(row('in all', firstAckMs - killedMs, 'from the kill to that acknowledgement'));
  }
}

function row(name: string, ms: number, note = ''): string {
  return `  ${name.padEnd(28)}${ms.toFixed(0).padStart(6)} ms${note === '' ? '' : `   ${note}`}`;
}

function say(line: string): void {
  console.log(line);
}

function took(sinceMs: number): string {
  return `${((performance.now() - sinceMs) / 1000).toFixed(2)} s`;
}

function pause(delayMs: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, delayMs));
}

await runCommand(quickstart, './scripts/quickstart', process.argv.slice(2));
