/** The cluster that other projects' tests run on: real clients, real replication, and nothing left behind. */
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Kafka, logLevel } from 'kafkajs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { asMap, decodeEnvelope, encodeEnvelope } from '../../broker/peers/envelope.ts';
import { type Hello, NONCE_BYTES, PROTOCOL_REVISION, proofOf } from '../../broker/peers/handshake.ts';
import { webSocketChannels } from '../../broker/platform/web-socket-channels.ts';
import { type KitCluster, type KitOptions, startCluster } from './cluster.ts';

let cluster: KitCluster;

beforeAll(async () => {
  cluster = await startCluster();
});

afterAll(() => cluster.close());

describe('a cluster in this process', () => {
  it('replicates what an ordinary client produces, and gives it back', async () => {
    const kafka = new Kafka({ brokers: cluster.bootstrapServers.split(','), logLevel: logLevel.NOTHING });
    const admin = kafka.admin();
    await admin.connect();
    await admin.createTopics({
      waitForLeaders: true,
      topics: [{ topic: 't', numPartitions: 1, replicationFactor: 3 }],
    });
    await admin.disconnect();
    const producer = kafka.producer();
    await producer.connect();
    await producer.send({ topic: 't', acks: -1, messages: [{ value: 'one' }, { value: 'two' }] });
    await producer.disconnect();
    const ends = cluster.brokers.map((broker) => broker.inside.logs.log('t', 0)?.endOffset);
    expect(ends.filter((end) => end === 2).length).toBeGreaterThanOrEqual(2);

    const consumer = kafka.consumer({ groupId: 'g', maxWaitTimeInMs: 100 });
    await consumer.connect();
    await consumer.subscribe({ topic: 't', fromBeginning: true });
    const values: string[] = [];
    await new Promise<void>((resolve) => {
      void consumer.run({
        eachMessage: ({ message }) => {
          values.push(String(message.value));
          if (values.length === 2) resolve();
          return Promise.resolve();
        },
      });
    });
    await consumer.disconnect();
    expect(values).toEqual(['one', 'two']);
  });

  it('has transactions, and reads what they have left as a consumer would', async () => {
    await cluster.createTopics('ledger');
    const kafka = new Kafka({ brokers: cluster.bootstrapServers.split(','), logLevel: logLevel.NOTHING });
    const producer = kafka.producer({ transactionalId: 'tx', idempotent: true, maxInFlightRequests: 1 });
    await producer.connect();
    for (const end of ['abort', 'commit', 'abort'] as const) {
      const transaction = await producer.transaction();
      await transaction.send({ topic: 'ledger', messages: [{ value: end }] });
      await transaction[end]();
    }
    await producer.disconnect();
    const values = async (isolation: 'read_committed' | 'read_uncommitted') =>
      (await cluster.consume('ledger', { isolation })).map(({ value }) => value);
    expect(await values('read_uncommitted')).toEqual(['abort', 'commit', 'abort']);
    expect(await values('read_committed')).toEqual(['commit']);
    await cluster.expectEveryAcknowledgedRecordOnce('ledger', ['commit']);
    await cluster.deleteTopics('ledger');
  });

  it('records nothing of what is produced and fetched in its journals', async () => {
    await cluster.createTopics('quiet');
    const lastIds = () => cluster.brokers.map((broker) => broker.inside.journal.lastId);
    const kafka = new Kafka({ brokers: cluster.bootstrapServers.split(','), logLevel: logLevel.NOTHING });
    const producer = kafka.producer();
    await producer.connect();
    await producer.send({ topic: 'quiet', acks: -1, messages: [{ value: 'first' }] });
    const before = lastIds();
    for (let round = 0; round < 20; round++) {
      const messages = Array.from({ length: 50 }, (_, index) => ({ value: `${round} ${index}` }));
      await producer.send({ topic: 'quiet', acks: -1, messages });
    }
    await producer.disconnect();
    expect(await cluster.consume('quiet')).toHaveLength(1001);
    expect(lastIds()).toEqual(before);
    await cluster.deleteTopics('quiet');
  });

  it('has one controller', () => {
    expect(cluster.brokers.filter((broker) => broker.inside.controller.isActive)).toHaveLength(1);
  });

  it('has a secret of its own, so that nobody else who reaches a port is taken for a broker', async () => {
    const [broker] = cluster.brokers;
    const heard: Record<string, unknown>[] = [];
    const channel = await webSocketChannels().dial({
      host: '127.0.0.1',
      port: broker?.peerPort ?? 0,
      timeoutMs: 20_000,
      maxMessageBytes: 10_000,
    });
    const hello: Hello = {
      type: 'hello',
      revision: PROTOCOL_REVISION,
      clusterId: broker?.clusterId ?? '',
      brokerId: 2,
      brokerEpoch: 1,
      role: 'control',
      expectedBrokerId: broker?.brokerId ?? 0,
      nonce: Buffer.alloc(NONCE_BYTES),
    };
    const closed = new Promise((resolve) => channel.onClose(resolve));
    channel.onMessage((message) => {
      const said = asMap(decodeEnvelope(message).header);
      heard.push(said);
      if (said['type'] !== 'challenge') return;
      const challenge = { type: 'challenge' as const, nonce: Buffer.from(said['nonce'] as Uint8Array) };
      channel.send(encodeEnvelope({ type: 'proof', proof: proofOf('dial', hello, challenge, '') }));
    });
    channel.send(encodeEnvelope(hello));
    await closed;
    expect(heard.at(-1)).toEqual({ type: 'refused', reason: 'the shared secrets differ' });
  });

  it('leaves nothing behind', async () => {
    const short = await startCluster({ brokers: 1 });
    const [log] = [...short.brokers].map((broker) => broker.inside.logs.directories()[0]?.path);
    expect(existsSync(log ?? '')).toBe(true);
    await short.close();
    expect(existsSync(log ?? '')).toBe(false);
  });
});

describe('a cluster on a directory of its own', () => {
  it('is the same cluster when it is started there again, with its topics and its records', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'odradek-kit-test-'));
    const ids: string[] = [];
    for (let round = 1; round <= 3; round++) {
      const again = await startCluster({ brokers: 2, directory });
      ids.push(again.brokers[0]?.clusterId ?? '');
      const kafka = new Kafka({ brokers: again.bootstrapServers.split(','), logLevel: logLevel.NOTHING });
      const [admin, producer] = [kafka.admin(), kafka.producer()];
      await admin.connect();
      const topics = [{ topic: 'kept', numPartitions: 1, replicationFactor: 2 }];
      if (round === 1) await admin.createTopics({ waitForLeaders: true, topics });
      await producer.connect();
      await producer.send({ topic: 'kept', acks: -1, messages: [{ value: `round ${round}` }] });
      expect(await admin.fetchTopicOffsets('kept')).toMatchObject([{ low: '0', high: String(round) }]);
      await producer.disconnect();
      await admin.disconnect();
      await again.close();
    }
    expect(new Set(ids).size).toBe(1);
    rmSync(directory, { recursive: true });
  });
});

describe('what a cluster is not started with', () => {
  it.each([
    [
      { properties: { 'num.partition': '3' } },
      "'num.partition' is no property of a broker: is it num.partitions?",
    ],
    [{ properties: { 'xyz.unheard.of': '3' } }, "'xyz.unheard.of' is no property of a broker"],
    [{ broker: 1 }, "'broker' is no option of a test cluster: is it brokers?"],
    [{ brokers: 0 }, 'brokers must be an integer from 1, not 0'],
    [{ properties: { 'num.partitions': 'x' } }, 'num.partitions'],
  ] as const)('%j', async (options, reason) => {
    await expect(startCluster(options as KitOptions)).rejects.toThrow(reason);
  });
});
