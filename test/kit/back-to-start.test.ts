/** Back to new, back to a picture, and on to a later time. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Kafka, logLevel } from 'kafkajs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { tcpSockets } from '../../broker/platform/tcp-sockets.ts';
import { KafkaConnection } from '../../broker/protocol/client.ts';
import { JoinGroup } from '../../broker/protocol/messages/11-join-group.ts';
import { SyncGroup } from '../../broker/protocol/messages/14-sync-group.ts';
import { type KitCluster, startCluster } from './cluster.ts';

let cluster: KitCluster;

beforeAll(async () => {
  cluster = await startCluster({ properties: { 'zookeeper.session.timeout.ms': '600' } });
});
afterAll(() => cluster.close());

function client(of: KitCluster = cluster): Kafka {
  return new Kafka({ brokers: of.bootstrapServers.split(','), logLevel: logLevel.NOTHING });
}

async function commitAsGroup(group: string, topic: string): Promise<void> {
  const consumer = client().consumer({ groupId: group, maxWaitTimeInMs: 50 });
  await consumer.connect();
  await consumer.subscribe({ topic, fromBeginning: true });
  await consumer.run({ eachMessage: () => Promise.resolve() });
  await cluster.awaitAssigned(group, topic);
  await consumer.commitOffsets([{ topic, partition: 0, offset: '1' }]);
  await consumer.disconnect();
}

/** Joins at broker 1, alone, and says nothing more. */
async function silentMember(of: KitCluster, groupId: string): Promise<KafkaConnection> {
  const port = Number(of.bootstrapServers.split(',')[0]?.split(':')[1]);
  const options = { host: '127.0.0.1', port, clientId: 'silent', timeoutMs: 20_000 };
  const connection = await KafkaConnection.connect(tcpSockets(), options);
  const joining = {
    groupId,
    sessionTimeoutMs: 30_000,
    rebalanceTimeoutMs: 30_000,
    memberId: '',
    protocolType: 'consumer',
    protocols: [{ name: 'range', metadata: Buffer.alloc(0) }],
  };
  const { memberId, generationId } = await connection.request(JoinGroup, joining, 3);
  const assignments = [{ memberId, assignment: Buffer.alloc(0) }];
  await connection.request(SyncGroup, { groupId, generationId, memberId, assignments }, 2);
  return connection;
}

describe('reset', () => {
  it('leaves no topic, no group, no config and no fault, and every broker runs', async () => {
    await cluster.createTopics('t', { name: 'u', configs: { 'retention.ms': '1000' } });
    await cluster.produce('t', ['one']);
    await commitAsGroup('g', 't');
    const admin = client().admin();
    await admin.connect();
    const threads = { name: 'log.cleaner.threads', value: '2' };
    await admin.alterConfigs({
      validateOnly: false,
      resources: [{ type: 4, name: '1', configEntries: [threads] }],
    });
    cluster.failNext({ error: 'close', times: 100 });
    cluster.actLike('2.0');
    cluster.cut(1, 2);
    await cluster.stop(3);
    await cluster.reset();
    expect(await admin.listTopics()).toEqual([]);
    expect((await admin.listGroups()).groups).toEqual([]);
    const { resources } = await admin.describeConfigs({
      includeSynonyms: false,
      resources: [{ type: 4, name: '1', configNames: ['log.cleaner.threads'] }],
    });
    expect(resources[0]?.configEntries[0]).toMatchObject({ configValue: '1', isDefault: true });
    await admin.disconnect();
    expect([1, 2, 3].map(cluster.state)).toEqual(['running', 'running', 'running']);
    await cluster.createTopics('t');
    expect(await cluster.consume('t')).toEqual([]);
  });

  it('can be done again and again, with the same names', async () => {
    for (let round = 0; round < 5; round++) {
      await cluster.createTopics({ name: 'same', partitions: 3 });
      await cluster.produce('same', [`${round}`]);
      expect((await cluster.consume('same')).map(({ value }) => value)).toEqual([`${round}`]);
      await cluster.reset();
    }
  });
});

describe('a snapshot', () => {
  it('brings back topics, records, configs and offsets, on the same ports', async () => {
    await cluster.reset();
    await cluster.createTopics({ name: 't', partitions: 2, configs: { 'retention.ms': '86400000' } });
    await cluster.produce('t', [
      { value: 'one', partition: 0 },
      { value: 'two', partition: 1 },
    ]);
    await commitAsGroup('g', 't');
    const before = await cluster.snapshot();
    for (let round = 0; round < 2; round++) {
      await cluster.produce('t', ['later']);
      await cluster.createTopics(`later-${round}`);
      await cluster.deleteTopics('t');
      await cluster.restore(before);
      expect((await cluster.consume('t')).map(({ value }) => value)).toEqual(['one', 'two']);
      const admin = client().admin();
      await admin.connect();
      expect((await admin.listTopics()).sort()).toEqual(['__consumer_offsets', 't']);
      expect(await admin.fetchOffsets({ groupId: 'g', topics: ['t'] })).toMatchObject([
        { topic: 't', partitions: [{ partition: 0, offset: '1' }, {}] },
      ]);
      await admin.disconnect();
      await cluster.awaitIsr('t', 0, 3);
    }
  });

  it('can be kept in a directory, and taken up by another cluster', async () => {
    const kept = join(mkdtempSync(join(tmpdir(), 'odradek-kit-test-')), 'picture');
    await cluster.reset();
    await cluster.createTopics('t');
    await cluster.produce('t', ['kept']);
    const picture = await cluster.snapshot(kept);
    await expect(cluster.snapshot(kept)).rejects.toThrow(`there is a snapshot in ${kept} already`);
    const other = await startCluster();
    try {
      await other.restore(picture);
      expect((await other.consume('t')).map(({ value }) => value)).toEqual(['kept']);
    } finally {
      await other.close();
    }
    rmSync(join(kept, '..'), { recursive: true });
  });

  it('of another version, of other brokers, or that is none, is refused before anything is lost', async () => {
    await cluster.reset();
    await cluster.createTopics('t');
    const { directory } = await cluster.snapshot();
    const one = await startCluster({ brokers: 1 });
    await expect(one.restore({ directory })).rejects.toThrow('is of 3 brokers, and here are 1');
    await one.close();
    const file = join(directory, 'snapshot.json');
    writeFileSync(file, JSON.stringify({ ...JSON.parse(readFileSync(file, 'utf8')), format: 99 }));
    await expect(cluster.restore({ directory })).rejects.toThrow(
      `the snapshot in ${directory} is of format 99, and only 1 can be read`,
    );
    for (const text of ['{ "format": 1, "brok', '{}', 'null']) {
      writeFileSync(file, text);
      await expect(cluster.restore({ directory })).rejects.toThrow(
        `the snapshot in ${directory} is none, or not whole: snapshot.json can't be read`,
      );
    }
    await expect(cluster.restore(directory as never)).rejects.toThrow(
      'restore takes what snapshot has given: { directory }',
    );
    await expect(cluster.restore({ directory: '/nowhere' })).rejects.toThrow(
      'there is no snapshot in /nowhere',
    );
    expect(await cluster.consume('t')).toEqual([]);
  });
});

describe('virtual time', () => {
  it('skips to where records are too old, sessions have expired and all is well', async () => {
    const virtual = await startCluster({
      virtualTime: true,
      topics: [{ name: 't', configs: { 'retention.ms': '3600000', 'segment.ms': '60000' } }],
    });
    try {
      await virtual.produce('t', ['old']);
      await virtual.clock.advance(120_000);
      await virtual.produce('t', [{ value: 'new', timestampMs: Date.now() + 120_000 }]);
      await virtual.clock.advance(3_600_000 - 60_000 + 300_000);
      await virtual.produce('t', [{ value: 'newest', timestampMs: Date.now() + 3_900_000 }]);
      await virtual.clock.advance(7 * 24 * 3_600_000);
      const values = (await virtual.consume('t')).map(({ value }) => value);
      expect(values).not.toContain('old');
      await virtual.awaitIsr('t', 0, 3);
      expect(virtual.events({ kind: 'isr-shrunk' })).toEqual([]);
      expect(virtual.events({ kind: 'session-lost' })).toEqual([]);
      await virtual.produce('t', ['still here']);
    } finally {
      await virtual.close();
    }
  });

  it('is that of the records which the kit writes', async () => {
    const virtual = await startCluster({
      virtualTime: true,
      topics: [{ name: 't', configs: { 'retention.ms': '3600000' } }],
    });
    try {
      await virtual.clock.advance(7 * 24 * 3_600_000);
      await virtual.produce('t', ['young']);
      const [{ timestampMs = 0 } = {}] = await virtual.consume('t');
      expect(timestampMs).toBeGreaterThan(Date.now() + 7 * 24 * 3_600_000 - 60_000);
      await virtual.clock.advance(1_800_000);
      expect((await virtual.consume('t')).map(({ value }) => value)).toEqual(['young']);
    } finally {
      await virtual.close();
    }
  });

  it('expires a member that is silent, and the session of a broker that is dead', async () => {
    const virtual = await startCluster({ virtualTime: true, topics: ['t'] });
    try {
      await virtual.awaitGroup('g', 'Dead');
      await virtual.moveCoordinator('g', 1);
      const member = await silentMember(virtual, 'g');
      await virtual.awaitGroup('g', 'Stable');
      await virtual.clock.advance(31_000);
      await virtual.awaitGroup('g', 'Empty');
      member.close();
      const leader = await virtual.awaitLeader('t');
      await virtual.kill(leader);
      await virtual.clock.advance(6000);
      await virtual.awaitIsr('t', 0, 2);
    } finally {
      await virtual.close();
    }
  });

  it('is only where it was asked for', async () => {
    await expect(cluster.clock.advance(1)).rejects.toThrow('started with { virtualTime: true }');
  });
});
