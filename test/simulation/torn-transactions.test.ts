/**
 * `__transaction_state` torn by a kill in the middle of a write to it, again and again: what the application was told
 * stays true. With one replica the record that was being written is gone, and nobody was told of it; with three the
 * killed broker may have lost any of its last bytes, and gets them from the others.
 */
import { describe, expect, it } from 'vitest';
import { batchSizeBytes, completeBatches } from '../../broker/records/batch.ts';
import { TRANSACTION_STATE_TOPIC } from '../../broker/types.ts';
import { ClusterStore } from '../../coordinator-client/stores/cluster-store.ts';
import { simulatedRandom } from '../support/simulated-random.ts';
import { observeTree, type StateView } from './observation.ts';
import { SimulatedCluster } from './simulated-cluster.ts';
import { SimulatedTransactions } from './simulated-transactions.ts';
import { TransactionHistory } from './transaction-history.ts';
import { newClient } from './workload.ts';

const TOPIC = 'payments';
const TOPIC_ID = 'AAAAAAAAAAAAAAAAAAAAAQ';
const PARTITIONS = 2;
const FOLDER = `/data/${TRANSACTION_STATE_TOPIC}-0`;
const FILE = `${FOLDER}/00000000000000000000.log`;
const AIDS = /\.(index|timeindex|txnindex|snapshot)$|^leader-epoch-checkpoint$/;
/** Of a batch. */
const MAGIC_AT = 16;
const NO_MAGIC = 9;
const ROUNDS = 12;
const LIMIT_MS = 60_000;

const ALONE = {
  'default.replication.factor': '1',
  'min.insync.replicas': '1',
  'offsets.topic.replication.factor': '1',
  'transaction.state.log.replication.factor': '1',
  'transaction.state.log.min.isr': '1',
};

class Scene {
  readonly cluster: SimulatedCluster;
  readonly history = new TransactionHistory();
  readonly transactions: SimulatedTransactions;

  constructor(seed: number, brokers: number, more: Readonly<Record<string, string>> = {}) {
    const properties = { ...(brokers === 1 ? ALONE : {}), ...more };
    this.cluster = new SimulatedCluster({ seed, brokers, properties });
    this.transactions = new SimulatedTransactions({
      client: newClient(this.cluster, this.cluster.clock, 'payer'),
      random: this.cluster.fork(),
      history: this.history,
      topic: TOPIC,
      partitions: PARTITIONS,
    });
  }

  async start(): Promise<void> {
    const { clock, machines } = this.cluster;
    for (const { id } of machines) this.cluster.start(id);
    await clock.runUntilTrue(() => machines.every(({ status }) => status === 'running'), LIMIT_MS);
    const opening = this.cluster.machine(1).source?.open(1000);
    if (opening === undefined) throw new Error('broker 1 is not there');
    const store = new ClusterStore(await clock.runUntilSettled(opening, LIMIT_MS));
    const replicas = machines.map(({ id }) => id);
    const assignment = { replicas, addingReplicas: [], removingReplicas: [] };
    const partitions = new Map(
      Array.from({ length: PARTITIONS }, (_, partition) => [partition, assignment] as const),
    );
    const creating = store.topics.create(TOPIC, { topicId: TOPIC_ID, partitions }, new Map());
    await clock.runUntilSettled(creating, LIMIT_MS);
    this.transactions.start();
    await this.committedMore(3);
  }

  /** Until so many more transactions are committed. */
  async committedMore(count: number): Promise<void> {
    const wanted = this.history.count('committed') + count;
    await this.cluster.clock.runUntilTrue(() => this.history.count('committed') >= wanted, LIMIT_MS);
  }

  state(): StateView {
    const found = observeTree(this.cluster.tree).states.find(
      ({ name }) => name === `${TRANSACTION_STATE_TOPIC}-0`,
    );
    if (found === undefined) throw new Error('there is no coordinator');
    return found;
  }

  bytes(id: number): Buffer {
    return this.cluster.machine(id).disk.readFile(FILE);
  }

  /** Killed in a write to the coordinator's log, and started after `damage`. */
  async tear(id: number, seed: number, damage: () => void = () => {}): Promise<void> {
    const { cluster } = this;
    const machine = cluster.machine(id);
    cluster.crashInWrite(id, simulatedRandom(seed), (path) => path === FILE);
    await cluster.clock.runUntilTrue(() => machine.status === 'down', LIMIT_MS);
    await cluster.clock.runFor(1);
    damage();
    cluster.start(id);
    await cluster.clock.runUntilTrue(() => machine.status === 'running', LIMIT_MS);
  }

  /** What contradicts what the application was told, once nothing is under way. */
  async contradictions(): Promise<readonly string[]> {
    const { clock } = this.cluster;
    this.transactions.stop();
    await clock.runUntilTrue(() => !this.transactions.busy, LIMIT_MS);
    for (;;) {
      const found = await clock.runUntilSettled(this.transactions.found(), LIMIT_MS);
      if (found !== null) return this.history.contradictions(found);
      await clock.runFor(50);
    }
  }
}

describe('the log of the transaction coordinator, torn', { timeout: 600_000 }, () => {
  it.each([1, 2, 3])('with one replica: nothing is lost that was acknowledged (seed %i)', async (seed) => {
    const scene = new Scene(seed, 1);
    await scene.start();
    for (let round = 0; round < ROUNDS; round++) {
      await scene.tear(1, 100 * seed + round, () => {
        if (round % 2 === 0) removeAids(scene, 1);
      });
      await scene.committedMore(1);
    }
    expect(await scene.contradictions()).toEqual([]);
    expect(scene.history.count('committed')).toBeGreaterThan(ROUNDS);
  });

  it.each([1, 2, 3])('with three: what is cut off comes back from the others (seed %i)', async (seed) => {
    const scene = new Scene(seed, 3);
    const { clock } = scene.cluster;
    await scene.start();
    for (let round = 0; round < ROUNDS; round++) {
      const { leader } = scene.state();
      await scene.tear(leader, 100 * seed + round, () => {
        cutSomewhere(scene, leader, 1000 * seed + round);
        if (round % 2 === 0) removeAids(scene, leader);
      });
      await clock.runUntilTrue(() => scene.state().isr.length === 3, LIMIT_MS);
      await scene.committedMore(1);
    }
    expect(await scene.contradictions()).toEqual([]);
    await clock.runFor(2000);
    const [one, ...others] = [1, 2, 3].map((id) => scene.bytes(id));
    for (const other of others) expect(other.equals(one ?? Buffer.alloc(0))).toBe(true);
  });

  it('in a segment of before, which nobody recovers: bytes that are no batch end the load, and it answers', async () => {
    const scene = new Scene(1, 1, { 'transaction.state.log.segment.bytes': '1000' });
    const { clock } = scene.cluster;
    const machine = scene.cluster.machine(1);
    await scene.start();
    await clock.runUntilSettled(scene.cluster.stop(1), LIMIT_MS);
    const segments = machine.disk.list(FOLDER).filter((name) => name.endsWith('.log'));
    expect(segments.length).toBeGreaterThan(1);
    const middle = [...completeBatches(scene.bytes(1))][2] ?? 0;
    const file = machine.disk.open(FILE, 'write');
    file.write(Buffer.from([NO_MAGIC]), 0, 1, middle + MAGIC_AT);
    file.close();
    scene.cluster.start(1);
    await clock.runUntilTrue(() => machine.status === 'running', LIMIT_MS);
    await scene.committedMore(3);
  });
});

/** In one of the last four batches, all of which the others have. */
function cutSomewhere(scene: Scene, id: number, seed: number): void {
  const bytes = scene.bytes(id);
  const random = simulatedRandom(seed);
  const at = [...completeBatches(bytes)].at(-1 - random.int(4)) ?? 0;
  const file = scene.cluster.machine(id).disk.open(FILE, 'write');
  file.truncate(at + random.int(batchSizeBytes(bytes, at)));
  file.close();
}

function removeAids(scene: Scene, id: number): void {
  const { disk } = scene.cluster.machine(id);
  for (const name of disk.list(FOLDER)) if (AIDS.test(name)) disk.remove(`${FOLDER}/${name}`);
}
