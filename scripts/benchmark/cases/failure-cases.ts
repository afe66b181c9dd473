/**
 * Cases about failures with many partitions: the controller is killed, or a broker that starts again
 * without having been stopped. What counts is when every partition concerned acknowledges a record again.
 */
import type { Stage, StagedCase } from '../case.ts';
import { byLeader, pause, until } from '../systems/wire.ts';
import { lower } from './traffic.ts';

/** Short, for it is waited for and then taken off. */
const SESSION_TIMEOUT_MS = 6000;
const RECOVERY_LIMIT_MS = 120_000;
const POLL_MS = 50;

export function failureCases(): StagedCase[] {
  return [
    failover(1000),
    { ...failover(10_000), onRequest: true },
    restart(1000),
    { ...restart(10_000), onRequest: true },
  ];
}

/** SIGKILL of the controller until all that it led has new leaders that acknowledge with acks=all. */
function failover(partitions: number): StagedCase {
  return {
    name: `failover-${short(partitions)}`,
    title: `controller killed, ${partitions} partitions: until all it led acknowledge, minus session timeout`,
    group: `failover ${short(partitions)}`,
    brokers: 3,
    needs: null,
    sessionTimeoutMs: SESSION_TIMEOUT_MS,
    metrics: {
      create: lower('topic creation', 'ms'),
      recovery: lower('recovery', 'ms'),
      cpu: lower('CPU of survivors', 's'),
    },
    async run(stage) {
      const topic = 'failover';
      const create = await makeTopic(stage, topic, partitions, 3);
      const metadata = await stage.wire.metadata([topic]);
      const led = new Set(byLeader(metadata).get(metadata.controllerId) ?? []);
      const count = led.size;
      const others = stage.cluster.pids().length - 1;
      const killedMs = performance.now();
      await stage.cluster.kill(metadata.controllerId);
      const cpuBefore = stage.brokerCpuSeconds();
      await pause(SESSION_TIMEOUT_MS / 2);
      await allAcknowledge(stage, topic, led);
      const recovery = performance.now() - killedMs - SESSION_TIMEOUT_MS;
      stage.progress(`  ${count} partitions were led by the controller, ${others} brokers are left`);
      return { create, recovery, cpu: stage.brokerCpuSeconds() - cpuBefore };
    },
  };
}

/** From the start of the process, with its old session expired, until all partitions acknowledge. */
function restart(partitions: number): StagedCase {
  return {
    name: `restart-${short(partitions)}`,
    title: `start after kill -9 with ${partitions} partitions on one broker, until all acknowledge`,
    group: `restart ${short(partitions)}`,
    brokers: 1,
    needs: null,
    sessionTimeoutMs: SESSION_TIMEOUT_MS,
    metrics: { create: lower('topic creation', 'ms'), recovery: lower('recovery', 'ms') },
    async run(stage) {
      const topic = 'restart';
      const create = await makeTopic(stage, topic, partitions, 1);
      const all = new Set(Array.from({ length: partitions }, (_, index) => index));
      await allAcknowledge(stage, topic, new Set(all));
      await stage.cluster.kill(1);
      await pause(SESSION_TIMEOUT_MS * 1.5);
      const startMs = performance.now();
      stage.cluster.restart(1);
      await allAcknowledge(stage, topic, all);
      return { create, recovery: performance.now() - startMs };
    },
  };
}

async function makeTopic(
  stage: Stage,
  name: string,
  partitions: number,
  replicationFactor: number,
): Promise<number> {
  const startMs = performance.now();
  await stage.wire.createTopic({ name, partitions, replicationFactor });
  return performance.now() - startMs;
}

/** Each is asked until it has acknowledged one record. */
function allAcknowledge(stage: Stage, topic: string, left: Set<number>): Promise<void> {
  return until(
    RECOVERY_LIMIT_MS,
    `all partitions of ${topic} to acknowledge`,
    async () => {
      for (const partition of await stage.wire.acknowledged(topic, left)) left.delete(partition);
      return left.size === 0;
    },
    POLL_MS,
  );
}

function short(partitions: number): string {
  return `${partitions / 1000}k`;
}
