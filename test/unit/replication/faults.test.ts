/**
 * Random cuts, crashes, elections and late LeaderAndIsr requests, and what must hold all the while:
 * what was committed once stays, at the same offset, on every later leader; no high watermark falls
 * within an epoch; and when the faults end, all replicas become equal.
 */
import { describe, expect, it } from 'vitest';
import { ErrorCode } from '../../../broker/errors.ts';
import type { Random } from '../../../broker/platform/random.ts';
import { simulatedRandom } from '../../support/simulated-random.ts';
import { ReplicationCluster, type Truth } from './cluster-kit.ts';

const BROKERS = [1, 2, 3];

class Faults {
  readonly cluster: ReplicationCluster;
  readonly random: Random;
  /** By offset. */
  readonly committed: string[] = [];
  readonly acknowledged = new Map<number, string>();
  readonly #highWatermarks = new Map<string, number>();
  readonly #lastDeliveryMs = new Map<number, number>();
  #values = 0;

  constructor(cluster: ReplicationCluster, random: Random) {
    this.cluster = cluster;
    this.random = random;
    cluster.clock.afterStep = () => this.check();
  }

  /** What each leader holds committed agrees with all that was ever seen committed. */
  check(): void {
    for (const [id, node] of this.cluster.nodes) {
      const partition = node.replicas.partition('orders', 0);
      const log = partition?.log;
      if (partition?.isLeader !== true || log === null || log === undefined) continue;
      const key = `${id}/${node.info.epoch}/${partition.leaderEpoch}`;
      const before = this.#highWatermarks.get(key) ?? 0;
      if (log.highWatermark < before) throw new Error(`the high watermark of ${key} fell from ${before}`);
      this.#highWatermarks.set(key, log.highWatermark);
      if (log.highWatermark <= this.committed.length) continue;
      const records = this.cluster.contents(id);
      this.committed.forEach((value, offset) => {
        if (records[offset] !== value) {
          throw new Error(`committed ${value} is ${records[offset]} on leader ${key}`);
        }
      });
      this.committed.push(...records.slice(this.committed.length, log.highWatermark));
    }
  }

  produce(): void {
    const { leader } = this.cluster.truth();
    // Sometimes somebody who is not the leader, or does not yet know that he is not.
    const to = this.random.int(5) === 0 ? this.pick(BROKERS) : leader;
    if (!this.cluster.nodes.has(to)) return;
    const values = Array.from({ length: 1 + this.random.int(3) }, () => `v${this.#values++}`);
    const acks = this.random.int(3) === 0 ? 1 : -1;
    void this.cluster.produce(to, values, { acks, timeoutMs: 10_000 }).then((outcome) => {
      if (outcome.error !== ErrorCode.NONE || acks !== -1) return;
      values.forEach((value, index) => {
        this.acknowledged.set(outcome.baseOffset + index, `${outcome.baseOffset + index}:${value}`);
      });
    });
  }

  crash(): void {
    const id = this.pick(BROKERS);
    if (!this.cluster.nodes.has(id)) return;
    this.cluster.kill(id);
    const truth = this.cluster.truth();
    if (truth.isr.length > 1 && truth.isr.includes(id)) {
      truth.isr = truth.isr.filter((other) => other !== id);
      truth.partitionEpoch += 1;
    }
    if (truth.leader === id) this.elect();
    else this.announce();
  }

  async restart(): Promise<void> {
    const id = BROKERS.find((broker) => !this.cluster.nodes.has(broker));
    if (id === undefined) return;
    await this.cluster.startBroker(id);
    this.#lastDeliveryMs.delete(id);
    if (!this.cluster.alive.has(this.cluster.truth().leader)) this.elect();
    this.deliver(id);
  }

  /** Some member of the ISR that lives; nobody when there is none. */
  elect(): void {
    const truth = this.cluster.truth();
    const able = truth.isr.filter((id) => this.cluster.alive.has(id));
    if (able.length === 0) return;
    truth.leader = this.pick(able);
    this.announce();
  }

  announce(): void {
    const truth = this.cluster.truth();
    truth.leaderEpoch += 1;
    truth.partitionEpoch += 1;
    for (const id of this.cluster.nodes.keys()) this.deliver(id);
  }

  /** LeaderAndIsr as of now, late, but in order. */
  deliver(id: number): void {
    const { clock } = this.cluster;
    const current = this.cluster.truth();
    const truth: Truth = { ...current, isr: [...current.isr], replicas: [...current.replicas] };
    const node = this.cluster.nodes.get(id);
    const dueMs = Math.max(this.#lastDeliveryMs.get(id) ?? 0, clock.nowMs() + this.random.int(1500));
    this.#lastDeliveryMs.set(id, dueMs);
    clock.after(dueMs - clock.nowMs(), () => {
      if (this.cluster.nodes.get(id) === node) this.cluster.tell(0, { only: [id], truth });
    });
  }

  async step(): Promise<void> {
    switch (this.random.int(24)) {
      case 0:
        this.crash();
        break;
      case 1:
      case 2:
        await this.restart();
        break;
      case 3:
        this.cluster.network.cut(`host${this.pick(BROKERS)}`, `host${this.pick(BROKERS)}`);
        break;
      case 4:
      case 5:
        this.cluster.network.heal();
        break;
      case 6:
        this.elect();
        break;
      default:
        this.produce();
    }
    await this.cluster.clock.runFor(this.random.int(this.random.int(8) === 0 ? 20_000 : 400));
  }

  pick(from: readonly number[]): number {
    return from[this.random.int(from.length)] ?? -1;
  }
}

describe('under random faults', () => {
  it.each([1, 2, 3, 4, 5, 6, 7, 8])('nothing committed is ever lost (seed %i)', async (seed) => {
    const random = simulatedRandom(seed);
    const cluster = await ReplicationCluster.start({
      topic: { 'min.insync.replicas': '2', 'retention.ms': '-1' },
      config: {
        replicaLagTimeMaxMs: 5000,
        peerStreamCreditBytes: seed % 2 === 0 ? 100 : 1_000_000,
        peerCompressionType: seed % 3 === 0 ? 'snappy' : 'none',
      },
    });
    cluster.create(BROKERS);
    const faults = new Faults(cluster, random);
    for (let step = 0; step < 150; step++) await faults.step();
    cluster.network.heal();
    for (const _ of BROKERS) await faults.restart();
    faults.elect();
    const equal = (): boolean => {
      if (cluster.nodes.size < 3) return false;
      const partitions = BROKERS.map((id) => cluster.node(id).replicas.partition('orders', 0));
      return partitions.every(
        (each) =>
          each?.log?.endOffset === partitions[0]?.log?.endOffset &&
          each?.log?.highWatermark === each?.log?.endOffset,
      );
    };
    await cluster.until(() => equal() && cluster.truth().isr.length === 3, 120_000);
    const [first, ...rest] = BROKERS.map((id) => cluster.contents(id));
    for (const other of rest) expect(other).toEqual(first);
    expect(first?.slice(0, faults.committed.length)).toEqual(faults.committed);
    for (const [offset, record] of faults.acknowledged) expect(first?.[offset]).toBe(record);
    expect(faults.acknowledged.size).toBeGreaterThan(10);
  });
});
