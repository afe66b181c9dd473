/**
 * The main job in one command: a cluster of real processes, a topic, a steady load, the controller
 * killed in the middle, who took over and how long each phase took, and the proof that every
 * acknowledged record is there once and in order. Then the cluster stays up for the user's own clients.
 */
import type { FailoverTimeline } from '../broker/platform/cluster-events.ts';
import type { Arguments, CommandSpec } from './cli/arguments.ts';
import { runCommand } from './cli/run.ts';
import { attendCluster, say } from './cluster/attended-cluster.ts';
import { clusterNotes, clusterOptionSpecs } from './cluster/cluster-options.ts';
import type { LocalCluster } from './cluster/local-cluster.ts';
import { Load } from './tour/load.ts';
import { type Handover, Witness } from './tour/witness.ts';

const PARTITIONS = 6;
const WARM_UP_MS = 1000;
const AFTERMATH_MS = 1000;
const VERIFY_TIMEOUT_MS = 60_000;
const FAILOVER_TIMEOUT_MS = 30_000;

const quickstart: CommandSpec = {
  name: 'quickstart',
  summary: 'Starts ZooKeeper and three brokers, shows a controller failover under load, and stays up.',
  options: [
    ...clusterOptionSpecs,
    { name: 'exit', help: 'end after the tour; exit status 0 only if its check held' },
  ],
  notes: clusterNotes,
  outlivesOutput: true,
  run,
};

function run(given: Arguments): Promise<number> {
  return attendCluster(given, {
    starting: (brokers, where) => say(`starting ${brokers} brokers ${where}`),
    async ready({ cluster, startedIn, untilInterrupted }) {
      say(`ready in ${startedIn}`);
      say(`bootstrap.servers=${cluster.bootstrapServers}`);
      const status = (await tour(cluster, cluster.options.brokers)) ? 0 : 1;
      if (given.flag('exit')) return status;
      say(`\nThe cluster stays up: point any Kafka client at ${cluster.bootstrapServers}. Ctrl-C ends it.`);
      await untilInterrupted(status);
      return status;
    },
  });
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
  const lastIds = new Map(cluster.brokers.map(({ id, child }) => [id, child.events.lastId]));
  const killedMs = performance.now();
  const handover = witness.handover(victim, sessionTimeoutMs + 30_000);
  await cluster.broker(victim).child.kill();
  const recovered = load.nextAcknowledgement((ack) => led.has(ack.partition) && ack.atMs > killedMs);
  const taken = await handover;
  const { events } = cluster.broker(taken.controllerId).child;
  const { event: timeline } = await events.first('failover-finished', () => true, {
    afterId: lastIds.get(taken.controllerId) ?? 0,
    timeoutMs: FAILOVER_TIMEOUT_MS,
  });
  const first = led.size > 0 ? await recovered : null;
  report({ taken, timeline, killedMs, firstAckMs: first === null ? null : first.atMs });
  await cluster.restart(victim);
  say(`broker ${victim} is back`);
}

interface Reported {
  readonly taken: Handover;
  readonly timeline: FailoverTimeline;
  readonly killedMs: number;
  /** null: the dead broker led nothing. */
  readonly firstAckMs: number | null;
}

function report({ taken, timeline, killedMs, firstAckMs }: Reported): void {
  say(`broker ${taken.controllerId} is the new controller`);
  say(row('session expiry', taken.goneAtMs - killedMs));
  say(row('election', timeline.electedMs));
  say(row('load', timeline.loadMs));
  say(row('leaders moved', timeline.leadersMovedMs));
  say(row('total', timeline.totalMs));
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

function pause(delayMs: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, delayMs));
}

await runCommand(quickstart, './scripts/quickstart', process.argv.slice(2));
