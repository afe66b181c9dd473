/** Which partitions commands speak of: lists, states, transactions that hang; and whose nodes are Kafka's. */
import { describe, expect, it } from 'vitest';
import { parseCommand } from '../../../scripts/cli/arguments.ts';
import { parsePartitionFilter } from '../../../scripts/cli/partition-filter.ts';
import { partitionsOfWord } from '../../../scripts/cli/partitions.ts';
import { stateFilter } from '../../../scripts/cli/topics/partition-states.ts';
import { assignmentsOf } from '../../../scripts/cli/topics/replica-assignment.ts';
import { topicsCommand } from '../../../scripts/cli/topics/topics.ts';
import { hanging, type OpenTransaction, suspects } from '../../../scripts/cli/transactions/hanging.ts';
import { isKafkas } from '../../../scripts/cli/zk/kafka-nodes.ts';

describe('lists of partitions', () => {
  it.each([
    ['t:1', ['t-1']],
    ['t:1-3', ['t-1', 't-2']],
    ['t:2-', ['t-2', 't-3']],
    ['t:-1', ['t-0']],
    ['t', ['t-0', 't-1', 't-2', 't-3']],
    [':0,u:3', ['t-0', 'u-0', 'u-3']],
    ['[tu]:0', ['t-0', 'u-0']],
  ])('%s', (list, expected) => {
    const all = ['t', 'u'].flatMap((topic) => [0, 1, 2, 3].map((partition) => ({ topic, partition })));
    const chosen = all.filter(parsePartitionFilter(list));
    expect(chosen.map(({ topic, partition }) => `${topic}-${partition}`)).toEqual(expected);
  });

  it.each(['t:x', 't:1:2', '', 't:1,,u'])('%j is refused', (list) => {
    expect(() => parsePartitionFilter(list)).toThrow('--topic-partitions takes');
  });

  it('of a topic may be all', () => {
    expect(partitionsOfWord('topic', 't:0,2')).toEqual({ topic: 't', partitions: [0, 2] });
    expect(partitionsOfWord('topic', 't')).toEqual({ topic: 't', partitions: null });
    expect(() => partitionsOfWord('topic', 't:a')).toThrow(
      "--topic takes numbers of partitions, from 0, not 'a'",
    );
  });
});

describe('states of partitions', () => {
  const state = { leaderId: 1, replicas: [1, 2], isr: [1, 2], minIsr: 2, reassignment: null };
  const living = new Set([1, 2]);
  const shows = (name: string, changed: object): boolean | undefined =>
    stateFilter(parseCommand(topicsCommand, ['--describe', `--${name}`]))?.({ ...state, ...changed }, living);

  it.each([
    ['under-replicated-partitions', { isr: [1] }],
    ['unavailable-partitions', { leaderId: -1 }],
    ['unavailable-partitions', { leaderId: 3 }],
    ['under-min-isr-partitions', { isr: [1] }],
  ])('%s: %j', (name, changed) => {
    expect([shows(name, changed), shows(name, {})]).toEqual([true, false]);
  });

  it('at the least in sync, and what a reassignment adds is no lack', () => {
    expect(shows('at-min-isr-partitions', {})).toBe(true);
    const reassignment = { topic: 't', partition: 0, replicas: [1, 2, 3], adding: [3], removing: [] };
    expect(shows('under-replicated-partitions', { replicas: [1, 2, 3], reassignment })).toBe(false);
  });
});

it('assignments of replicas are of one width, without a broker twice', () => {
  expect(assignmentsOf('1:2,2:3')).toEqual([
    [1, 2],
    [2, 3],
  ]);
  expect(() => assignmentsOf('1:1')).toThrow('names a broker twice');
  expect(() => assignmentsOf('1:2,3')).toThrow('as many brokers');
  expect(() => assignmentsOf('a')).toThrow('takes ID:ID,…');
});

describe('a transaction hangs', () => {
  const open = (lastTimestamp: number): OpenTransaction => ({
    topic: 't',
    partition: 0,
    producer: {
      producerId: 7,
      producerEpoch: 0,
      lastSequence: 0,
      lastTimestamp,
      coordinatorEpoch: 0,
      currentTxnStartOffset: 3,
    },
  });

  it('only when it is old', () => {
    expect(suspects([open(0), open(95)], 100, 10)).toEqual([open(0)]);
    const ended = { ...open(0), producer: { ...open(0).producer, currentTxnStartOffset: -1 } };
    expect(suspects([ended], 100, 10)).toEqual([]);
  });

  it('unless a coordinator has the partition in the transaction of that producer', () => {
    const known = (producerId: number, partition: string) => [
      { producerId, partitions: new Set([partition]) },
    ];
    expect(hanging([open(0)], known(7, 't-0'))).toEqual([]);
    expect(hanging([open(0)], known(7, 't-1'))).toHaveLength(1);
    expect(hanging([open(0)], known(8, 't-0'))).toHaveLength(1);
  });
});

it("Kafka's own nodes are known, and what merely begins alike is not one", () => {
  const paths = ['/', '/brokers/ids/1', '/controller', '/kafka-acl/Topic', '/zookeeper/quota'];
  expect(paths.filter(isKafkas)).toEqual(paths);
  expect(['/mine', '/brokers2', '/app/brokers'].filter(isKafkas)).toEqual([]);
});
