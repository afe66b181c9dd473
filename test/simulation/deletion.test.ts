/** A topic is deleted while a broker that holds a replica of it is dead, on whole clusters. */
import { describe, expect, it } from 'vitest';
import { ErrorCode } from '../../broker/errors.ts';
import { CreateTopics } from '../../broker/protocol/messages/19-create-topics.ts';
import { DeleteTopics } from '../../broker/protocol/messages/20-delete-topics.ts';
import type { ClusterClient } from './cluster-client.ts';
import { observeTree } from './observation.ts';
import { CLIENT_PORT, SimulatedCluster } from './simulated-cluster.ts';
import { newClient } from './workload.ts';

const TOPIC = 'orders';
const TIMEOUT_MS = 5000;
const SETTLED_MS = 4000;

interface Scene {
  readonly cluster: SimulatedCluster;
  readonly client: ClusterClient;
  readonly controllerId: number;
  readonly deadId: number;
}

/** Three brokers with a topic on all of them; one that is not the controller dies. */
async function oneDead(seed: number): Promise<Scene> {
  const cluster = new SimulatedCluster({ seed, brokers: 3 });
  for (const { id } of cluster.machines) cluster.start(id);
  const running = (): boolean => cluster.machines.every(({ status }) => status === 'running');
  await cluster.clock.runUntilTrue(running, 30_000);
  await cluster.clock.runFor(1000);
  const controllerId = observeTree(cluster.tree).controllerId ?? 0;
  const deadId = (controllerId % 3) + 1;
  const scene = {
    cluster,
    client: newClient(cluster, cluster.clock, 'operator', 10_000),
    controllerId,
    deadId,
  };
  expect(await create(scene, controllerId)).toMatchObject({ errorCode: ErrorCode.NONE });
  await cluster.clock.runFor(500);
  cluster.crash(deadId, 'all');
  await cluster.clock.runFor(SETTLED_MS);
  return scene;
}

function at({ cluster }: Scene, id: number) {
  return { host: cluster.machine(id).host, port: CLIENT_PORT };
}

async function create(scene: Scene, controllerId: number, replicationFactor = 3) {
  const topic = { name: TOPIC, numPartitions: 2, replicationFactor, assignments: [], configs: [] };
  const request = { topics: [topic], timeoutMs: TIMEOUT_MS, validateOnly: false };
  const asked = scene.client.ask(at(scene, controllerId), CreateTopics, request);
  const { topics } = await scene.cluster.clock.runUntilSettled(asked, 20_000);
  return topics[0];
}

async function remove(scene: Scene): Promise<number | undefined> {
  const request = { topics: [{ name: TOPIC }], timeoutMs: TIMEOUT_MS };
  const asked = scene.client.ask(at(scene, scene.controllerId), DeleteTopics, request);
  return (await scene.cluster.clock.runUntilSettled(asked, 20_000)).responses[0]?.errorCode;
}

function knownTo({ cluster }: Scene): number[] {
  return cluster.machines
    .filter(({ broker }) => broker?.inside.metadata.topic(TOPIC) !== undefined)
    .map(({ id }) => id);
}

/** Brokers that have a log of the topic open. */
function heldBy({ cluster }: Scene): number[] {
  return cluster.machines
    .filter(({ broker }) => broker?.inside.logs.log(TOPIC, 0) !== undefined)
    .map(({ id }) => id);
}

const isGone = ({ cluster }: Scene): boolean => cluster.tree.read(`/brokers/topics/${TOPIC}`) === null;

describe('the deletion of a topic of which a replica is on a dead broker', () => {
  it('is answered at once; nobody who lives knows or holds the topic, but its name stays taken', async () => {
    const scene = await oneDead(1);
    const askedMs = scene.cluster.clock.nowMs();
    expect(await remove(scene)).toBe(ErrorCode.NONE);
    expect(scene.cluster.clock.nowMs() - askedMs).toBeLessThan(TIMEOUT_MS / 5);
    await scene.cluster.clock.runFor(1000);
    expect(knownTo(scene)).toEqual([]);
    expect(heldBy(scene)).toEqual([]);
    expect(isGone(scene)).toBe(false);
    // Of as many replicas as there are living brokers, for that is looked at before the name.
    expect(await create(scene, scene.controllerId, 2)).toMatchObject({
      errorCode: ErrorCode.TOPIC_ALREADY_EXISTS,
      errorMessage: `Topic '${TOPIC}' is marked for deletion.`,
    });
  });

  it('ends when the broker returns, after which the name is free', async () => {
    const scene = await oneDead(2);
    expect(await remove(scene)).toBe(ErrorCode.NONE);
    scene.cluster.start(scene.deadId);
    await scene.cluster.clock.runUntilTrue(() => isGone(scene), 20_000);
    await scene.cluster.clock.runFor(500);
    expect(heldBy(scene)).toEqual([]);
    expect(knownTo(scene)).toEqual([]);
    expect(await create(scene, scene.controllerId)).toMatchObject({ errorCode: ErrorCode.NONE });
  });

  it('survives the death of the controller, before and after it has told anybody', async () => {
    for (const [seed, toldForMs] of [0, 2, 5, 50, 500].entries()) {
      const scene = await oneDead(seed + 3);
      const { cluster } = scene;
      void remove(scene).catch(() => {});
      await cluster.clock.runUntilTrue(
        () => cluster.tree.read(`/admin/delete_topics/${TOPIC}`) !== null,
        20_000,
      );
      await cluster.clock.runFor(toldForMs);
      cluster.crash(scene.controllerId, 'all');
      await cluster.clock.runFor(SETTLED_MS);
      expect(knownTo(scene)).toEqual([]);
      expect(heldBy(scene)).toEqual([]);
      cluster.start(scene.deadId);
      await cluster.clock.runFor(SETTLED_MS);
      expect(isGone(scene)).toBe(false);
      cluster.start(scene.controllerId);
      await cluster.clock.runUntilTrue(() => isGone(scene), 20_000);
      await cluster.clock.runFor(500);
      expect(heldBy(scene)).toEqual([]);
    }
  });
});
