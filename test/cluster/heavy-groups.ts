/** Many offsets, a group of a thousand members, a transaction over everything. */
import { ErrorCode } from '../../broker/errors.ts';
import { tcpSockets } from '../../broker/platform/tcp-sockets.ts';
import { KafkaConnection } from '../../broker/protocol/client.ts';
import { OffsetCommit } from '../../broker/protocol/messages/08-offset-commit.ts';
import { OffsetFetch } from '../../broker/protocol/messages/09-offset-fetch.ts';
import { FindCoordinator } from '../../broker/protocol/messages/10-find-coordinator.ts';
import { JoinGroup } from '../../broker/protocol/messages/11-join-group.ts';
import { Heartbeat } from '../../broker/protocol/messages/12-heartbeat.ts';
import { LeaveGroup } from '../../broker/protocol/messages/13-leave-group.ts';
import { SyncGroup } from '../../broker/protocol/messages/14-sync-group.ts';
import { DescribeGroups } from '../../broker/protocol/messages/15-describe-groups.ts';
import { ListGroups } from '../../broker/protocol/messages/16-list-groups.ts';
import { ApiVersions } from '../../broker/protocol/messages/18-api-versions.ts';
import { InitProducerId } from '../../broker/protocol/messages/22-init-producer-id.ts';
import { AddPartitionsToTxn } from '../../broker/protocol/messages/24-add-partitions-to-txn.ts';
import { EndTxn } from '../../broker/protocol/messages/26-end-txn.ts';
import type { ResponseOf } from '../../broker/protocol/schema.ts';
import { eventually, pause } from '../support/eventually.ts';
import {
  AGAIN,
  asking,
  everywhere,
  type HeavyWork,
  numbers,
  TIMEOUT_MS,
  withClient,
} from './heavy-clients.ts';

const GROUP = 'large-group';
const COMMITTING = 'offsets';
const MEMBERS = 1000;

const isFetched = ({ groups }: ResponseOf<typeof OffsetFetch>): boolean =>
  groups.every(({ errorCode }) => errorCode === ErrorCode.NONE);

export const GROUP_WORK: readonly HeavyWork[] = [
  { name: 'FindCoordinator: of the group that commits', run: (port) => withClient(port, coordinatorThere) },
  asking(
    'OffsetCommit: all partitions, 5 times',
    5,
    (client) =>
      client.request(OffsetCommit, {
        groupId: COMMITTING,
        topics: everywhere((partitionIndex) => ({
          partitionIndex,
          committedOffset: 1,
          committedMetadata: 'metadata',
        })),
      }),
    ({ topics }) =>
      topics.every(({ partitions }) => partitions.every(({ errorCode }) => errorCode === ErrorCode.NONE)),
  ),
  asking(
    'OffsetFetch: all, 20 times',
    20,
    (client) => client.request(OffsetFetch, { groups: [{ groupId: COMMITTING, topics: null }] }, 8),
    isFetched,
  ),
  asking('OffsetFetch: all partitions by name, 5 times', 5, (client) =>
    client.request(
      OffsetFetch,
      {
        groups: [
          {
            groupId: COMMITTING,
            topics: everywhere((index) => index).map(({ name, partitions }) => ({
              name,
              partitionIndexes: partitions,
            })),
          },
        ],
      },
      8,
    ),
  ),
  asking('FindCoordinator: 100,000 groups', 1, (client) =>
    client.request(FindCoordinator, {
      keyType: 0,
      coordinatorKeys: numbers(AGAIN).map((n) => `group-${n}`),
    }),
  ),
  { name: `a group of ${MEMBERS} members, and asked about`, run: largeGroup },
  asking('LeaveGroup: 100,000 strangers', 1, (client) =>
    client.request(LeaveGroup, {
      groupId: GROUP,
      members: numbers(AGAIN).map((n) => ({ memberId: `stranger-${n}`, groupInstanceId: null })),
    }),
  ),
  asking('JoinGroup: 100 protocols of 100 KB', 3, (client, number) =>
    client.request(
      JoinGroup,
      {
        groupId: `protocols-${number}`,
        sessionTimeoutMs: 10_000,
        rebalanceTimeoutMs: 10_000,
        memberId: '',
        protocolType: 'consumer',
        protocols: numbers(100).map((n) => ({ name: `p${n}`, metadata: Buffer.alloc(100_000) })),
      },
      3,
    ),
  ),
  asking('JoinGroup: 1 protocol of 90 MB', 1, (client) =>
    client.request(
      JoinGroup,
      {
        groupId: 'large-protocol',
        sessionTimeoutMs: 10_000,
        rebalanceTimeoutMs: 10_000,
        memberId: '',
        protocolType: 'consumer',
        protocols: [{ name: 'range', metadata: Buffer.alloc(90_000_000) }],
      },
      3,
    ),
  ),
  asking('DescribeGroups: 100,000 unknown groups', 1, (client) =>
    client.request(DescribeGroups, { groups: numbers(AGAIN).map((n) => `group-${n}`) }),
  ),
  asking('ApiVersions: 20,000', 20_000, (client) =>
    client.request(ApiVersions, { clientSoftwareName: 'a', clientSoftwareVersion: '1' }),
  ),
  asking('InitProducerId: 5,000', 5000, (client) =>
    client.request(InitProducerId, { transactionalId: null, transactionTimeoutMs: 1000 }),
  ),
  { name: 'a transaction over all partitions', run: largeTransaction },
];

/** Whose group it is, and that it answers for it: before, all commits are refused, which is little work. */
async function coordinatorThere(client: KafkaConnection): Promise<void> {
  const find = { keyType: 0, coordinatorKeys: [COMMITTING] };
  const fetch = { groups: [{ groupId: COMMITTING, topics: null }] };
  await eventually('the coordinator answers', async () => {
    const { coordinators } = await client.request(FindCoordinator, find);
    if (coordinators[0]?.errorCode !== ErrorCode.NONE) return false;
    return isFetched(await client.request(OffsetFetch, fetch, 8));
  });
}

/** All members enter, get an assignment, are described, and leave in one request. */
async function largeGroup(port: number): Promise<void> {
  const metadata = Buffer.alloc(1000);
  const joining = {
    groupId: GROUP,
    sessionTimeoutMs: 300_000,
    rebalanceTimeoutMs: 300_000,
    protocolType: 'consumer',
    protocols: [{ name: 'range', metadata }],
  };
  const to = { host: '127.0.0.1', port, clientId: 'member', timeoutMs: TIMEOUT_MS };
  const clients = await Promise.all(numbers(MEMBERS).map(() => KafkaConnection.connect(tcpSockets(), to)));
  const ids = await Promise.all(
    clients.map(
      async (client) => (await client.request(JoinGroup, { ...joining, memberId: '' }, 4)).memberId,
    ),
  );
  const joined = await Promise.all(
    clients.map((client, index) => client.request(JoinGroup, { ...joining, memberId: ids[index] ?? '' }, 4)),
  );
  const assignments = ids.map((memberId) => ({ memberId, assignment: Buffer.alloc(500) }));
  await Promise.all(
    clients.map((client, index) => {
      const { generationId = 0, members = [] } = joined[index] ?? {};
      const given = members.length > 0 ? assignments : [];
      const memberId = ids[index] ?? '';
      return client.request(SyncGroup, { groupId: GROUP, generationId, memberId, assignments: given });
    }),
  );
  const generationId = joined[0]?.generationId ?? 0;
  await Promise.all(
    clients.map((client, index) =>
      client.request(Heartbeat, { groupId: GROUP, generationId, memberId: ids[index] ?? '' }),
    ),
  );
  await withClient(port, async (client) => {
    for (let round = 0; round < 10; round++) await client.request(DescribeGroups, { groups: [GROUP] });
    await client.request(ListGroups, {});
    await client.request(LeaveGroup, {
      groupId: GROUP,
      members: ids.map((memberId) => ({ memberId, groupInstanceId: null })),
    });
  });
  for (const client of clients) client.close();
}

async function largeTransaction(port: number): Promise<void> {
  const id = 'transaction';
  await withClient(port, async (client) => {
    const found = () => client.request(FindCoordinator, { keyType: 1, coordinatorKeys: [id] });
    while ((await found()).coordinators[0]?.errorCode !== 0) await pause(100);
    const init = () => client.request(InitProducerId, { transactionalId: id, transactionTimeoutMs: 60_000 });
    let producer = await init();
    while (producer.errorCode !== 0) {
      await pause(100);
      producer = await init();
    }
    const { producerId, producerEpoch } = producer;
    await client.request(
      AddPartitionsToTxn,
      {
        v3AndBelowTransactionalId: id,
        v3AndBelowProducerId: producerId,
        v3AndBelowProducerEpoch: producerEpoch,
        v3AndBelowTopics: everywhere((index) => index),
      },
      3,
    );
    await client.request(EndTxn, { transactionalId: id, producerId, producerEpoch, committed: true });
  });
}
