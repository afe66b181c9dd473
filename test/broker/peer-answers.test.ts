/** What a broker answers its controller around its own registration. */
import { describe, expect, it } from 'vitest';
import { ControllerFence } from '../../broker/metadata/controller-fence.ts';
import { MetadataCache } from '../../broker/metadata/metadata-cache.ts';
import { type AnswerParts, answerPeers } from '../../broker/peer-answers.ts';
import type { LeaderAndIsrRequest, UpdateMetadataRequest } from '../../broker/peers/messages.ts';
import { ErrorCode } from '../../broker/protocol/errors.ts';
import { SimulatedClock } from '../support/simulated-clock.ts';

type Handler = (request: unknown, from: number) => unknown;

function setUp(): { fence: ControllerFence; ask: (request: { type: string }) => Promise<{ error: number }> } {
  const fence = new ControllerFence();
  const handlers = new Map<string, Handler>();
  const parts = {
    fence,
    metadata: new MetadataCache(new SimulatedClock()),
    peers: { handle: (type: string, handler: Handler) => handlers.set(type, handler), forget: () => {} },
    replicas: {
      becomeLeaderOrFollower: (request: LeaderAndIsrRequest) => ({
        error: fence.check(request),
        partitions: [],
      }),
      metadataUpdated: () => {},
      stopReplicas: (request: LeaderAndIsrRequest) => ({ error: fence.check(request), partitions: [] }),
    },
    configs: { load: () => Promise.resolve(), forget: () => {} },
  };
  answerPeers(parts as unknown as AnswerParts);
  return {
    fence,
    ask: async (request) => (await handlers.get(request.type)?.(request, 1)) as { error: number },
  };
}

const head = { controllerId: 1, controllerEpoch: 3 };

function orders(brokerEpoch: number): { type: string }[] {
  const leaderAndIsr = {
    type: 'LeaderAndIsr',
    ...head,
    brokerEpoch,
    topicIds: [],
    partitions: [],
    liveLeaders: [],
  } satisfies LeaderAndIsrRequest;
  const updateMetadata = {
    type: 'UpdateMetadata',
    ...head,
    brokerEpoch,
    topicIds: [],
    partitions: [],
    liveBrokers: [],
  } satisfies UpdateMetadataRequest;
  return [
    leaderAndIsr,
    updateMetadata,
    { type: 'StopReplica', ...head, brokerEpoch, partitions: [] } as never,
  ];
}

describe("the controller's orders to a broker that has not registered yet", () => {
  it('wait, and those that were meant for the process before it are refused', async () => {
    const { fence, ask } = setUp();
    const answers: number[] = [];
    for (const order of orders(5)) void ask(order).then(({ error }) => answers.push(error));
    await new Promise((resolve) => setImmediate(resolve));
    expect(answers).toEqual([]);
    fence.brokerEpoch = 9;
    await new Promise((resolve) => setImmediate(resolve));
    expect(answers).toEqual(orders(5).map(() => ErrorCode.STALE_BROKER_EPOCH));
  });

  it('wait, and those that were meant for it are followed', async () => {
    const { fence, ask } = setUp();
    const answering = orders(9).map(ask);
    fence.brokerEpoch = 9;
    expect((await Promise.all(answering)).map(({ error }) => error)).toEqual([0, 0, 0]);
  });
});
