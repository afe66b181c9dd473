/** A broker that goes asks the controller to move its leaders away, and how often it does. */
import { describe, expect, it } from 'vitest';
import { brokerConfig } from '../../../broker/config/broker-config.ts';
import { ErrorCode } from '../../../broker/errors.ts';
import { ControllerFence } from '../../../broker/metadata/controller-fence.ts';
import { moveLeadersAway } from '../../../broker/node/controlled-shutdown.ts';
import { World } from '../../support/world.ts';

const PROPERTIES = {
  'zookeeper.connect': 'tree:2181',
  'broker.id': '4',
  'controlled.shutdown.max.retries': '3',
  'controlled.shutdown.retry.backoff.ms': '5000',
};

interface Answer {
  readonly error?: ErrorCode;
  readonly remaining?: number;
}

/** What comes of a shutdown when the controller answers this, one after the other; null: it does not. */
async function shutDown(
  answers: readonly (Answer | null)[],
  properties: Readonly<Record<string, string>> = {},
) {
  const world = new World();
  const platform = world.platform();
  const fence = new ControllerFence();
  fence.registered(77);
  const asked: [atMs: number, request: unknown][] = [];
  const ask = async (request: unknown) => {
    const answer = answers[asked.length];
    asked.push([world.clock.nowMs(), request]);
    if (answer === null || answer === undefined) throw new Error('no answer');
    const { error = ErrorCode.NONE, remaining = 0 } = answer;
    const remainingPartitions = Array.from({ length: remaining }, (_, partition) => ({
      topic: 't',
      partition,
    }));
    return { error, remainingPartitions };
  };
  const config = brokerConfig(new Map(Object.entries({ ...PROPERTIES, ...properties })));
  await world.settled(moveLeadersAway({ config, fence, link: { ask } as never }, platform, 1));
  const events = platform.journal.since(0).map(({ event }) => event);
  return { asked, atMs: asked.map(([atMs]) => atMs), events, tookMs: world.clock.nowMs() };
}

describe('a controlled shutdown', () => {
  it('is over with the first answer that leaves nothing to move', async () => {
    const { asked, events, tookMs } = await shutDown([{}]);
    expect(asked).toEqual([[0, { type: 'ControlledShutdown', brokerId: 4, brokerEpoch: 77, causeId: 1 }]]);
    expect([events, tookMs]).toEqual([[], 0]);
  });

  it('asks again after the pause, while no controller answers or it is another', async () => {
    const { atMs, events } = await shutDown([null, { error: ErrorCode.STALE_CONTROLLER_EPOCH }, {}]);
    expect(atMs).toEqual([0, 5000, 10_000]);
    expect(events).toEqual([
      { kind: 'leaders-remain', partitions: 0, error: ErrorCode.STALE_CONTROLLER_EPOCH },
    ]);
  });

  it('gives up after controlled.shutdown.max.retries attempts, without a pause at the end', async () => {
    const { atMs, events, tookMs } = await shutDown([null, null, null, {}]);
    expect([atMs, tookMs]).toEqual([[0, 5000, 10_000], 10_000]);
    expect(events).toEqual([{ kind: 'shutdown-unclean' }]);
  });

  it('gives up earlier where nobody can take over what is left, also the second time', async () => {
    const { atMs, events } = await shutDown([{ remaining: 2 }, { remaining: 1 }, {}]);
    expect(atMs).toEqual([0, 5000]);
    expect(events).toEqual([
      { kind: 'leaders-remain', partitions: 2, error: ErrorCode.NONE },
      { kind: 'leaders-remain', partitions: 1, error: ErrorCode.NONE },
      { kind: 'shutdown-unclean' },
    ]);
  });

  it('is not asked for where controlled.shutdown.enable is false', async () => {
    const { asked, events } = await shutDown([], { 'controlled.shutdown.enable': 'false' });
    expect([asked, events]).toEqual([[], []]);
  });
});
