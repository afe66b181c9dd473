/** What failovers cost ten brokers with a thousand partitions, to the last request. */
import { beforeAll, describe, expect, it } from 'vitest';
import { kafkaFailoverCosts } from './failover-by-design.ts';
import { type Costs, costTable, type Failover, failoverCosts } from './failover-cost.ts';

const SHAPE = { brokers: 10, partitions: 1000 };
const TOPICS = 10;
/** Each broker leads a tenth of all partitions and follows in two. */
const LED = 100;
const FOLLOWED = 200;

describe('the costs of failovers', () => {
  let measured: Failover[] = [];
  const costsOf = (what: string): Costs => {
    const found = measured.find((one) => one.what === what);
    if (found === undefined) throw new Error(`nothing was measured of ${what}`);
    return found.costs;
  };

  beforeAll(async () => {
    measured = await failoverCosts(SHAPE);
  });

  it('of an office that moves: one read for each partition, topic and broker, and no state is written', () => {
    const { reads, writes, updateMetadata } = costsOf('the office moves, and nobody dies');
    expect(reads).toBe(1062);
    expect(reads - SHAPE.partitions - TOPICS - SHAPE.brokers).toBe(42);
    // /controller and /controller_epoch.
    expect(writes).toBe(2);
    // Who lives, and all there is, to each of the others.
    expect(updateMetadata).toBe(2 * (SHAPE.brokers - 1));
  });

  it('of a broker that dies: one write for each of its partitions, many in a commit, and no state is read', () => {
    expect(costsOf('a broker dies')).toMatchObject({
      reads: 10,
      lists: 1,
      commits: 10,
      writes: LED + FOLLOWED,
      watches: 0,
      fires: 2,
      leaderAndIsr: SHAPE.brokers - 2,
      updateMetadata: SHAPE.brokers - 2,
      stopReplica: 0,
    });
  });

  it('of a controller that dies with its broker: both at once, and each state is written once', () => {
    const both = costsOf('the broker that is the controller dies');
    expect(both.writes).toBe(2 + LED + FOLLOWED);
    expect(both.reads).toBe(1057);
    expect(both.leaderAndIsr).toBe(2 * (SHAPE.brokers - 2));
  });

  it('of a broker that comes back: it alone is told everything', () => {
    const { writes, bytes, leaderAndIsr } = costsOf('it comes back');
    // Its registration, which is made empty and then written.
    expect(writes).toBe(2);
    expect(leaderAndIsr).toBe(2);
    expect(bytes).toBeLessThan(costsOf('the office moves, and nobody dies').bytes / 2);
  });

  it('are shown beside what Kafka does by its design', () => {
    const kafka = kafkaFailoverCosts(SHAPE);
    expect(kafka.map(({ what }) => what)).toEqual(measured.map(({ what }) => what));
    const lines = costTable(measured, kafka).split('\n');
    expect(lines).toHaveLength(2 + 2 * measured.length);
    expect(lines[4]).toMatch(/^\| a broker dies \| Odradek \| 11 \| 10 \| 300 \|/);
    expect(lines[5]).toMatch(/^\| {2}\| Kafka \| 409 \| 300 \| 300 \|/);
  });
});
