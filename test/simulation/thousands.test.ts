/** Thousands of topics in one request, on whole clusters: every one of them gets its leaders, whatever breaks. */
import { describe, expect, it } from 'vitest';
import { ErrorCode } from '../../broker/errors.ts';
import { CreateTopics } from '../../broker/protocol/messages/19-create-topics.ts';
import { observeTree } from './observation.ts';
import { CLIENT_PORT, SimulatedCluster } from './simulated-cluster.ts';
import { newClient } from './workload.ts';

/** More than the controller has under way at once. */
const TOPICS = 1200;
const REPLICAS = 1;
const NAMES = Array.from({ length: TOPICS }, (_, index) => `topic-${index}`);
const LIMIT_MS = 120_000;
/** After the first topic is there, and before the last one has a leader. */
const IN_THE_MIDDLE_MS = 3;

type Trouble = (cluster: SimulatedCluster, controllerId: number) => void;

/** What happens to the cluster at some moment while the topics are made. */
const TROUBLES: Record<string, Trouble> = {
  'the controller is killed': (cluster, id) => {
    cluster.crash(id, 'all');
    cluster.clock.after(3000, () => cluster.start(id));
  },
  'the controller does not hear whether a commit is applied': (cluster, id) =>
    cluster.session(id, (source, session) => source.dropNextAnswer(session)),
  'a commit of the controller is lost': (cluster, id) =>
    cluster.session(id, (source, session) => source.dropNextRequest(session)),
};

async function running(seed: number): Promise<SimulatedCluster> {
  const cluster = new SimulatedCluster({ seed, brokers: 3, properties: { 'min.insync.replicas': '1' } });
  for (const { id } of cluster.machines) cluster.start(id);
  const all = (): boolean => cluster.machines.every(({ status }) => status === 'running');
  await cluster.clock.runUntilTrue(all, 30_000);
  await cluster.clock.runUntilTrue(() => observeTree(cluster.tree).controllerId !== null, 30_000);
  await cluster.clock.runFor(1000);
  return cluster;
}

function create(cluster: SimulatedCluster, controllerId: number): Promise<{ errorCode: number }[]> {
  const client = newClient(cluster, cluster.clock, 'operator', 60_000);
  const shape = { numPartitions: 1, replicationFactor: REPLICAS, assignments: [], configs: [] };
  const { host } = cluster.machine(controllerId);
  return client
    .ask({ host, port: CLIENT_PORT }, CreateTopics, {
      topics: NAMES.map((name) => ({ name, ...shape })),
      timeoutMs: 50_000,
      validateOnly: false,
    })
    .then(({ topics }) => [...topics]);
}

/** Of the topics that are there: those of which some broker does not know a leader. */
function leaderless(cluster: SimulatedCluster): string[] {
  const made = NAMES.filter((name) => cluster.tree.read(`/brokers/topics/${name}`) !== null);
  return made.filter((name) =>
    cluster.machines.some(({ broker }) => {
      const leader = broker?.inside.metadata.topic(name)?.partitions.get(0)?.leader ?? -1;
      return leader < 0;
    }),
  );
}

describe('thousands of topics in one request', () => {
  for (const [seed, [name, trouble]] of Object.entries(TROUBLES).entries()) {
    it(`all have leaders in the end when ${name}`, { timeout: LIMIT_MS }, async () => {
      const cluster = await running(seed + 1);
      const { clock } = cluster;
      const controllerId = observeTree(cluster.tree).controllerId ?? 0;
      const answered = create(cluster, controllerId).catch(() => null);
      // In the middle of it: the first states are made.
      await clock.runUntilTrue(() => cluster.tree.children('/brokers/topics/topic-0') !== null, 60_000);
      await clock.runFor(IN_THE_MIDDLE_MS);
      expect(leaderless(cluster)).not.toEqual([]);
      trouble(cluster, controllerId);
      const answer = await clock.runUntilSettled(answered, 60_000);
      const settled = (): boolean =>
        cluster.machines.every(({ status }) => status === 'running') && leaderless(cluster).length === 0;
      for (let waitedMs = 0; waitedMs < 60_000 && !settled(); waitedMs += 1000) await clock.runFor(1000);
      expect(leaderless(cluster).slice(0, 5)).toEqual([]);
      if (name === 'the controller is killed') return;
      expect(answer?.filter(({ errorCode }) => errorCode !== ErrorCode.NONE)).toEqual([]);
      expect(observeTree(cluster.tree).states.length).toBeGreaterThanOrEqual(TOPICS);
    });
  }
});
