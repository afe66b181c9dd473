/**
 * Whole systems from nothing, the coordination service included: what a user of either starts who
 * changes nothing, and Odradek's three brokers with the embedded server in one process.
 */
import { join } from 'node:path';
import type { LoneCase, Values } from '../case.ts';
import { firstAcknowledgedMs } from '../systems/cluster-start.ts';
import { residentMib } from '../systems/process-facts.ts';
import { freePortRange, SESSION_TIMEOUT_MS } from '../systems/systems.ts';
import { pause, until, Wire } from '../systems/wire.ts';
import { endedByItself, endProcess, lastLines } from '../workplace.ts';
import { group, lower } from './traffic.ts';

const SETTLE_MS = 1500;
const START_LIMIT_MS = 30_000;
const STOP_LIMIT_MS = 10_000;
const POLL_MS = 5;

/** First the service, then the brokers once it answers, as the manuals of both say. */
export function wholeCase(brokers: number): LoneCase {
  return {
    name: `whole-${brokers}`,
    title: `from nothing to the first acknowledged produce: Odradek with its embedded server, Kafka with Debian's ZooKeeper as shipped, ${group(brokers)}`,
    group: 'from nothing',
    brokers,
    needs: null,
    metrics: {
      coordination: lower('coordination', 'ms'),
      firstAcknowledged: lower('first ack', 'ms'),
      idle: lower('RSS of all', 'MiB'),
    },
    async alone({ system, workplace }): Promise<Values> {
      const basePort = await freePortRange(brokers);
      const directory = workplace.folder('cluster');
      const wire = new Wire(Array.from({ length: brokers }, (_, index) => basePort + index));
      const beginMs = performance.now();
      const zookeeper = await system.startCoordination();
      try {
        const coordination = performance.now() - beginMs;
        const settings = { brokers, basePort, directory, sessionTimeoutMs: SESSION_TIMEOUT_MS };
        const cluster = system.launch({
          ...settings,
          ...{ zookeeper: zookeeper.connect, properties: {}, second: null },
        });
        try {
          const broken = Promise.race([cluster.broken, zookeeper.broken]);
          const firstAcknowledged = (await firstAcknowledgedMs(wire, broken)) - beginMs;
          await pause(SETTLE_MS);
          const idle = residentMib([...cluster.pids(), zookeeper.pid]);
          return { coordination, firstAcknowledged, idle };
        } finally {
          wire.close();
          await cluster.stop();
        }
      } finally {
        await zookeeper.stop();
      }
    },
  };
}

interface Ready {
  readonly bootstrapServers: string;
  readonly callMs: number;
}

/** Through the test kit, as a user's own tests start it. */
export function inProcessCase(): LoneCase {
  const brokers = 3;
  return {
    name: 'in-process',
    title: 'three brokers and the embedded server in one process, which Kafka has nothing of',
    group: 'in process',
    brokers,
    needs: null,
    metrics: {
      ready: lower('process start to ready', 'ms'),
      call: lower('call to ready', 'ms'),
      firstAcknowledged: lower('first ack', 'ms'),
      idle: lower('idle RSS', 'MiB'),
    },
    async alone({ system, workplace }): Promise<Values | null> {
      if (system.checkout === null) return null;
      const home = workplace.folder('cluster');
      const output = join(home, 'output');
      const program = join(import.meta.dirname, 'in-process-cluster.ts');
      const beginMs = performance.now();
      const child = workplace.start([process.execPath, program, system.checkout, home], output);
      const broken = endedByItself(child, { name: 'in-process cluster', logFile: output, told: () => false });
      const said = until(
        START_LIMIT_MS,
        'the cluster in one process',
        () => Promise.resolve(lastLines(output, 1).startsWith('{')),
        POLL_MS,
      );
      const failed = await Promise.race([said.then(() => null), broken]);
      if (failed !== null) throw failed;
      const ready = performance.now() - beginMs;
      const { bootstrapServers, callMs: call } = JSON.parse(lastLines(output, 1)) as Ready;
      const wire = new Wire(bootstrapServers.split(',').map((each) => Number(each.split(':')[1])));
      try {
        const firstAcknowledged = (await firstAcknowledgedMs(wire, broken)) - beginMs;
        await pause(SETTLE_MS);
        return { ready, call, firstAcknowledged, idle: residentMib([child.pid ?? -1]) };
      } finally {
        wire.close();
        await endProcess(child, STOP_LIMIT_MS);
      }
    },
  };
}
