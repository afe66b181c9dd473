/** Topics made on demand: their shape, the answer meanwhile, and one creation at a time. */
import { describe, expect, it } from 'vitest';
import { ErrorCode, failure, type Outcome, success } from '../../../broker/errors.ts';
import { AutoTopicCreation } from '../../../broker/handlers/shared/auto-topic-creation.ts';
import type { CreatedTopic, NewTopic } from '../../../broker/metadata/topic-creation.ts';
import { silent } from '../../../broker/platform/diagnostics.ts';
import { Turns } from '../../../broker/platform/turns.ts';
import { ZERO_UUID } from '../../../broker/types.ts';
import { services, world } from './support.ts';

const ASKER = { charges: null, turns: new Turns(world.clock) };

function setUp(outcome: (topic: NewTopic) => Promise<ErrorCode>) {
  const asked: NewTopic[] = [];
  const creating = {
    createTopic: async (topic: NewTopic): Promise<Outcome<CreatedTopic>> => {
      asked.push(topic);
      const error = await outcome(topic);
      if (error !== ErrorCode.NONE) return failure(error);
      return success({ topicId: ZERO_UUID, assignment: new Map() });
    },
  };
  const topicAdmin = { creation: async () => creating };
  const config = { ...services().config, numPartitions: 4, defaultReplicationFactor: 2 };
  return { asked, creation: new AutoTopicCreation(config, topicAdmin, silent) };
}

describe('topics made on demand', () => {
  it('get the defaults of the broker; internal ones have their own', async () => {
    const { asked, creation } = setUp(async () => ErrorCode.NONE);
    await creation.create(['t', '__consumer_offsets', '__transaction_state'], ASKER);
    expect(asked[0]).toMatchObject({ name: 't', partitions: 4, replicationFactor: 2, validateOnly: false });
    expect(asked[0]?.configs.size).toBe(0);
    expect(asked[1]).toMatchObject({ partitions: 50, replicationFactor: 3 });
    expect(asked[1]?.configs.get('cleanup.policy')).toBe('compact');
    expect(asked[2]?.configs.get('min.insync.replicas')).toBe('2');
  });

  it.each([
    ['created', ErrorCode.NONE, ErrorCode.LEADER_NOT_AVAILABLE],
    ['there already', ErrorCode.TOPIC_ALREADY_EXISTS, ErrorCode.LEADER_NOT_AVAILABLE],
    ['impossible', ErrorCode.INVALID_REPLICATION_FACTOR, ErrorCode.INVALID_REPLICATION_FACTOR],
  ])('one that is %s', async (_name, outcome, answer) => {
    const { creation } = setUp(async () => outcome);
    expect(new Map(await creation.create(['t'], ASKER))).toEqual(new Map([['t', answer]]));
  });

  it('a bad name is refused without asking anybody', async () => {
    const { asked, creation } = setUp(async () => ErrorCode.NONE);
    expect(new Map(await creation.create(['a b'], ASKER))).toEqual(
      new Map([['a b', ErrorCode.INVALID_TOPIC_EXCEPTION]]),
    );
    expect(asked).toEqual([]);
  });

  it('while one is being created it is unknown to the next who asks, and afterwards may be tried again', async () => {
    let finish: (error: ErrorCode) => void = () => {};
    const { asked, creation } = setUp(
      () =>
        new Promise((resolve) => {
          finish = resolve;
        }),
    );
    const first = creation.create(['t'], ASKER);
    expect(new Map(await creation.create(['t'], ASKER))).toEqual(
      new Map([['t', ErrorCode.UNKNOWN_TOPIC_OR_PARTITION]]),
    );
    finish(ErrorCode.NONE);
    await first;
    void creation.create(['t'], ASKER);
    await expect.poll(() => asked).toHaveLength(2);
  });

  it('a coordinator that can not be reached is no reason to fail the request', async () => {
    const { creation } = setUp(() => Promise.reject(new Error('down')));
    expect(new Map(await creation.create(['t'], ASKER))).toEqual(
      new Map([['t', ErrorCode.UNKNOWN_TOPIC_OR_PARTITION]]),
    );
  });
});
