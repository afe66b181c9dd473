/** The stream between a leader and a follower: its messages, its credit window, compression, breakage. */
import { describe, expect, it } from 'vitest';
import { ErrorCode } from '../../../broker/errors.ts';
import { encodeEnvelope, MalformedMessage } from '../../../broker/peers/envelope.ts';
import { fetcherOf } from '../../../broker/replication/stream/follower.ts';
import {
  decodeFollowerMessage,
  decodeLeaderMessage,
  encodeFollowerMessage,
  encodeLeaderMessage,
  type FollowerMessage,
  type LeaderMessage,
} from '../../../broker/replication/stream/stream-messages.ts';
import { simulatedRandom } from '../../support/simulated-random.ts';
import { batch } from '../log/support.ts';
import { ReplicationCluster, TOPIC, TOPIC_ID } from './cluster-kit.ts';
import { leaderOnly, playedFollower } from './played-follower.ts';

const BIG = 2 ** 45;

describe('messages', () => {
  it.each<FollowerMessage>([
    { type: 'open', epoch: BIG, credit: 8_388_608 },
    {
      type: 'subscribe',
      epoch: BIG,
      items: [
        {
          id: 1,
          topic: 't',
          partition: 0,
          topicId: null,
          leaderEpoch: 3,
          endOffset: BIG,
          lastEpoch: -1,
          startOffset: 0,
        },
        {
          id: 2,
          topic: 'ü',
          partition: 9,
          topicId: TOPIC_ID,
          leaderEpoch: 0,
          endOffset: 0,
          lastEpoch: 5,
          startOffset: BIG,
        },
      ],
    },
    { type: 'ack', epoch: 1, credit: 5, items: [{ id: 1, leaderEpoch: 3, endOffset: BIG, startOffset: 7 }] },
    { type: 'beat', epoch: 1, credit: 0, items: [] },
    { type: 'unsubscribe', ids: [1, 2] },
    { type: 'hold', ids: [1, 2] },
    { type: 'resume', ids: [] },
  ])('of a follower come out as they went in: $type', (message) => {
    expect(decodeFollowerMessage(Buffer.concat(encodeFollowerMessage(message)))).toEqual(message);
  });

  it.each<LeaderMessage>([
    {
      type: 'records',
      items: [
        { id: 1, highWatermark: BIG, startOffset: 0, bytes: Buffer.from('abc'), plainBytes: 0 },
        { id: 2, highWatermark: 5, startOffset: 1, bytes: Buffer.from('de'), plainBytes: 100 },
      ],
    },
    { type: 'marks', items: [{ id: 1, highWatermark: 7, startOffset: 3 }] },
    { type: 'diverging', items: [{ id: 1, epoch: 4, endOffset: BIG }] },
    { type: 'refused', items: [{ id: 1, error: -1, startOffset: -1, endOffset: -1 }] },
    { type: 'beat' },
  ])('of a leader come out as they went in: $type', (message) => {
    expect(decodeLeaderMessage(Buffer.concat(encodeLeaderMessage(message)))).toEqual(message);
  });

  it('of another shape are refused, whatever they are', () => {
    const forged: unknown[] = [
      null,
      [],
      7,
      { type: 'nothing' },
      { type: 'ack', epoch: 1, credit: -1, p: [] },
      { type: 'ack', epoch: 1, credit: 1.5, p: [] },
      { type: 'ack', epoch: 1, credit: 1, p: [[1, 2, -3, 4]] },
      { type: 'subscribe', epoch: 1, p: [[1]] },
      { type: 'unsubscribe', p: 'x' },
      { type: 'open', epoch: '1', credit: 1 },
    ];
    for (const header of forged) {
      const message = Buffer.concat(encodeEnvelope(header));
      expect(() => decodeFollowerMessage(message)).toThrow(MalformedMessage);
    }
    for (const sizeBytes of [4, 2, -1]) {
      const header = { type: 'records', p: [[1, 0, 0, sizeBytes, 0]] };
      const message = Buffer.concat(encodeEnvelope(header, [Buffer.from('abc')]));
      expect(() => decodeLeaderMessage(message)).toThrow(MalformedMessage);
    }
    const random = simulatedRandom(4);
    for (let round = 0; round < 500; round++) {
      const noise = random.bytes(random.int(60));
      if (noise.length > 4) noise.writeUInt32BE(random.int(noise.length), 0);
      expect(() => decodeLeaderMessage(noise)).toThrow(MalformedMessage);
      expect(() => decodeFollowerMessage(noise)).toThrow(MalformedMessage);
    }
  });
});

describe('a leader', () => {
  it('sends no more than the credit it was given, and goes on as credit comes back', async () => {
    const cluster = await leaderOnly(1, { replicaFetchMaxBytes: 2000 });
    const value = 'x'.repeat(1000);
    const size = batch([value]).length;
    for (let index = 0; index < 50; index++) await cluster.produced(1, [value], { acks: 1 });
    const follower = await playedFollower(cluster, 10 * size);
    await follower.subscribe(1, 0);
    await cluster.clock.runFor(1000);
    expect(follower.recordBytes()).toBe(10 * size);
    for (let index = 0; index < 20; index++) await cluster.produced(1, [value], { acks: 1 });
    expect(follower.recordBytes()).toBe(10 * size);
    const [stream] = cluster.node(1).replicas.streams.all();
    expect(stream?.creditBytes).toBe(0);
    await follower.say({ type: 'ack', epoch: follower.epoch, credit: 3 * size, items: [] });
    expect(follower.recordBytes()).toBe(13 * size);
    // More than the window is never granted, whatever is claimed.
    await follower.say({ type: 'ack', epoch: follower.epoch, credit: 2 ** 40, items: [] });
    await cluster.clock.runFor(1000);
    expect(stream?.creditBytes).toBeLessThanOrEqual(8 * 1024 * 1024);
    expect(follower.recordBytes()).toBe(70 * size);
  });

  it('sends a batch that is larger than the credit, once', async () => {
    const cluster = await leaderOnly(1);
    for (const value of ['x', 'y']) await cluster.produced(1, [value.repeat(5000)], { acks: 1 });
    const follower = await playedFollower(cluster, 10);
    await follower.subscribe(1, 0);
    await cluster.clock.runFor(1000);
    expect(follower.recordBytes()).toBe(batch(['x'.repeat(5000)]).length);
  });

  it('does not pile up news for a follower that does not listen', async () => {
    const cluster = await leaderOnly(1, { peerStreamCreditBytes: 1000 });
    const follower = await playedFollower(cluster, 1000);
    cluster.alive.delete(2); // or the high watermark would wait for it
    await follower.subscribe(1, 0);
    cluster.network.cutOneWay('host1', 'host2');
    const [stream] = cluster.node(1).replicas.streams.all();
    for (let index = 0; index < 300; index++) {
      await cluster.produced(1, ['x'], { acks: 1 });
      await cluster.clock.runFor(10);
    }
    expect(stream?.bufferedBytes).toBeLessThan(2000);
    cluster.network.heal();
    await cluster.clock.runFor(100);
    expect(follower.heard.at(-1)).toMatchObject({ items: [{ highWatermark: 300 }] });
  });

  it('gives every partition its turn', async () => {
    const cluster = await leaderOnly(3, { replicaFetchMaxBytes: 1200, replicaFetchResponseMaxBytes: 2400 });
    for (let partition = 0; partition < 3; partition++) {
      for (let index = 0; index < 10; index++) {
        await cluster.produced(1, ['x'.repeat(1000)], { acks: 1, partition });
      }
    }
    const follower = await playedFollower(cluster, 8 * batch(['x'.repeat(1000)]).length);
    const items = [0, 1, 2].map((partition) => ({
      id: partition + 1,
      topic: TOPIC,
      partition,
      topicId: TOPIC_ID,
      leaderEpoch: 0,
      endOffset: 0,
      lastEpoch: -1,
      startOffset: 0,
    }));
    await follower.say({ type: 'subscribe', epoch: follower.epoch, items });
    await cluster.clock.runFor(1000);
    const order = follower.heard.flatMap((said) =>
      said.type === 'records' ? said.items.map(({ id }) => id) : [],
    );
    expect(order).toEqual([1, 2, 3, 1, 2, 3, 1, 2]);
  });

  it('sends what one burst of appends brought in one message', async () => {
    const cluster = await leaderOnly(1);
    const follower = await playedFollower(cluster, 1_000_000);
    await follower.subscribe(1, 0);
    const before = follower.heard.length;
    for (const value of ['a', 'b', 'c']) void cluster.produce(1, [value], { acks: 1 });
    await cluster.clock.runFor(10);
    expect(follower.heard.slice(before).map(({ type }) => type)).toEqual(['records']);
  });

  it('tells a new high watermark at once, and answers each beat', async () => {
    const cluster = await leaderOnly(1);
    const follower = await playedFollower(cluster, 1_000_000);
    await follower.subscribe(1, 0);
    expect(follower.heard).toEqual([{ type: 'marks', items: [{ id: 1, highWatermark: 0, startOffset: 0 }] }]);
    await cluster.until(() => cluster.truth().isr.includes(2), 1000);
    void cluster.produce(1, ['a']);
    await cluster.clock.runFor(10);
    const items = [{ id: 1, leaderEpoch: 0, endOffset: 1, startOffset: 0 }];
    await follower.say({ type: 'ack', epoch: follower.epoch, credit: 0, items });
    expect(follower.heard.at(-1)).toEqual({
      type: 'marks',
      items: [{ id: 1, highWatermark: 1, startOffset: 0 }],
    });
    await follower.say({ type: 'beat', epoch: follower.epoch, credit: 0, items: [] });
    expect(follower.heard.at(-1)).toEqual({ type: 'beat' });
  });

  it.each([
    ['a partition nobody knows', 7, 0, 0, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION],
    ['an epoch it has not heard of', 0, 0, 1, ErrorCode.UNKNOWN_LEADER_EPOCH],
    ['an offset beyond its end', 0, 9, 0, ErrorCode.OFFSET_OUT_OF_RANGE],
  ])('refuses %s', async (_what, partition, endOffset, leaderEpoch, error) => {
    const cluster = await leaderOnly(1);
    const follower = await playedFollower(cluster, 1_000_000);
    await follower.subscribe(5, partition, endOffset, leaderEpoch);
    expect(follower.heard).toMatchObject([{ type: 'refused', items: [{ id: 5, error }] }]);
  });

  it('does not let acknowledgements of an earlier subscription count', async () => {
    const cluster = await leaderOnly(1);
    await cluster.produced(1, ['a'], { acks: 1 });
    const follower = await playedFollower(cluster, 1_000_000);
    await follower.subscribe(1, 0);
    await follower.subscribe(2, 0);
    const items = [{ id: 1, leaderEpoch: 0, endOffset: 1, startOffset: 0 }];
    await follower.say({ type: 'ack', epoch: follower.epoch, credit: 0, items });
    expect(cluster.partition(1).followers.get(2)?.endOffset).toBe(0);
    await follower.say({
      type: 'ack',
      epoch: follower.epoch,
      credit: 0,
      items: items.map((item) => ({ ...item, id: 2 })),
    });
    expect(cluster.partition(1).followers.get(2)?.endOffset).toBe(1);
  });

  it('refuses an acknowledgement of an earlier epoch, and ends the subscription when its own epoch changes', async () => {
    const cluster = await leaderOnly(1);
    const follower = await playedFollower(cluster, 1_000_000);
    await follower.subscribe(1, 0);
    cluster.elect(1, [1]);
    await cluster.clock.runFor(20);
    expect(follower.heard.at(-1)).toMatchObject({
      type: 'refused',
      items: [{ id: 1, error: ErrorCode.FENCED_LEADER_EPOCH }],
    });
    await follower.subscribe(2, 0, 0, 1);
    const items = [{ id: 2, leaderEpoch: 0, endOffset: 0, startOffset: 0 }];
    await follower.say({ type: 'ack', epoch: follower.epoch, credit: 0, items });
    expect(follower.heard.at(-1)).toMatchObject({
      type: 'refused',
      items: [{ id: 2, error: ErrorCode.FENCED_LEADER_EPOCH }],
    });
  });

  it('closes the stream on a stale broker epoch, on nonsense, and on silence', async () => {
    const cluster = await leaderOnly(1);
    const stale = await playedFollower(cluster, 1000);
    await stale.say({ type: 'beat', epoch: stale.epoch - 1, credit: 0, items: [] });
    expect(stale.channel.open).toBe(false);
    const confused = await playedFollower(cluster, 1000);
    confused.channel.send([Buffer.from('nonsense')]);
    await cluster.clock.runFor(20);
    expect(confused.channel.open).toBe(false);
    const silent = await playedFollower(cluster, 1000);
    await cluster.clock.runFor(29_900);
    expect(silent.channel.open).toBe(true);
    await cluster.clock.runFor(200);
    expect(silent.channel.open).toBe(false);
    expect(cluster.node(1).replicas.streams.count).toBe(0);
  });
});

describe('replication', () => {
  it('with snappy brings the same bytes, compressed batches as they are', async () => {
    const cluster = await ReplicationCluster.start({ brokers: 2, config: { peerCompressionType: 'snappy' } });
    cluster.create([1, 2]);
    const values = Array.from({ length: 200 }, (_, index) => `value ${index % 5}`);
    await cluster.produced(1, values);
    await cluster.produced(1, values, { codec: 'gzip' });
    await cluster.produced(1, ['x']);
    await cluster.clock.runFor(10);
    expect(cluster.contents(2)).toEqual(cluster.contents(1));
    expect(cluster.log(2).sizeBytes).toBe(cluster.log(1).sizeBytes);
    const text = await cluster.node(2).metrics.render();
    const received = Number(/replicationbytesin_total (\d+)/.exec(text)?.[1]);
    expect(received).toBeLessThan(cluster.log(1).sizeBytes * 0.6);
  });

  it('through a window smaller than a batch gets everything across', async () => {
    const cluster = await ReplicationCluster.start({ brokers: 3, config: { peerStreamCreditBytes: 64 } });
    cluster.create([1, 2, 3]);
    const all = Array.from({ length: 40 }, (_, index) => cluster.produce(1, [`${index}`.repeat(50)]));
    const outcomes = await cluster.clock.runUntilSettled(Promise.all(all), 10_000);
    expect(outcomes.every(({ error }) => error === ErrorCode.NONE)).toBe(true);
    expect(cluster.contents(3)).toEqual(cluster.contents(1));
  });

  it('uses as many streams to a leader as num.replica.fetchers says, and closes those that idle', async () => {
    const cluster = await ReplicationCluster.start({ brokers: 2, config: { numReplicaFetchers: 2 } });
    for (let partition = 0; partition < 4; partition++) cluster.create([1, 2], partition);
    await cluster.clock.runFor(100);
    expect(cluster.node(1).replicas.streams.count).toBe(2);
    for (let partition = 0; partition < 4; partition++) cluster.elect(2, undefined, partition);
    await cluster.clock.runFor(100);
    expect(cluster.node(1).replicas.streams.count).toBe(0);
    expect(cluster.node(2).replicas.streams.count).toBe(2);
  });

  it('divides partitions among streams by Java’s hash of the topic', () => {
    // "orders".hashCode() is -1008770331.
    expect([0, 1, 2].map((partition) => fetcherOf('orders', partition, 7))).toEqual(
      [0, 1, 2].map((partition) => Math.abs((Math.imul(31, -1008770331) + partition) | 0) % 7),
    );
  });

  it('and takes the first for the smallest hash, as Kafka’s Utils.abs does', () => {
    // 31 times the topic's hash and the partition come to -2147483648.
    expect(fetcherOf('topic-quksob', 29, 7)).toBe(0);
  });

  it('goes on after the connection was lost, from where the log ends', async () => {
    const cluster = await ReplicationCluster.start({ brokers: 2 });
    cluster.create([1, 2]);
    await cluster.produced(1, ['a']);
    for (const stream of cluster.node(1).replicas.streams.all()) stream.close('lost');
    const outcome = await cluster.produced(1, ['b']);
    expect(outcome.error).toBe(ErrorCode.NONE);
    expect(cluster.contents(2)).toEqual(['0:a', '1:b']);
    expect(cluster.truth().isr).toEqual([1, 2]);
  });
});
