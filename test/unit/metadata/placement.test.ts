/** Placement of replicas: Kafka's arithmetic, and what it is for. */
import { describe, expect, it } from 'vitest';
import { ErrorCode } from '../../../broker/errors.ts';
import { assignReplicas } from '../../../broker/metadata/placement.ts';
import { simulatedRandom } from '../../support/simulated-random.ts';

const random = simulatedRandom(1);
const unracked = (count: number) => Array.from({ length: count }, (_, id) => ({ id, rack: null }));

function assigned(request: Omit<Parameters<typeof assignReplicas>[0], 'random'>): [number, number[]][] {
  const outcome = assignReplicas({ random, ...request });
  if (!outcome.ok) throw new Error(outcome.message);
  return [...outcome.value];
}

describe('without racks', () => {
  it('leaders go round, and followers shift by one more in each round', () => {
    const replicas = assigned({ brokers: unracked(5), partitions: 10, replicationFactor: 3, startIndex: 0 });
    expect(replicas.map(([, ids]) => ids)).toEqual([
      [0, 1, 2],
      [1, 2, 3],
      [2, 3, 4],
      [3, 4, 0],
      [4, 0, 1],
      [0, 2, 3],
      [1, 3, 4],
      [2, 4, 0],
      [3, 0, 1],
      [4, 1, 2],
    ]);
  });

  it('goes on from the partitions that are there', () => {
    const all = assigned({ brokers: unracked(5), partitions: 10, replicationFactor: 3, startIndex: 1 });
    const rest = assigned({
      brokers: unracked(5),
      partitions: 2,
      replicationFactor: 3,
      startIndex: 1,
      firstPartition: 3,
    });
    expect(rest).toEqual(all.slice(3, 5));
  });

  it('a single broker takes everything', () => {
    const replicas = assigned({ brokers: [{ id: 7, rack: null }], partitions: 3, replicationFactor: 1 });
    expect(replicas).toEqual([
      [0, [7]],
      [1, [7]],
      [2, [7]],
    ]);
  });

  it('starts anywhere when not told where', () => {
    const leaders = new Set<number | undefined>();
    for (let round = 0; round < 50; round++) {
      leaders.add(assigned({ brokers: unracked(3), partitions: 1, replicationFactor: 1 })[0]?.[1][0]);
    }
    expect(leaders.size).toBe(3);
  });
});

describe('with racks', () => {
  const racks = ['rack1', 'rack3', 'rack3', 'rack2', 'rack2', 'rack1'];
  const brokers = racks.map((rack, id) => ({ id, rack }));

  it('leaders alternate between racks', () => {
    const replicas = assigned({ brokers, partitions: 6, replicationFactor: 1, startIndex: 0 });
    expect(replicas.map(([, ids]) => ids[0])).toEqual([0, 3, 1, 5, 4, 2]);
  });

  it('each rack gets one replica before any gets two, and no broker gets two', () => {
    for (const replicationFactor of [2, 3, 4, 5, 6]) {
      for (const [, ids] of assigned({ brokers, partitions: 60, replicationFactor })) {
        expect(new Set(ids).size).toBe(replicationFactor);
        const used = new Set(ids.map((id) => racks[id]));
        expect(used.size).toBe(Math.min(replicationFactor, 3));
      }
    }
  });

  it('leaders and replicas are spread evenly', () => {
    const replicas = assigned({ brokers, partitions: 60, replicationFactor: 3 });
    for (const { id } of brokers) {
      expect(replicas.filter(([, ids]) => ids[0] === id)).toHaveLength(10);
      expect(replicas.filter(([, ids]) => ids.includes(id))).toHaveLength(30);
    }
  });
});

describe('what can’t be placed', () => {
  const refusal = (request: Omit<Parameters<typeof assignReplicas>[0], 'random'>) =>
    assignReplicas({ random, ...request });

  it('is refused with Kafka’s error', () => {
    expect(refusal({ brokers: unracked(1), partitions: 0, replicationFactor: 1 })).toMatchObject({
      error: ErrorCode.INVALID_PARTITIONS,
    });
    expect(refusal({ brokers: unracked(1), partitions: 1, replicationFactor: 0 })).toMatchObject({
      error: ErrorCode.INVALID_REPLICATION_FACTOR,
    });
    expect(refusal({ brokers: unracked(1), partitions: 1, replicationFactor: 3 })).toEqual({
      ok: false,
      error: ErrorCode.INVALID_REPLICATION_FACTOR,
      message: 'Replication factor: 3 larger than available brokers: 1.',
    });
    const mixed = [...unracked(1), { id: 1, rack: 'a' }];
    expect(refusal({ brokers: mixed, partitions: 1, replicationFactor: 1 })).toMatchObject({
      message: 'Not all brokers have rack information for replica rack aware assignment.',
    });
  });
});
