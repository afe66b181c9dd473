/** Markers on their way: to the leaders, until each has answered, and to nobody for whom it is too late. */
import { describe, expect, it } from 'vitest';
import { MarkerSender } from '../../../broker/coordinators/transaction/marker-sender.ts';
import { ErrorCode, errorName } from '../../../broker/errors.ts';
import { MetadataCache } from '../../../broker/metadata/metadata-cache.ts';
import type { WriteTxnMarkersRequest, WriteTxnMarkersResponse } from '../../../broker/peers/messages.ts';
import { PeerUnreachable } from '../../../broker/peers/peers.contract.ts';
import { createMetrics } from '../../../broker/platform/metrics.ts';
import { metadataDelta } from '../../support/metadata-deltas.ts';
import { recordingDiagnostics } from '../../support/recording-diagnostics.ts';
import { World } from '../../support/world.ts';

/** A request under way, and how to answer it. */
interface Asked {
  readonly to: number;
  readonly request: WriteTxnMarkersRequest;
  readonly answer: (response: WriteTxnMarkersResponse) => void;
  readonly fail: () => void;
}

function setUp(maxRequestBytes = 1 << 20) {
  const clock = new World().clock;
  const metadata = new MetadataCache(clock);
  const lines: string[] = [];
  const diagnostics = recordingDiagnostics((level, message) => lines.push(`${level} ${message}`));
  const asked: Asked[] = [];
  const metrics = createMetrics();
  const peers = {
    request: (to: { id: number }, request: unknown) =>
      new Promise<never>((resolve, reject) => {
        asked.push({
          to: to.id,
          request: request as WriteTxnMarkersRequest,
          answer: (response) => resolve(response as never),
          fail: () => reject(new PeerUnreachable('gone')),
        });
      }),
  };
  const sender = new MarkerSender(
    { brokerId: 1, clock, diagnostics, metrics, metadata, peers },
    { requestTimeoutMs: 30_000, maxRequestBytes },
  );
  return { clock, metadata, asked, sender, metrics, lines };
}

type Rig = ReturnType<typeof setUp>;

/** The leader of each partition of topic t, by index; a leader of 0 is not alive. */
function lead({ metadata }: Rig, leaders: readonly number[], isComplete = true): void {
  const partitions = leaders.map((leader, partition) => ({
    topic: 't',
    partition,
    controllerEpoch: 1,
    leader,
    leaderEpoch: 1,
    isr: [leader],
    partitionEpoch: 1,
    replicas: [1, 2],
    offlineReplicas: [],
  }));
  const brokers = [1, 2].map((id) => ({ id, epoch: id, rack: null, endpoints: [] }));
  metadata.apply(metadataDelta({ brokers, partitions, ...(isComplete ? { onlyTopics: ['t'] } : {}) }));
}

function end(events: string[], partitions: readonly number[], producerId = 7) {
  const state = { isOurs: true };
  return {
    state,
    transactionalId: `id-${producerId}`,
    producerId,
    producerEpoch: 3,
    committed: true,
    partitions: new Map([['t', new Set(partitions)]]),
    coordinatorEpoch: () => 5,
    isOurs: () => state.isOurs,
    told: () => events.push(`${producerId} told`),
    fenced: (error: ErrorCode) => events.push(`${producerId} fenced: ${errorName(error)}`),
  };
}

/** What a request says: `broker: producer topic-partition …`. */
function said({ to, request }: Asked): string {
  const markers = request.markers.map(
    ({ producerId, topics }) => `${producerId} ${topics.map((one) => `${one.topic}-${one.partitions}`)}`,
  );
  return `${to}: ${markers.join('; ')}`;
}

/** Answers with one error for all partitions. */
function answerAll({ request, answer }: Asked, error: ErrorCode = ErrorCode.NONE): void {
  answer({
    error: ErrorCode.NONE,
    markers: request.markers.map(({ producerId, topics }) => ({
      producerId,
      partitions: topics.flatMap(({ topic, partitions }) =>
        partitions.map((partition) => ({ topic, partition, error })),
      ),
    })),
  });
}

/** What has been asked since the last time. */
function news({ asked }: Rig): Asked[] {
  return asked.splice(0);
}

async function sent(world: Rig): Promise<Asked[]> {
  await world.clock.runFor(1);
  return news(world);
}

describe('markers', () => {
  it('go to the leader of each partition, and the transaction is told when all have answered', async () => {
    const world = setUp();
    lead(world, [1, 2, 1]);
    const events: string[] = [];
    world.sender.send(end(events, [0, 1, 2]));
    const asked = await sent(world);
    expect(asked.map(said)).toEqual(['1: 7 t-0,2', '2: 7 t-1']);
    expect(asked[0]?.request.brokerId).toBe(1);
    expect(asked[0]?.request.markers[0]).toMatchObject({
      producerEpoch: 3,
      committed: true,
      coordinatorEpoch: 5,
    });
    for (const one of asked.slice(0, 1)) answerAll(one);
    await world.clock.runFor(1);
    expect(events).toEqual([]);
    for (const one of asked.slice(1)) answerAll(one);
    await world.clock.runFor(1);
    expect(events).toEqual(['7 told']);
  });

  it('of a transaction without partitions are none; it is told all the same, but not at once', async () => {
    const world = setUp();
    const events: string[] = [];
    world.sender.send({ ...end(events, []), partitions: new Map() });
    expect(events).toEqual([]);
    await world.clock.runFor(1);
    expect(events).toEqual(['7 told']);
  });

  it('wait while a request to the broker is under way, and go together in the next', async () => {
    const world = setUp();
    lead(world, [1, 1]);
    const events: string[] = [];
    world.sender.send(end(events, [0], 7));
    const [first] = await sent(world);
    world.sender.send(end(events, [0, 1], 8));
    world.sender.send(end(events, [1], 9));
    expect(await sent(world)).toEqual([]);
    if (first !== undefined) answerAll(first);
    expect((await sent(world)).map(said)).toEqual(['1: 8 t-0,1; 9 t-1']);
  });

  it('that are too many for one request go in several', async () => {
    const world = setUp(1000);
    lead(
      world,
      Array.from({ length: 10 }, () => 1),
    );
    const events: string[] = [];
    world.sender.send(end(events, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]));
    const seen: string[] = [];
    for (let round = 0; round < 3; round++) {
      for (const one of await sent(world)) {
        seen.push(said(one));
        answerAll(one);
      }
    }
    expect(seen).toEqual(['1: 7 t-0,1,2,3,4,5', '1: 7 t-6,7,8,9']);
    expect(events).toEqual(['7 told']);
  });

  it.each([
    ErrorCode.NOT_LEADER_OR_FOLLOWER,
    ErrorCode.NOT_ENOUGH_REPLICAS,
    ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
    ErrorCode.REQUEST_TIMED_OUT,
    ErrorCode.KAFKA_STORAGE_ERROR,
    ErrorCode.UNKNOWN_SERVER_ERROR,
  ])('that a partition could not take (%i) follow it to its next leader', async (error) => {
    const world = setUp();
    lead(world, [1, 1]);
    const events: string[] = [];
    world.sender.send(end(events, [0, 1]));
    const [first] = await sent(world);
    first?.answer({
      error: ErrorCode.NONE,
      markers: [
        {
          producerId: 7,
          partitions: [
            { topic: 't', partition: 0, error: ErrorCode.NONE },
            { topic: 't', partition: 1, error },
          ],
        },
      ],
    });
    lead(world, [1, 2]);
    await world.clock.runFor(200);
    const again = news(world);
    expect(again.map(said)).toEqual(['2: 7 t-1']);
    for (const one of again) answerAll(one);
    await world.clock.runFor(1);
    expect(events).toEqual(['7 told']);
    expect(world.lines).toEqual(
      error === ErrorCode.UNKNOWN_SERVER_ERROR
        ? ['warn The marker of id-7 for t-1 was refused with UNKNOWN_SERVER_ERROR; trying again']
        : [],
    );
  });

  it('of a broker that cannot be reached, refuses all or says too little are sent again', async () => {
    const world = setUp();
    lead(world, [1]);
    const events: string[] = [];
    world.sender.send(end(events, [0]));
    const refusals: ((one: Asked) => void)[] = [
      (one) => one.fail(),
      (one) => one.answer({ error: ErrorCode.CLUSTER_AUTHORIZATION_FAILED, markers: [] }),
      (one) => one.answer({ error: ErrorCode.NONE, markers: [] }),
    ];
    for (const refuse of refusals) {
      await world.clock.runFor(200);
      const asked = news(world);
      expect(asked.map(said)).toEqual(['1: 7 t-0']);
      for (const one of asked) refuse(one);
    }
    await world.clock.runFor(200);
    for (const one of news(world)) answerAll(one);
    await world.clock.runFor(1);
    expect(events).toEqual(['7 told']);
  });

  it('for a partition without a leader wait until it has one', async () => {
    const world = setUp();
    lead(world, [-1]);
    world.sender.send(end([], [0]));
    expect(await sent(world)).toEqual([]);
    expect(await world.metrics.render()).toMatch(/unknowndestinationqueuesize 1/);
    await world.clock.runFor(60_000);
    expect(news(world)).toEqual([]);
    lead(world, [2]);
    expect((await sent(world)).map(said)).toEqual(['2: 7 t-0']);
    expect(await world.metrics.render()).toMatch(/unknowndestinationqueuesize 0/);
  });

  it('for a partition that is deleted need not be written', async () => {
    const world = setUp();
    lead(world, [1]);
    const events: string[] = [];
    world.sender.send(end(events, [0, 1]));
    const [asked] = await sent(world);
    expect(asked && said(asked)).toBe('1: 7 t-0');
    world.metadata.apply(metadataDelta({ onlyTopics: [] }));
    asked?.fail();
    await world.clock.runFor(200);
    expect(events).toEqual(['7 told']);
  });

  it('for a partition that is not known yet, as the whole cluster is not, wait', async () => {
    const world = setUp();
    lead(world, [1], false);
    const events: string[] = [];
    world.sender.send(end(events, [3]));
    expect(await sent(world)).toEqual([]);
    expect(events).toEqual([]);
    lead(world, [1, 1, 1, 1]);
    expect((await sent(world)).map(said)).toEqual(['1: 7 t-3']);
  });

  it.each([ErrorCode.INVALID_PRODUCER_EPOCH, ErrorCode.TRANSACTION_COORDINATOR_FENCED])(
    'of a coordinator or a producer that is out of date (%i) are given up, and others go on',
    async (error) => {
      const world = setUp();
      lead(world, [1, 1, -1]);
      const events: string[] = [];
      world.sender.send(end(events, [0, 1, 2], 7));
      world.sender.send(end(events, [2], 8));
      for (const one of await sent(world)) answerAll(one, error);
      await world.clock.runFor(1);
      expect(events).toEqual([`7 fenced: ${errorName(error)}`]);
      lead(world, [1, 1, 1]);
      expect((await sent(world)).map(said)).toEqual(['1: 8 t-2']);
    },
  );

  it('are of no use to a log of an old format', async () => {
    const world = setUp();
    lead(world, [1]);
    const events: string[] = [];
    world.sender.send(end(events, [0]));
    for (const one of await sent(world)) answerAll(one, ErrorCode.UNSUPPORTED_FOR_MESSAGE_FORMAT);
    await world.clock.runFor(1);
    expect(events).toEqual(['7 told']);
  });

  it('are not sent any more once another broker coordinates the transaction', async () => {
    const world = setUp();
    lead(world, [1]);
    const events: string[] = [];
    const moved = end(events, [0]);
    world.sender.send(moved);
    for (const one of await sent(world)) {
      moved.state.isOurs = false;
      one.fail();
    }
    await world.clock.runFor(1000);
    expect(news(world)).toEqual([]);
    expect(events).toEqual([]);
  });

  it('end with the broker', async () => {
    const world = setUp();
    lead(world, [-1, 1]);
    world.sender.send(end([], [0, 1]));
    for (const one of await sent(world)) one.fail();
    await world.clock.runFor(1);
    world.sender.shutdown();
    lead(world, [1, 1]);
    await world.clock.runFor(1000);
    expect(news(world)).toEqual([]);
    expect(world.clock.pending).toBe(0);
  });
});
