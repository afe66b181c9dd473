/** Metadata: which topics, which errors per version, and what is created on the way. */
import { describe, expect, it } from 'vitest';
import { ErrorCode } from '../../../broker/errors.ts';
import { metadata } from '../../../broker/handlers/03-metadata.ts';
import type { RequestContext } from '../../../broker/handlers/handler.ts';
import {
  decodeRequest,
  decodeResponse,
  encodeRequest,
  encodeResponse,
} from '../../../broker/protocol/codec.ts';
import { Metadata } from '../../../broker/protocol/messages/03-metadata.ts';
import type { RequestInput } from '../../../broker/protocol/schema.ts';
import { broker, type Given, metadataOf, partition, sender, services, T1_ID } from './support.ts';

async function ask(
  version: number,
  request: RequestInput<typeof Metadata>,
  given: Given = {},
  listener = 'PLAINTEXT',
) {
  const decoded = decodeRequest(Metadata, version, Buffer.concat(encodeRequest(Metadata, version, request)));
  const created: string[][] = [];
  const autoTopics = {
    create: async (topics: string[]) => {
      created.push(topics);
      return new Map(topics.map((topic) => [topic, ErrorCode.LEADER_NOT_AVAILABLE]));
    },
  };
  const answer = await metadata.handle(
    decoded,
    sender(version, given, { listener }),
    services({ autoTopics, ...given }),
  );
  if (answer === null || answer === 'close') throw new Error('no answer');
  const body = Buffer.concat(encodeResponse(Metadata, version, answer));
  return { ...decodeResponse(Metadata, version, body), created };
}

const names = (answer: { topics: readonly { name: string | null }[] }): (string | null)[] =>
  answer.topics.map(({ name }) => name);

describe('which topics', () => {
  const both = { metadata: metadataOf([partition('t1', 0), partition('t2', 0)]) };

  it('v0: an empty list asks for all', async () => {
    expect(names(await ask(0, { topics: [] }, both))).toEqual(['t1', 't2']);
  });

  it('v1+: null asks for all, an empty list for none', async () => {
    expect(names(await ask(1, { topics: null }, both))).toEqual(['t1', 't2']);
    expect(names(await ask(1, { topics: [] }, both))).toEqual([]);
  });

  it('v12: by topic id; an unknown id is answered with that id and no name', async () => {
    const unknown = 'AAAAAAAAAAAAAAAAAAAACA';
    const topics = [
      { topicId: T1_ID, name: null },
      { topicId: unknown, name: null },
    ];
    expect((await ask(12, { topics })).topics).toMatchObject([
      { errorCode: 0, name: 't1', topicId: T1_ID },
      { errorCode: ErrorCode.UNKNOWN_TOPIC_ID, name: null, topicId: unknown },
    ]);
  });

  it('v12: names beside ids are passed over', async () => {
    const topics = [{ topicId: T1_ID, name: null }, { name: 't2' }];
    expect(names(await ask(12, { topics }, both))).toEqual(['t1']);
  });

  it('v10-11: ids and missing names are invalid', async () => {
    const answer = await ask(10, { topics: [{ topicId: T1_ID, name: null }] });
    expect(answer.topics).toMatchObject([{ errorCode: ErrorCode.INVALID_REQUEST, name: '' }]);
  });

  it('all topics: those that may not be seen are left out; named ones are refused', async () => {
    const may: RequestContext['may'] = (_operation, resource) => resource.name !== 't2';
    expect(names(await ask(4, { topics: null }, { ...both, may }))).toEqual(['t1']);
    const named = await ask(4, { topics: [{ name: 't2' }] }, { ...both, may });
    expect(named.topics).toMatchObject([{ errorCode: ErrorCode.TOPIC_AUTHORIZATION_FAILED, name: 't2' }]);
  });
});

describe('topics that do not exist', () => {
  it('v8+: are told with what may be done to them, which a client asked for', async () => {
    const topics = [{ name: 'unknown' }, { name: '..' }];
    const request = { topics, allowAutoTopicCreation: false, includeTopicAuthorizedOperations: true };
    const answer = await ask(8, request);
    expect(answer.topics.map(({ topicAuthorizedOperations }) => topicAuthorizedOperations)).toEqual([
      3576, 3576,
    ]);
  });

  it('are created when the client allows it, each once', async () => {
    const answer = await ask(4, { topics: [{ name: 'new' }, { name: 'new' }, { name: 't1' }] });
    expect(answer.created).toEqual([['new']]);
    expect(answer.topics.find(({ name }) => name === 'new')?.errorCode).toBe(ErrorCode.LEADER_NOT_AVAILABLE);
  });

  it('are created for clients before v4, which can not say', async () => {
    expect((await ask(1, { topics: [{ name: 'new' }] })).created).toEqual([['new']]);
  });

  it('are unknown when the client does not allow it, or invalid by name', async () => {
    const topics = [{ name: 'new' }, { name: 'a b' }];
    const answer = await ask(4, { topics, allowAutoTopicCreation: false });
    expect(answer.created).toEqual([]);
    expect(answer.topics).toMatchObject([
      { name: 'new', errorCode: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION },
      { name: 'a b', errorCode: ErrorCode.INVALID_TOPIC_EXCEPTION },
    ]);
  });

  it('are not created without auto.create.topics.enable', async () => {
    const config = { ...services().config, autoCreateTopicsEnable: false };
    const answer = await ask(4, { topics: [{ name: 'new' }] }, { config });
    expect(answer.topics).toMatchObject([{ errorCode: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION }]);
  });
});

describe('partitions', () => {
  const withDead = metadataOf(
    [partition('t1', 0, { replicas: [1, 2, 3], isr: [1, 3], offlineReplicas: [3] })],
    [broker(1), broker(2)],
  );

  it('v0 leaves dead replicas out and says that something is missing', async () => {
    const answer = await ask(0, { topics: [] }, { metadata: withDead });
    expect(answer.topics[0]?.partitions).toMatchObject([
      { errorCode: ErrorCode.REPLICA_NOT_AVAILABLE, replicaNodes: [1, 2], isrNodes: [1], leaderId: 1 },
    ]);
  });

  it('later versions list them', async () => {
    const answer = await ask(9, { topics: null }, { metadata: withDead });
    expect(answer.topics[0]?.partitions).toMatchObject([
      { errorCode: 0, replicaNodes: [1, 2, 3], isrNodes: [1, 3], offlineReplicas: [3], leaderEpoch: 3 },
    ]);
  });

  it.each([
    ['has no leader', { leader: -1 }, 9, ErrorCode.LEADER_NOT_AVAILABLE],
    ['is led by a dead broker', { leader: 7 }, 9, ErrorCode.LEADER_NOT_AVAILABLE],
    ['is led by a broker without the listener (v6+)', { leader: 2 }, 6, ErrorCode.LISTENER_NOT_FOUND],
    ['is led by a broker without the listener (before v6)', { leader: 2 }, 5, ErrorCode.LEADER_NOT_AVAILABLE],
  ])('one that %s', async (_name, state, version, errorCode) => {
    const cache = metadataOf([partition('t1', 0, state)], [broker(1, ['PLAINTEXT', 'X']), broker(2)]);
    const answer = await ask(version, { topics: null }, { metadata: cache }, 'X');
    expect(answer.topics[0]?.partitions).toMatchObject([{ errorCode, leaderId: -1 }]);
    expect(answer.brokers.map(({ nodeId }) => nodeId)).toEqual([1]);
  });
});

it.each([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12])(
  'v%i: answers with everything in it encode',
  async (version) => {
    const answer = await ask(version, {
      topics: [{ name: 't1' }],
      ...(version >= 8 ? { includeTopicAuthorizedOperations: true } : {}),
      ...(version >= 8 && version <= 10 ? { includeClusterAuthorizedOperations: true } : {}),
    });
    expect(answer.topics[0]?.name).toBe('t1');
    if (version >= 1) expect(answer.controllerId).toBe(1);
    // READ, WRITE, CREATE, DELETE, ALTER, DESCRIBE, DESCRIBE_CONFIGS, ALTER_CONFIGS
    if (version >= 8) expect(answer.topics[0]?.topicAuthorizedOperations).toBe(0b110111111000);
  },
);
