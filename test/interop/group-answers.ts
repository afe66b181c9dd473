/**
 * What brokers answer to groups: offsets of version 0 at brokers that coordinate nothing, metadata at its
 * limit, texts of errors, ids of members. Everything in the order asked, so that two clusters compare.
 */
import type { KafkaConnection } from '../../broker/protocol/client.ts';
import { OffsetCommit } from '../../broker/protocol/messages/08-offset-commit.ts';
import { OffsetFetch } from '../../broker/protocol/messages/09-offset-fetch.ts';
import { FindCoordinator } from '../../broker/protocol/messages/10-find-coordinator.ts';
import { JoinGroup } from '../../broker/protocol/messages/11-join-group.ts';
import type { Coordinator } from '../../coordinator-client/coordinator.ts';

/** Where the answers of two clusters are held against each other. */
export type Answers = [what: string, answer: unknown][];

/** Its nodes are written by the test, with what is no offset. */
export const SPOILT_GROUP = 'spoilt';

const TOPIC = 'of-4';

interface OldCommit {
  readonly topic?: string;
  readonly partition?: number;
  readonly offset?: number;
  readonly metadata?: string | null;
}

/** Alternates between the brokers. */
export async function oldOffsets(
  connections: readonly KafkaConnection[],
  zookeeper: Coordinator,
): Promise<Answers> {
  const answers: Answers = [];
  const next = () => connections[answers.length % connections.length] as KafkaConnection;
  const commit = async (groupId: string, commits: readonly OldCommit[]): Promise<void> => {
    const topics = commits.map(({ topic = TOPIC, partition = 0, offset = 7, metadata = 'm' }) => {
      const partitions = [
        { partitionIndex: partition, committedOffset: offset, committedMetadata: metadata },
      ];
      return { name: topic, partitions };
    });
    const { topics: answered } = await next().request(OffsetCommit, { groupId, topics }, 0);
    const codes = answered.flatMap(({ name, partitions }) =>
      partitions.map((one) => `${name}-${one.partitionIndex}: ${one.errorCode}`),
    );
    answers.push([`commit of ${groupId.slice(0, 20)}`, codes.sort()]);
  };
  const fetch = async (groupId: string, partitionIndexes: number[], name = TOPIC): Promise<void> => {
    const request = { groupId, topics: [{ name, partitionIndexes }] };
    const { topics } = await next().request(OffsetFetch, request, 0);
    const told = topics.flatMap(({ partitions }) =>
      partitions.map((one) =>
        [one.partitionIndex, one.committedOffset, one.metadata, one.errorCode].join(' '),
      ),
    );
    answers.push([`fetch of ${groupId.slice(0, 20)} ${name}`, told.sort()]);
  };
  for (let broker = 0; broker < connections.length; broker++) {
    await commit('old', [{ offset: broker + 5 }]);
    await fetch('old', [0]);
  }
  await fetch('old', [1, 2, 17]);
  await fetch('old', [0], 'no-such-topic');
  await fetch('never', [0]);
  await commit('old', [{ topic: 'no-such-topic' }, { partition: 17 }, { partition: 1 }, { partition: -1 }]);
  for (const metadata of ['x'.repeat(4096), 'x'.repeat(4097), '日'.repeat(4096), '😀'.repeat(2049), null]) {
    await commit('limits', [{ metadata, offset: 1 }, { partition: 3 }]);
  }
  await commit('odd', [{ offset: -5 }, { partition: 1, offset: 2 ** 53 - 1 }, { partition: 1, offset: 1 }]);
  await fetch('odd', [0, 1]);
  for (const name of ['', 'a/b', '..', 'a/../b', '/', 'ü 日', 'control\u0001']) {
    await commit(name, [{}]);
    await fetch(name, [0]);
  }
  await commit(SPOILT_GROUP, [{}]);
  for (const [partition, text] of ['', 'x', '1.5', '+5', ' 5', '99999999999999999999'].entries()) {
    const path = `/consumers/${SPOILT_GROUP}/offsets/${TOPIC}/${partition}`;
    const data = Buffer.from(text);
    await zookeeper.commit([{ op: 'remove', path, version: -1 }]);
    await zookeeper.commit([{ op: 'create', path, data, lifetime: 'persistent' }]);
  }
  await fetch(SPOILT_GROUP, [0, 1, 2, 3]);
  return answers;
}

/** At the group's coordinator. */
export async function groupAnswers(connection: KafkaConnection, groupId: string): Promise<Answers> {
  const answers: Answers = [];
  for (const metadata of [
    'x'.repeat(4097),
    '日'.repeat(4096),
    '日'.repeat(4097),
    '😀'.repeat(2048),
    '😀'.repeat(2049),
  ]) {
    const partitions = [{ partitionIndex: 0, committedOffset: 1, committedMetadata: metadata }];
    const { topics } = await connection.request(OffsetCommit, {
      groupId,
      topics: [{ name: TOPIC, partitions }],
    });
    answers.push([`${metadata.length} × ${metadata.slice(0, 2)}`, topics[0]?.partitions[0]?.errorCode]);
  }
  for (const version of [1, 3]) {
    for (const keyType of [0, 9]) {
      const { errorCode, errorMessage } = await connection.request(
        FindCoordinator,
        { key: groupId, keyType },
        version,
      );
      answers.push([`FindCoordinator v${version} of type ${keyType}`, [errorCode, errorMessage]]);
    }
  }
  const unknown = await connection.request(FindCoordinator, { coordinatorKeys: ['k'], keyType: 9 }, 4);
  answers.push([
    'FindCoordinator v4 of type 9',
    unknown.coordinators.map((one) => [one.errorCode, one.errorMessage]),
  ]);
  for (const groupInstanceId of [null, 'instance']) {
    const request = {
      groupId: `${groupId}-of-${groupInstanceId}`,
      sessionTimeoutMs: 10_000,
      rebalanceTimeoutMs: 10_000,
      groupInstanceId,
      protocolType: 'consumer',
      protocols: [{ name: 'range', metadata: Buffer.alloc(8) }],
    };
    const { errorCode, memberId } = await connection.request(JoinGroup, request, 5);
    answers.push(['JoinGroup', [errorCode, memberId.replace(/[0-9a-f]/g, 'x')]]);
  }
  return answers;
}
