/**
 * A coordinator that moves while its broker lives, under a member of kafkajs that commits by hand. Brokers say at once
 * who it is now. kafkajs commits to the coordinator with which it has joined, however often that says that it is
 * none; it looks for another one when a heartbeat is answered so, and joins there. Once it is told that the group does
 * not know it, and loses the connection over which it joins again, it forgets to join: it reads on, sends no heartbeats,
 * and commits in vain for as long as its retries last.
 */
import { type Consumer, Kafka, logLevel } from 'kafkajs';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { tcpSockets } from '../../broker/platform/tcp-sockets.ts';
import { KafkaConnection } from '../../broker/protocol/client.ts';
import { FindCoordinator } from '../../broker/protocol/messages/10-find-coordinator.ts';
import { type KitCluster, startCluster } from '../kit/cluster.ts';

const TOPIC = 't';
const RETRIES = 20;
const SESSION_TIMEOUT_MS = 6000;

let cluster: KitCluster;
const consumers: Consumer[] = [];

beforeAll(async () => {
  cluster = await startCluster();
  await cluster.createTopics(TOPIC);
  await cluster.produce(TOPIC, ['one', 'two']);
});
afterEach(() => Promise.all(consumers.splice(0).map((each) => each.disconnect())));
afterAll(() => cluster.close());

/** Whom each broker takes for the coordinator. */
async function coordinators(group: string): Promise<number[]> {
  const asked = cluster.bootstrapServers.split(',').map(async (address) => {
    const [host = '', port = ''] = address.split(':');
    const to = { host, port: Number(port), clientId: 'asker', timeoutMs: 20_000 };
    const connection = await KafkaConnection.connect(tcpSockets(), to);
    const answer = await connection.request(FindCoordinator, { keyType: 0, coordinatorKeys: [group] });
    connection.close();
    return answer.coordinators[0]?.nodeId ?? -1;
  });
  return Promise.all(asked);
}

/** A member of a group of its own, its coordinator, and the broker after that. */
async function joined(group: string) {
  const clientId = `member of ${group}`;
  const brokers = cluster.bootstrapServers.split(',');
  const kafka = new Kafka({ clientId, brokers, logLevel: logLevel.NOTHING });
  const retry = { initialRetryTime: 20, maxRetryTime: 50, retries: RETRIES };
  const consumer = kafka.consumer({
    ...{ groupId: group, retry, maxWaitTimeInMs: 50 },
    ...{ heartbeatInterval: 100, sessionTimeout: SESSION_TIMEOUT_MS },
  });
  consumers.push(consumer);
  const seen = { joins: 0, last: '' };
  consumer.on(consumer.events.GROUP_JOIN, () => {
    seen.joins++;
  });
  await consumer.connect();
  await consumer.subscribe({ topic: TOPIC, fromBeginning: true });
  await consumer.run({
    autoCommit: false,
    eachMessage: async ({ message }) => {
      seen.last = `${message.value}`;
    },
  });
  await expect.poll(() => seen.joins).toBe(1);
  const from = (await coordinators(group))[0] ?? -1;
  await cluster.moveCoordinator(group, from);
  const commit = (offset: number) =>
    consumer.commitOffsets([{ topic: TOPIC, partition: 0, offset: String(offset) }]);
  await commit(1);
  /** The brokers that were asked so, in the order of the requests. */
  const asked = (api: string) => cluster.requests({ api, clientId }).map(({ broker }) => broker);
  return { consumer, seen, commit, asked, from, to: (from % 3) + 1 };
}

it('is named by every broker at once, and found by kafkajs with its next heartbeat', async () => {
  const { seen, commit, asked, from, to } = await joined('g1');
  expect(new Set(asked('OffsetCommit'))).toEqual(new Set([from]));
  await cluster.moveCoordinator('g1', to);
  await expect.poll(() => coordinators('g1')).toEqual([to, to, to]);
  await expect.poll(() => seen.joins).toBeGreaterThanOrEqual(2);
  await commit(2);
  expect(asked('OffsetCommit').at(-1)).toBe(to);
});

it('is never found by kafkajs that has forgotten to join, though it reads on, until it begins again', async () => {
  const { consumer, seen, commit, asked, from, to } = await joined('g2');
  const strange = cluster.failNext({ api: 'Heartbeat', error: 'UNKNOWN_MEMBER_ID', times: 1 });
  const cut = cluster.failNext({ api: 'JoinGroup', error: 'close', times: 1 });
  await expect.poll(() => [strange.struck, cut.struck]).toEqual([1, 1]);
  await cluster.moveCoordinator('g2', to);
  const apis = ['FindCoordinator', 'JoinGroup', 'Heartbeat', 'OffsetCommit'] as const;
  const before = apis.map((api) => asked(api).length);
  await cluster.produce(TOPIC, ['three']);
  await expect.poll(() => seen.last).toBe('three');
  await expect(commit(2)).rejects.toMatchObject({ cause: { type: 'NOT_COORDINATOR_FOR_GROUP' } });
  const since = apis.map((api, index) => asked(api).slice(before[index]));
  expect(since).toEqual([[], [], [], Array.from({ length: RETRIES + 1 }, () => from)]);

  await consumer.stop();
  await consumer.run({ autoCommit: false, eachMessage: async () => {} });
  await expect.poll(() => seen.joins).toBe(2);
  await commit(2);
  expect(asked('OffsetCommit').at(-1)).toBe(to);
});
