/** Clusters whose clients log in: over TLS and without, by each mechanism, with rules and without. */
import { existsSync, readFileSync } from 'node:fs';
import { type Admin, Kafka, logLevel, type SASLOptions } from 'kafkajs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type KitCluster, type KitOptions, startCluster } from './cluster.ts';

const PASSWORD = String.raw`se"cr\et, = ;'`;
const MECHANISMS = ['plain', 'scram-sha-256', 'scram-sha-512'] as const;

function client(cluster: KitCluster, sasl: SASLOptions): Kafka {
  const ca = cluster.security?.ca ?? null;
  return new Kafka({
    brokers: cluster.bootstrapServers.split(','),
    ...(ca === null ? {} : { ssl: { ca } }),
    sasl,
    logLevel: logLevel.NOTHING,
    retry: { retries: 1, initialRetryTime: 50 },
  });
}

function as(cluster: KitCluster, username: string, password: string, mechanism = 'scram-sha-512'): Kafka {
  return client(cluster, { mechanism: mechanism as 'plain', username, password });
}

async function withAdmin<T>(kafka: Kafka, work: (admin: Admin) => Promise<T>): Promise<T> {
  const admin = kafka.admin();
  await admin.connect();
  try {
    return await work(admin);
  } finally {
    await admin.disconnect();
  }
}

async function send(kafka: Kafka, topic: string, value: string): Promise<void> {
  const producer = kafka.producer({ allowAutoTopicCreation: false });
  await producer.connect();
  try {
    await producer.send({ topic, messages: [{ value }] });
  } finally {
    await producer.disconnect();
  }
}

describe('a cluster with users and rules', () => {
  let cluster: KitCluster;
  beforeAll(async () => {
    cluster = await startCluster({
      security: {
        users: { alice: PASSWORD, 'svc-a.1_b': 'other' },
        acls: [
          { user: 'alice', allow: ['Read', 'Write'], topic: 'orders-*' },
          { user: 'alice', allow: 'Read', group: '*' },
          { user: 'alice', deny: 'Write', topic: 'orders-closed' },
          { user: 'svc-a.1_b', allow: 'Create', cluster: true },
          { user: 'svc-a.1_b', allow: 'Describe', topic: 'made' },
        ],
      },
      topics: ['orders-1', 'orders-closed', 'secret'],
    });
  });
  afterAll(() => cluster?.close());

  it.each(MECHANISMS)('lets users in by %s, and nobody with another password', async (mechanism) => {
    for (const [user, password] of [
      ['alice', PASSWORD],
      ['svc-a.1_b', 'other'],
    ] as const)
      await withAdmin(as(cluster, user, password, mechanism), async () => {});
    await expect(withAdmin(as(cluster, 'alice', 'wrong', mechanism), async () => {})).rejects.toThrow();
  });

  it('allows what the rules allow, and nothing else', async () => {
    const alice = as(cluster, 'alice', PASSWORD);
    await send(alice, 'orders-1', 'one');
    await expect(send(alice, 'orders-closed', 'x')).rejects.toThrow(/[Nn]ot authorized/);
    await expect(send(alice, 'secret', 'x')).rejects.toThrow(/[Nn]ot authorized/);
    expect(await withAdmin(alice, (admin) => admin.listTopics())).toEqual(['orders-1', 'orders-closed']);
    await withAdmin(as(cluster, 'svc-a.1_b', 'other'), (admin) =>
      admin.createTopics({ topics: [{ topic: 'made' }] }),
    );
  });

  it('has a super user, who is the kit', async () => {
    const { username, password } = cluster.security?.superUser ?? { username: '', password: '' };
    for (const mechanism of MECHANISMS)
      await withAdmin(as(cluster, username, password, mechanism), (admin) => admin.listTopics());
    await cluster.produce('secret', ['x']);
    await cluster.expectEveryAcknowledgedRecordOnce('secret', ['x']);
    await cluster.moveLeader('secret', 0, 2);
    await cluster.stop(1);
    await cluster.start(1);
    expect(cluster.requests({ clientId: 'odradek-testkit' })).toEqual([]);
  });

  it('shows a certificate of its authority, which is there as a file', async () => {
    const { ca, caFile, protocol } = cluster.security ?? { ca: null, caFile: null, protocol: '' };
    expect(readFileSync(caFile ?? '', 'utf8')).toBe(ca);
    expect(protocol).toBe('SASL_SSL');
  });

  it('has its users and rules again after a reset, and no others', async () => {
    const { username, password } = cluster.security?.superUser ?? { username: '', password: '' };
    await withAdmin(as(cluster, username, password), async (admin) => {
      const rules = await rulesSeen(admin);
      await admin.deleteAcls({ filters: [EVERY_RULE] });
      await admin.createAcls({
        acl: [
          {
            ...EVERY_RULE,
            resourceType: 2,
            resourceName: 'x',
            resourcePatternType: 3,
            principal: 'User:x',
            host: '*',
            operation: 3,
            permissionType: 3,
          },
        ],
      });
      await cluster.reset();
      await expect.poll(() => rulesSeen(admin)).toEqual(rules);
    });
    await cluster.createTopics('orders-2');
    await send(as(cluster, 'alice', PASSWORD), 'orders-2', 'one');
  });
});

/** In no order that counts. */
async function rulesSeen(admin: Admin): Promise<string[]> {
  const { resources } = await admin.describeAcls(EVERY_RULE);
  return resources
    .flatMap(({ acls, ...resource }) => acls.map((acl) => JSON.stringify({ ...resource, ...acl })))
    .sort();
}

const EVERY_RULE = {
  resourceType: 1,
  resourcePatternType: 1,
  permissionType: 1,
  operation: 1,
};

it('without rules everybody may do everything, also without TLS and with several listeners', async () => {
  const cluster = await startCluster({
    brokers: 1,
    listeners: ['INTERNAL', 'EXTERNAL'],
    security: { users: { bob: 'b' }, protocol: 'SASL_PLAINTEXT' },
    topics: ['t'],
  });
  expect(cluster.security).toMatchObject({ ca: null, caFile: null, users: { bob: 'b' } });
  for (const bootstrapServers of [cluster.bootstrapServers, cluster.bootstrapServersOf('EXTERNAL')])
    await send(as({ ...cluster, bootstrapServers }, 'bob', 'b'), 't', 'one');
  expect(await cluster.consume('t')).toHaveLength(2);
  await cluster.close();
});

it('its files go with it', async () => {
  const cluster = await startCluster({ brokers: 1, security: {} });
  const file = cluster.security?.caFile ?? '';
  expect(existsSync(file)).toBe(true);
  await cluster.close();
  expect(existsSync(file)).toBe(false);
});

it.each([
  [{ user: {} }, 'is it users?'],
  [{ protocol: 'SASL_TLS' }, 'SASL_SSL'],
  [{ users: { 'a b': 'x' } }, "not 'a b'"],
  [{ users: { admin: 'x' } }, 'admin is the super user'],
  [{ users: { alice: '' } }, 'the password of user alice'],
  [{ acls: [{ user: 'a', allow: 'Reed', topic: 't' }] }, 'is it Read?'],
  [{ acls: [{ user: 'a', topic: 't' }] }, 'allows or denies'],
  [{ acls: [{ user: 'a', allow: 'Read' }] }, 'names one of topic, group'],
  [{ acls: [{ user: 'a', allow: 'Read', topics: 't' }] }, 'is it topic?'],
  [{ acls: [{ allow: 'Read', topic: 't' }] }, 'names a user'],
] as const)('%j is refused', async (security, reason) => {
  await expect(startCluster({ security } as unknown as KitOptions)).rejects.toThrow(reason);
});
