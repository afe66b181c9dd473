/** `odradek reassign`: its files, what it throttles, and what it says of a plan's progress. */
import { describe, expect, it } from 'vitest';
import { UsageError } from '../../../scripts/cli/arguments.ts';
import { JsonField } from '../../../scripts/cli/json-file.ts';
import { moveStatus, partitionStatus } from '../../../scripts/cli/reassign/move-status.ts';
import { planJson, planOf, topicsToMove } from '../../../scripts/cli/reassign/plan-file.ts';
import { brokerThrottles, throttlePlan } from '../../../scripts/cli/reassign/throttle-plan.ts';

const plan = (value: unknown) => planOf(new JsonField(value, 'plan'));
const of = (...partitions: object[]) => ({ version: 1, partitions });

describe('a plan', () => {
  it("is read, sorted, and written as Kafka's tool does", () => {
    const moved = { topic: 't', partition: 1, replicas: [1, 2], log_dirs: ['any', '/d'] };
    const read = plan(of(moved, { topic: 't', partition: 0, replicas: [3] }));
    expect(planJson(read)).toBe(
      '{"version":1,"partitions":[{"topic":"t","partition":0,"replicas":[3],"log_dirs":["any"]},' +
        '{"topic":"t","partition":1,"replicas":[1,2],"log_dirs":["any","/d"]}]}',
    );
    expect(read[1]?.logDirs).toEqual(new Map([[2, '/d']]));
  });

  it.each([
    [{ version: 2, partitions: [] }, 'plan version must be 1; not 2'],
    [{ version: 1 }, 'plan partitions must be an array; it is missing'],
    [of(), 'plan partitions must not be empty'],
    [
      of({ topic: 't', partition: -1, replicas: [1] }),
      'plan partitions[0] partition must be an integer from 0',
    ],
    [of({ topic: 't', partition: 0, replicas: ['1'] }), 'plan partitions[0] replicas[0] must be an integer'],
    [of({ topic: 't', partition: 0, replicas: [] }), 'has no replicas'],
    [of({ topic: 't', partition: 0, replicas: [1, 1] }), 'names a broker twice'],
    [
      of({ topic: 't', partition: 0, replicas: [1], log_dirs: [] }),
      'must have as many entries as replicas, 1',
    ],
    [
      of({ topic: 't', partition: 0, replicas: [1] }, { topic: 't', partition: 0, replicas: [2] }),
      't-0 is there twice',
    ],
  ])('%j is refused with the field', (value, message) => {
    expect(() => plan(value)).toThrow(UsageError);
    expect(() => plan(value)).toThrow(message);
  });

  it('topics to move are named once', () => {
    const topics = (...names: string[]) =>
      topicsToMove(new JsonField({ topics: names.map((topic) => ({ topic })) }, 'f'));
    expect(topics('a', 'b')).toEqual(['a', 'b']);
    expect(() => topics('a', 'a')).toThrow('topic a is there twice');
  });
});

describe('throttles', () => {
  it('hold those that send and those that receive, and count what is moving already', () => {
    const planned = [{ topic: 't', partition: 0, replicas: [3, 4] }];
    const running = [{ topic: 'u', partition: 1, replicas: [1, 2, 5], adding: [5], removing: [1] }];
    const { topics, brokers } = throttlePlan(planned, new Map([['t-0', [1, 3]]]), running);
    expect(topics.get('t')).toEqual(
      new Map([
        ['leader.replication.throttled.replicas', '0:1,0:3'],
        ['follower.replication.throttled.replicas', '0:4'],
      ]),
    );
    expect(topics.get('u')?.get('follower.replication.throttled.replicas')).toBe('1:5');
    expect(brokers).toEqual([1, 2, 3, 4, 5]);
  });

  it('of a move that is changed on its way come from where it began', () => {
    const planned = [{ topic: 't', partition: 0, replicas: [4] }];
    const running = [{ topic: 't', partition: 0, replicas: [1, 3], adding: [3], removing: [1] }];
    const { topics } = throttlePlan(planned, new Map([['t-0', [1, 3]]]), running);
    expect([...(topics.get('t')?.values() ?? [])]).toEqual(['0:1', '0:4']);
  });

  it('of brokers are only those that were asked for', () => {
    expect([...brokerThrottles(5, null).keys()]).toEqual([
      'leader.replication.throttled.rate',
      'follower.replication.throttled.rate',
    ]);
    expect([...brokerThrottles(null, 5)]).toEqual([['replica.alter.log.dirs.io.max.bytes.per.second', '5']]);
  });
});

describe('the status', () => {
  const planned = { topic: 't', partition: 0, replicas: [1, 2], logDirs: new Map() };
  const move = { topic: 't', partition: 0, broker: 2, logDir: '/b' };

  it('of a partition', () => {
    expect(partitionStatus(planned, true, [1, 2])).toBe(
      'Reassignment of partition t-0 is still in progress.',
    );
    expect(partitionStatus(planned, false, [1, 2])).toBe('Reassignment of partition t-0 is completed.');
    expect(partitionStatus(planned, false, [2, 1])).toContain('but replica set is 2,1 rather than 1,2.');
  });

  it.each([
    [null, 'is not found in any live log dir on broker 2'],
    [{ current: '/a', future: '/b' }, 'Reassignment of replica t-0-2 is still in progress.'],
    [{ current: '/a', future: '/c' }, 'is being moved to log dir /c instead of /b'],
    [{ current: '/a', future: null }, 'is not being moved from log dir /a to /b'],
    [{ current: '/b', future: null }, 'Reassignment of replica t-0-2 completed successfully.'],
  ])('of a replica that is at %j', (place, said) => {
    expect(moveStatus(move, place)).toContain(said);
  });
});
