/** The three requests of a controller as deltas, and what became of them as answers. */
import { describe, expect, it } from 'vitest';
import { ErrorCode } from '../../../broker/errors.ts';
import { ControllerEpochs } from '../../../broker/metadata/controller-epochs.ts';
import { ControllerFence } from '../../../broker/metadata/controller-fence.ts';
import { type ClusterDelta, type DeltaOutcome, deltaOutcome } from '../../../broker/metadata/delta.ts';
import { PushedFeed } from '../../../broker/node/pushed-feed.ts';
import type {
  LeaderAndIsrRequest,
  PartitionStateMessage,
  StopReplicaRequest,
  UpdateMetadataRequest,
  UpdatePartitionMessage,
} from '../../../broker/peers/messages.ts';
import { silent } from '../../../broker/platform/diagnostics.ts';
import { createJournal } from '../../../broker/platform/journal.ts';
import { LEADER_DURING_DELETE, ZERO_UUID } from '../../../broker/types.ts';
import { World } from '../../support/world.ts';

const ID = 'AAAAAAAAAAAAAAAAAAAAAQ';
const HEAD = { controllerId: 2, controllerEpoch: 3, brokerEpoch: 9 };

type Handler = (request: unknown, from: number) => unknown;

/** The feed of broker 2, which is the controller itself; what is published gets `outcome`. */
function setUp(outcome: DeltaOutcome = deltaOutcome(ErrorCode.NONE)) {
  const handlers = new Map<string, Handler>();
  const published: ClusterDelta[] = [];
  const fence = new ControllerFence();
  fence.registered(9);
  const store = (): never => {
    throw new Error("this broker's own controller needs no look");
  };
  new PushedFeed({
    brokerId: 2,
    peers: { handle: (type, handler) => handlers.set(type, handler as Handler) },
    fence,
    epochs: new ControllerEpochs(store),
    diagnostics: silent,
    journal: createJournal(new World().clock, silent),
  }).start((delta) => {
    published.push(delta);
    return outcome;
  });
  const ask = async (request: LeaderAndIsrRequest | UpdateMetadataRequest | StopReplicaRequest) =>
    handlers.get(request.type)?.(request, 2);
  return { published, ask };
}

function leaderAndIsr(partitions: readonly PartitionStateMessage[], topicIds = [['t', ID]] as const) {
  const request = { type: 'LeaderAndIsr', ...HEAD, topicIds, partitions } as const;
  return request satisfies LeaderAndIsrRequest;
}

function state(topic: string, partition: number, leader: number): PartitionStateMessage {
  const told = { topic, partition, leader, controllerEpoch: 3, leaderEpoch: 5, isr: [2], partitionEpoch: 6 };
  return {
    ...told,
    replicas: [2, 3],
    addingReplicas: [3],
    removingReplicas: [],
    isNew: true,
    leaderRecoveryState: 0,
  };
}

function changed(topic: string, partition: number, leader: number): UpdatePartitionMessage {
  const told = { topic, partition, leader, controllerEpoch: 3, leaderEpoch: 5, isr: [2], partitionEpoch: 6 };
  return { ...told, replicas: [2, 3], offlineReplicas: [3] };
}

describe('LeaderAndIsr', () => {
  it('says what to lead, and what to follow: whatever others lead, or nobody', async () => {
    const { published, ask } = setUp();
    await ask(leaderAndIsr([state('t', 0, 3), state('t', 1, 2), state('u', 0, -1)]));
    expect(published).toEqual([
      {
        controllerEpoch: 3,
        brokerEpoch: 9,
        metadata: null,
        replicas: {
          lead: [{ ...state('t', 1, 2), topicId: ID }],
          follow: [
            { ...state('t', 0, 3), topicId: ID },
            { ...state('u', 0, -1), topicId: null },
          ],
          stop: [],
        },
      },
    ]);
  });

  it('gives no id to topics whose names every object has a property of', async () => {
    const { published, ask } = setUp();
    await ask(leaderAndIsr([state('__proto__', 0, 2), state('constructor', 0, 2)]));
    expect(published[0]?.replicas?.lead.map(({ topicId }) => topicId)).toEqual([null, null]);
  });

  it('is answered for each partition in the order of the request', async () => {
    const failed = new Map([['t-1', ErrorCode.KAFKA_STORAGE_ERROR]]);
    const { ask } = setUp({ error: ErrorCode.NONE, failed });
    expect(await ask(leaderAndIsr([state('t', 1, 2), state('t', 0, 3)]))).toEqual({
      error: ErrorCode.NONE,
      partitions: [
        { topic: 't', partition: 1, error: ErrorCode.KAFKA_STORAGE_ERROR },
        { topic: 't', partition: 0, error: ErrorCode.NONE },
      ],
    });
  });
});

describe('UpdateMetadata', () => {
  const update: UpdateMetadataRequest = {
    type: 'UpdateMetadata',
    ...HEAD,
    topicIds: [
      ['t', ID],
      ['u', ZERO_UUID],
    ],
    partitions: [changed('t', 0, 3), changed('u', 0, 2), changed('t', 1, LEADER_DURING_DELETE)],
    liveBrokers: [{ id: 2, epoch: 9, rack: null, endpoints: [] }],
  };

  it('says what has changed topic by topic; leader -2 is a partition that is gone', async () => {
    const { published, ask } = setUp();
    expect(await ask(update)).toEqual({ error: ErrorCode.NONE });
    const { topic: _t, ...ofT } = changed('t', 0, 3);
    const { topic: _u, ...ofU } = changed('u', 0, 2);
    expect(published[0]).toEqual({
      controllerEpoch: 3,
      brokerEpoch: 9,
      replicas: null,
      metadata: {
        controllerId: 2,
        brokers: update.liveBrokers,
        topics: new Map([
          ['t', { topicId: ID, changed: [ofT], removed: [{ partition: 1, replicas: [2, 3] }] }],
          ['u', { topicId: null, changed: [ofU], removed: [] }],
        ]),
        onlyTopics: null,
      },
    });
  });

  it('that names all topics there are says so', async () => {
    const { published, ask } = setUp();
    await ask({ ...update, onlyTopics: ['t', 'u', 'v'] });
    expect(published[0]?.metadata?.onlyTopics).toEqual(new Set(['t', 'u', 'v']));
  });
});

describe('StopReplica', () => {
  const partitions = [{ topic: 't', partition: 0, leaderEpoch: 5, deletePartition: true }];

  it('says what to stop', async () => {
    const { published, ask } = setUp();
    await ask({ type: 'StopReplica', ...HEAD, partitions });
    expect(published[0]?.replicas).toEqual({ lead: [], follow: [], stop: partitions });
  });

  it('that was not taken in is answered for the whole', async () => {
    const { ask } = setUp(deltaOutcome(ErrorCode.STALE_CONTROLLER_EPOCH));
    const answer = await ask({ type: 'StopReplica', ...HEAD, partitions });
    expect(answer).toEqual({ error: ErrorCode.STALE_CONTROLLER_EPOCH, partitions: [] });
  });
});
