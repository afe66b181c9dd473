/** What a broker answers its controller around its own registration. */

import { describe, expect, it } from 'vitest';
import { ErrorCode } from '../../../broker/errors.ts';
import { ControllerEpochs } from '../../../broker/metadata/controller-epochs.ts';
import { ControllerFence } from '../../../broker/metadata/controller-fence.ts';
import { deltaOutcome } from '../../../broker/metadata/delta.ts';
import { MetadataCache } from '../../../broker/metadata/metadata-cache.ts';
import { answerPeers } from '../../../broker/node/peer-answers.ts';
import type { LeaderAndIsrRequest, UpdateMetadataRequest } from '../../../broker/peers/messages.ts';
import { done } from '../../../broker/platform/turns.ts';
import type { ClusterStore } from '../../../coordinator-client/stores/cluster-store.ts';
import { World } from '../../support/world.ts';

/** Who is in office, as ZooKeeper says. */
const OFFICE = { controllerId: 1, epoch: 3 };

type Handler = (request: unknown, from: number) => unknown;

interface SetUp {
  readonly fence: ControllerFence;
  readonly lines: string[];
  readonly ask: (request: { type: string }, from?: number) => Promise<{ error: number }>;
}

function setUp(): SetUp {
  const fence = new ControllerFence();
  const world = World.flowing();
  const { clock, diagnostics, journal } = world.platform();
  const store = {
    coordinator: { sync: () => Promise.resolve() },
    controllerEpoch: () => Promise.resolve({ epoch: OFFICE.epoch, version: 0 }),
    controller: () => Promise.resolve({ brokerId: OFFICE.controllerId }),
  };
  const handlers = new Map<string, Handler>();
  const unasked = () => Promise.reject(new Error('the controller was asked'));
  answerPeers({
    brokerId: 2,
    clock,
    diagnostics,
    journal,
    fence,
    epochs: new ControllerEpochs(() => store as unknown as ClusterStore),
    metadata: new MetadataCache(clock),
    peers: { handle: (type, handler) => handlers.set(type, handler as Handler), forget: () => {} },
    replicas: { apply: () => done(deltaOutcome(ErrorCode.NONE)), metadataUpdated: () => {} },
    configs: { load: () => Promise.resolve(), forget: () => {} },
    groups: { forgetPartitions: () => Promise.resolve() },
    controller: { controlledShutdown: unasked, alterPartition: unasked, allocateProducerIds: unasked },
    markers: { answer: unasked },
    transactions: { verifyPartitions: () => [] },
  });
  return {
    fence,
    lines: world.lines,
    ask: async (request, from = 1) =>
      (await handlers.get(request.type)?.(request, from)) as { error: number },
  };
}

function orders(
  brokerEpoch: number,
  head = { controllerId: OFFICE.controllerId, controllerEpoch: OFFICE.epoch },
): { type: string }[] {
  const leaderAndIsr = {
    type: 'LeaderAndIsr',
    ...head,
    brokerEpoch,
    topicIds: [],
    partitions: [],
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
    fence.registered(9);
    await new Promise((resolve) => setImmediate(resolve));
    expect(answers).toEqual(orders(5).map(() => ErrorCode.STALE_BROKER_EPOCH));
  });

  it('wait, and those that were meant for it are followed', async () => {
    const { fence, ask } = setUp();
    const answering = orders(9).map(ask);
    fence.registered(9);
    expect((await Promise.all(answering)).map(({ error }) => error)).toEqual([0, 0, 0]);
  });
});

describe('orders of somebody who is not the controller', () => {
  it('are refused under an epoch that ZooKeeper does not know, and the controller is obeyed after them', async () => {
    const { fence, ask, lines } = setUp();
    fence.registered(9);
    const forged = orders(-1, { controllerId: 4, controllerEpoch: 2 ** 31 - 1 });
    const refused = await Promise.all(forged.map((order) => ask(order, 4)));
    expect(refused.map(({ error }) => error)).toEqual(forged.map(() => ErrorCode.STALE_CONTROLLER_EPOCH));
    expect(lines[0]).toContain('Refused LeaderAndIsr of broker 4 as controller of epoch 2147483647');
    expect(fence.highestControllerEpoch).toBe(0);
    const obeyed = await Promise.all(orders(9).map((order) => ask(order)));
    expect(obeyed.map(({ error }) => error)).toEqual([0, 0, 0]);
  });

  it('are refused under the epoch of the one who is', async () => {
    const { fence, ask } = setUp();
    fence.registered(9);
    for (const order of orders(9, { controllerId: 4, controllerEpoch: OFFICE.epoch })) {
      expect((await ask(order, 4)).error).toBe(ErrorCode.STALE_CONTROLLER_EPOCH);
    }
  });
});
