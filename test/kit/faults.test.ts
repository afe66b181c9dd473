/** What a client meets on purpose: errors, silence, slowness, an older broker, a network that is cut. */
import { Kafka, logLevel } from 'kafkajs';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { tcpSockets } from '../../broker/platform/tcp-sockets.ts';
import { KafkaConnection } from '../../broker/protocol/client.ts';
import { Produce } from '../../broker/protocol/messages/00-produce.ts';
import { Metadata } from '../../broker/protocol/messages/03-metadata.ts';
import { CreatePartitions } from '../../broker/protocol/messages/37-create-partitions.ts';
import { buildBatch } from '../../broker/records/build.ts';
import { type KitCluster, startCluster } from './cluster.ts';
import type { FailOptions } from './request-faults.ts';

let cluster: KitCluster;
let connections: KafkaConnection[] = [];

beforeAll(async () => {
  cluster = await startCluster({ properties: { 'zookeeper.session.timeout.ms': '600' } });
});
beforeEach(async () => {
  for (const connection of connections.splice(0)) connection.close();
  await cluster.reset();
});
afterAll(async () => {
  for (const connection of connections) connection.close();
  await cluster.close();
});

async function connect(broker: number, clientId = 'app'): Promise<KafkaConnection> {
  const port = Number(cluster.bootstrapServers.split(',')[broker - 1]?.split(':')[1]);
  const options = { host: '127.0.0.1', port, clientId, timeoutMs: 20_000 };
  const connection = await KafkaConnection.connect(tcpSockets(), options);
  connections = [...connections, connection];
  return connection;
}

const EVERYTHING = { topics: null, allowAutoTopicCreation: false };

async function produceOne(
  connection: KafkaConnection,
  topic: string,
  partition = 0,
): Promise<number | undefined> {
  const records = buildBatch({ records: [{ value: Buffer.from('x'), timestampMs: Date.now() }] });
  const topicData = [{ name: topic, partitionData: [{ index: partition, records }] }];
  const answer = await connection.request(Produce, { acks: -1, timeoutMs: 5000, topicData });
  return answer.responses[0]?.partitionResponses[0]?.errorCode;
}

describe('failNext', () => {
  it('answers an error so many times, and nothing is done; then all is well', async () => {
    await cluster.createTopics('t');
    const connection = await connect(await cluster.awaitLeader('t'));
    const fault = cluster.failNext({ api: 'Produce', error: 'NOT_LEADER_OR_FOLLOWER', times: 2 });
    const answers: (number | undefined)[] = [];
    for (let round = 0; round < 3; round++) answers.push(await produceOne(connection, 't'));
    expect(answers).toEqual([6, 6, 0]);
    expect(fault.struck).toBe(2);
    expect(await cluster.consume('t')).toHaveLength(1);
  });

  it('strikes only what was meant: the topic, the partition, the client, the broker', async () => {
    await cluster.createTopics({ name: 't', partitions: 2 }, 'u');
    await cluster.moveLeader('t', 0, 1);
    await cluster.moveLeader('t', 1, 1);
    await cluster.moveLeader('u', 0, 1);
    cluster.failNext({
      api: 'Produce',
      error: 'REQUEST_TIMED_OUT',
      topic: 't',
      partition: 1,
      clientId: 'app',
      broker: 1,
    });
    cluster.failNext({ api: 'Produce', error: 'REQUEST_TIMED_OUT', broker: 2 });
    const [app, other] = [await connect(1), await connect(1, 'other')];
    expect(await produceOne(app, 'u')).toBe(0);
    expect(await produceOne(app, 't', 0)).toBe(0);
    expect(await produceOne(other, 't', 1)).toBe(0);
    expect(await produceOne(app, 't', 1)).toBe(7);
    expect(await produceOne(app, 't', 1)).toBe(0);
  });

  it('counts over all brokers', async () => {
    cluster.failNext({ api: 'Metadata', error: 'close' });
    const [one, two] = [await connect(1), await connect(2)];
    await expect(one.request(Metadata, EVERYTHING)).rejects.toThrow('closed the connection');
    await expect(two.request(Metadata, EVERYTHING)).resolves.toBeDefined();
  });

  it('carries a request out and loses the answer, as between a crash and its retry', async () => {
    await cluster.createTopics('t');
    const leader = await cluster.awaitLeader('t');
    cluster.failNext({ api: 'Produce', error: 'close', carriedOut: true });
    await expect(produceOne(await connect(leader), 't')).rejects.toThrow('closed the connection');
    expect(await cluster.consume('t')).toHaveLength(1);
    expect(await produceOne(await connect(leader), 't')).toBe(0);
    await expect(cluster.expectEveryAcknowledgedRecordOnce('t', ['x', 'y'])).rejects.toThrow(
      'of 2 acknowledged records in t 1 are lost: y; 1 are there more than once: x',
    );
  });

  it('never answers, and keeps the connection busy until it is closed', async () => {
    cluster.failNext({ api: 'Metadata', error: 'no answer' });
    const connection = await connect(1);
    const asked = connection.request(Metadata, EVERYTHING).then(
      () => 'answered',
      () => 'closed',
    );
    const quiet = new Promise((resolve) => setTimeout(resolve, 100, 'nothing'));
    expect(await Promise.race([asked, quiet])).toBe('nothing');
    connection.close();
    expect(await asked).toBe('closed');
  });

  it('answers late', async () => {
    const connection = await connect(1);
    await connection.request(Metadata, EVERYTHING);
    cluster.failNext({ api: 'Metadata', delayMs: 150 });
    const startedMs = performance.now();
    await connection.request(Metadata, EVERYTHING);
    expect(performance.now() - startedMs).toBeGreaterThan(145);
  });

  it.each([
    [{ api: 'Produse', error: 'close' }, "'Produse' is no API that a broker serves: is it Produce?"],
    [{ error: 'NOT_LEADER' }, "'NOT_LEADER' is no error that a broker answers"],
    [{ error: 'NOT_COORDINATR' }, 'is it NOT_COORDINATOR?'],
    [{ eror: 'close' }, "'eror' is no option of failNext: is it error?"],
    [{ api: 'Produce' }, 'failNext: say what happens: an error, or a delayMs'],
    [{ error: 'close', partition: 1 }, 'failNext: a partition needs its topic'],
    [{ error: 'close', times: 0 }, 'failNext: times must be 1 or more, not 0'],
    [{ error: 'close', broker: 9 }, 'there is no broker 9'],
  ])('refuses %j', (options, reason) => {
    expect(() => cluster.failNext(options as FailOptions)).toThrow(reason);
  });
});

describe('requests', () => {
  it('are what a client sent, decoded', async () => {
    await cluster.createTopics('t');
    const kafka = new Kafka({
      clientId: 'shop',
      brokers: cluster.bootstrapServers.split(','),
      logLevel: logLevel.NOTHING,
    });
    const producer = kafka.producer();
    await producer.connect();
    await producer.send({ topic: 't', acks: -1, messages: [{ value: 'x' }] });
    await producer.disconnect();
    const [sent] = cluster.requests({ api: 'Produce', clientId: 'shop' });
    expect(sent).toMatchObject({
      api: 'Produce',
      clientId: 'shop',
      broker: await cluster.awaitLeader('t'),
      body: { acks: -1, topicData: [{ name: 't', partitionData: [{ index: 0 }] }] },
    });
    expect(cluster.requests({ clientId: 'odradek-testkit' })).toEqual([]);
    await cluster.reset();
    expect(cluster.requests()).toEqual([]);
  });
});

describe('an older broker', () => {
  it('says what it speaks, and closes on what it does not', async () => {
    cluster.actLike('2.8');
    const connection = await connect(1);
    const versions = await connection.versions();
    expect(versions.get(Metadata.key)).toEqual({ min: 0, max: 11 });
    expect(versions.get(Produce.key)).toEqual({ min: 0, max: 9 });
    await expect(connection.request(Metadata, EVERYTHING, 12)).rejects.toThrow('closed the connection');
    const again = await connect(1);
    await expect(again.request(Metadata, EVERYTHING, 11)).resolves.toBeDefined();
    cluster.actLike('3.9');
    expect((await (await connect(1)).versions()).get(Metadata.key)).toEqual({ min: 0, max: 12 });
  });

  it('speaks only what it is limited to, and denies what it does not know', async () => {
    cluster.limitVersions({ Metadata: [1, 4], CreatePartitions: null });
    const versions = await (await connect(1)).versions();
    expect(versions.get(Metadata.key)).toEqual({ min: 1, max: 4 });
    expect(versions.has(CreatePartitions.key)).toBe(false);
    expect(() => cluster.limitVersions({ Metadata: [40, 41] })).toThrow('Metadata has versions 0 to 12');
    expect(() => cluster.limitVersions({ Metdata: null })).toThrow('is it Metadata?');
    expect(() => cluster.actLike('1.9')).toThrow("'1.9' is no release that can be acted: these are 2.0, 2.1");
  });

  it('serves an ordinary client', async () => {
    cluster.actLike('2.0');
    const kafka = new Kafka({ brokers: cluster.bootstrapServers.split(','), logLevel: logLevel.NOTHING });
    const admin = kafka.admin();
    await admin.connect();
    expect(await admin.listTopics()).toEqual([]);
    await admin.disconnect();
  });
});

describe('the network', () => {
  it('between two brokers is cut, and the follower leaves the in-sync replicas; mended, it comes back', async () => {
    const properties = { 'replica.lag.time.max.ms': '400', 'replica.fetch.wait.max.ms': '100' };
    const short = await startCluster({ properties, topics: ['t'] });
    try {
      const leader = await short.awaitLeader('t');
      const [first = 0, second = 0] = [1, 2, 3].filter((id) => id !== leader);
      // Not beyond the cut: only with its leave does the leader change the in-sync replicas.
      await short.moveController(second);
      for (const how of ['reset', 'silent'] as const) {
        short.cut(leader, first, { how });
        await short.produce('t', ['one'], { timeoutMs: 60_000 });
        await short.awaitIsr('t', 0, [leader, second]);
        short.heal(first, leader);
        await short.awaitIsr('t', 0, 3, { timeoutMs: 60_000 });
      }
    } finally {
      await short.close();
    }
  });

  it('between a broker and ZooKeeper is cut, and its leaders go to others', async () => {
    await cluster.createTopics('t');
    const leader = await cluster.awaitLeader('t');
    // Were it the controller, another would have to take office first.
    await cluster.moveController((leader % 3) + 1);
    cluster.cut(leader, 'zookeeper');
    await expect
      .poll(() => cluster.events({ kind: 'leader-moved' }).at(-1)?.event)
      .toMatchObject({ topic: 't', from: leader, reason: 'broker-lost' });
    cluster.heal();
    await cluster.awaitIsr('t', 0, 3);
  });

  it('between clients and a broker is cut, slowed and mended', async () => {
    const connection = await connect(1);
    await connection.request(Metadata, EVERYTHING);
    cluster.slow(1, 'clients', 60);
    const startedMs = performance.now();
    await connection.request(Metadata, EVERYTHING);
    expect(performance.now() - startedMs).toBeGreaterThan(115);
    cluster.cut('clients', 1);
    await expect(connection.request(Metadata, EVERYTHING)).rejects.toThrow('closed');
    const refused = await connect(1);
    await expect(refused.request(Metadata, EVERYTHING)).rejects.toThrow('closed');
    cluster.heal();
    await expect((await connect(1)).request(Metadata, EVERYTHING)).resolves.toBeDefined();
  });

  it('has no ways that do not exist', () => {
    expect(() => cluster.cut(1, 1)).toThrow('there is no way from 1 to 1');
    expect(() => cluster.cut('clients', 'zookeeper')).toThrow('there is no way from clients to zookeeper');
    expect(() => cluster.cut(1, 9)).toThrow('there is no broker 9: they are 1 to 3');
    expect(() => cluster.slow(1, 2, -1)).toThrow('slow takes 0 ms or more, not -1');
  });
});
