/** The handlers of committed offsets by themselves, from version 1 on; the group's coordinator is played by the test. */
import { describe, expect, it } from 'vitest';
import { ErrorCode } from '../../../broker/errors.ts';
import { offsetCommit } from '../../../broker/handlers/08-offset-commit.ts';
import { offsetFetch } from '../../../broker/handlers/09-offset-fetch.ts';
import { deleteGroups } from '../../../broker/handlers/42-delete-groups.ts';
import { offsetDelete } from '../../../broker/handlers/47-offset-delete.ts';
import type { Resource } from '../../../broker/security/operations.ts';
import { partitionKey } from '../../../broker/types.ts';
import { ask, refusal } from './ask.ts';
import { denying, metadataOf, partition, playing } from './support.ts';

describe('OffsetCommit at the coordinator', () => {
  const partitionOf = (partitionIndex: number) => ({
    partitionIndex,
    committedOffset: 7,
    committedMetadata: 'm',
  });
  const topics = [
    { name: 't1', partitions: [partitionOf(0), partitionOf(9)] },
    { name: 'nope', partitions: [partitionOf(0)] },
  ];

  it.each([1, 2, 5, 7, 9])(
    'v%i: only partitions that there are reach it, the others get their own error',
    async (version) => {
      const { asked, groups } = playing('commitOffsets', [ErrorCode.ILLEGAL_GENERATION]);
      const request = { groupId: 'g', generationIdOrMemberEpoch: 3, memberId: 'm', topics };
      const { response } = await ask(offsetCommit, version, request, { groups });
      expect(asked).toMatchObject([
        { groupId: 'g', memberId: 'm', generationId: 3, commits: [{ topic: 't1', partition: 0, offset: 7 }] },
      ]);
      expect(response.topics).toMatchObject([
        {
          name: 't1',
          partitions: [
            { partitionIndex: 9, errorCode: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION },
            { partitionIndex: 0, errorCode: ErrorCode.ILLEGAL_GENERATION },
          ],
        },
        { name: 'nope', partitions: [{ errorCode: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION }] },
      ]);
    },
  );

  it('commits a partition that is named again once, as named last, and is silent on a topic without any', async () => {
    const again = [
      { name: 't1', partitions: [partitionOf(0), partitionOf(9), { ...partitionOf(0), committedOffset: 8 }] },
      { name: 't1', partitions: [{ ...partitionOf(0), committedOffset: 9 }, partitionOf(9)] },
      { name: 't2', partitions: [] },
    ];
    const { asked, groups } = playing('commitOffsets', [ErrorCode.NONE]);
    const metadata = metadataOf([partition('t1', 0), partition('t2', 0)]);
    const { response } = await ask(offsetCommit, 9, { groupId: 'g', topics: again }, { groups, metadata });
    expect(asked).toMatchObject([{ commits: [{ topic: 't1', partition: 0, offset: 9 }] }]);
    expect(response.topics).toEqual([
      {
        name: 't1',
        partitions: [
          { partitionIndex: 9, errorCode: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION },
          { partitionIndex: 9, errorCode: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION },
          { partitionIndex: 0, errorCode: ErrorCode.NONE },
        ],
      },
    ]);
  });

  it('needs the rights to read the group and the topics', async () => {
    const codes = async (type: Resource['type']) => {
      const { response } = await ask(offsetCommit, 8, { groupId: 'g', topics }, { may: denying(type) });
      return new Set(response.topics.flatMap(({ partitions }) => partitions.map((one) => one.errorCode)));
    };
    expect(await codes('group')).toEqual(new Set([ErrorCode.GROUP_AUTHORIZATION_FAILED]));
    expect(await codes('topic')).toEqual(new Set([ErrorCode.TOPIC_AUTHORIZATION_FAILED]));
  });
});

describe('OffsetFetch at the coordinator', () => {
  const commit = {
    offset: 7,
    leaderEpoch: 3,
    metadata: 'm',
    commitTimestampMs: 0,
    expireTimestampMs: null,
    recordOffset: 0,
  };
  const offsets = new Map([[partitionKey('t1', 0), commit]]);
  const topics = [{ name: 't1', partitionIndexes: [0, 1] }];
  const found = [
    { partitionIndex: 0, committedOffset: 7, metadata: 'm', errorCode: 0 },
    { partitionIndex: 1, committedOffset: -1, metadata: '', errorCode: 0 },
  ];

  it.each([1, 2, 5, 7])('v%i: a partition without a commit has no offset and no error', async (version) => {
    const { groups } = playing('fetchOffsets', { error: 0, offsets });
    const { response } = await ask(offsetFetch, version, { groupId: 'g', topics }, { groups });
    expect(response.topics).toMatchObject([{ name: 't1', partitions: found }]);
  });

  it.each([1, 7, 9])('v%i: tells of a partition once, however often it is named', async (version) => {
    const { groups } = playing('fetchOffsets', { error: 0, offsets });
    const again = [
      ...topics,
      { name: 't1', partitionIndexes: [1, 1, 0] },
      { name: 't2', partitionIndexes: [] },
    ];
    const request =
      version < 8 ? { groupId: 'g', topics: again } : { groups: [{ groupId: 'g', topics: again }] };
    const { response } = await ask(offsetFetch, version, request, { groups });
    const answered = version < 8 ? response.topics : response.groups[0]?.topics;
    expect(answered).toMatchObject([{ name: 't1', partitions: found }]);
    expect(answered?.[0]?.partitions).toHaveLength(2);
  });

  it.each([8, 9])('v%i: many groups, one that is named twice once; null topics are all', async (version) => {
    const { asked, groups } = playing('fetchOffsets', { error: 0, offsets });
    const request = ['g', 'h', 'g'].map((groupId) => ({ groupId, topics: groupId === 'h' ? null : topics }));
    const { response } = await ask(offsetFetch, version, { groups: request }, { groups });
    expect(asked).toHaveLength(2);
    expect(response.groups).toMatchObject([
      { groupId: 'g', topics: [{ partitions: found }] },
      { groupId: 'h', topics: [{ partitions: [{ partitionIndex: 0, committedOffset: 7 }] }] },
    ]);
  });

  it.each([1, 2, 8])(
    'v%i: an error of the group stands where the version has a place for it',
    async (version) => {
      const { groups } = playing('fetchOffsets', {
        error: ErrorCode.NOT_COORDINATOR,
        offsets: new Map(),
      });
      const request = version < 8 ? { groupId: 'g', topics } : { groups: [{ groupId: 'g', topics }] };
      const { response } = await ask(offsetFetch, version, request, { groups });
      const codes = response.topics.flatMap(({ partitions }) => partitions.map((one) => one.errorCode));
      if (version === 1) expect(codes).toEqual([ErrorCode.NOT_COORDINATOR, ErrorCode.NOT_COORDINATOR]);
      if (version === 2) expect(response).toMatchObject({ errorCode: ErrorCode.NOT_COORDINATOR, topics: [] });
      if (version === 8)
        expect(response.groups).toMatchObject([{ errorCode: ErrorCode.NOT_COORDINATOR, topics: [] }]);
    },
  );

  it('hides topics that one may not look at, and says so of those that are named', async () => {
    const { groups } = playing('fetchOffsets', { error: 0, offsets });
    const overrides = { groups, may: denying('topic') };
    const named = await ask(offsetFetch, 7, { groupId: 'g', topics }, overrides);
    const codes = named.response.topics.flatMap(({ partitions }) => partitions.map((one) => one.errorCode));
    expect(codes).toEqual([ErrorCode.TOPIC_AUTHORIZATION_FAILED, ErrorCode.TOPIC_AUTHORIZATION_FAILED]);
    const all = await ask(offsetFetch, 7, { groupId: 'g', topics: null }, overrides);
    expect(all.response).toMatchObject({ errorCode: 0, topics: [] });
  });
});

describe('DeleteGroups and OffsetDelete', () => {
  it('delete what one may delete', async () => {
    const { asked, groups } = playing('deleteGroup', ErrorCode.NON_EMPTY_GROUP);
    const notH = (_operation: number, on: Resource) => on.name !== 'h';
    const request = { groupsNames: ['g', 'h'] };
    const { response } = await ask(deleteGroups, 2, request, { groups, may: notH });
    expect(asked).toEqual(['g']);
    expect(response.results).toMatchObject([
      { groupId: 'g', errorCode: ErrorCode.NON_EMPTY_GROUP },
      { groupId: 'h', errorCode: ErrorCode.GROUP_AUTHORIZATION_FAILED },
    ]);
  });

  it('forget offsets of partitions that there are', async () => {
    const { groups } = playing('deleteOffsets', {
      error: 0,
      partitions: [ErrorCode.GROUP_SUBSCRIBED_TO_TOPIC],
    });
    const topics = [{ name: 't1', partitions: [{ partitionIndex: 0 }, { partitionIndex: 9 }] }];
    const { response } = await ask(offsetDelete, 0, { groupId: 'g', topics }, { groups });
    expect(response.topics[0]?.partitions).toMatchObject([
      { partitionIndex: 0, errorCode: ErrorCode.GROUP_SUBSCRIBED_TO_TOPIC },
      { partitionIndex: 9, errorCode: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION },
    ]);
    const failed = playing('deleteOffsets', { error: ErrorCode.GROUP_ID_NOT_FOUND, partitions: [] });
    const refused = await ask(offsetDelete, 0, { groupId: 'g', topics }, { groups: failed.groups });
    expect(refused.response).toMatchObject({ errorCode: ErrorCode.GROUP_ID_NOT_FOUND, topics: [] });
  });
});

describe('a request about offsets that may not be handled at all', () => {
  it('is answered with the error wherever the API has a place for one', async () => {
    const code = ErrorCode.UNKNOWN_SERVER_ERROR;
    const partitions = [{ partitionIndex: 0, errorCode: code }];
    const topics = [{ name: 't1', partitions: [{ partitionIndex: 0 }] }];
    expect(await refusal(offsetCommit, 9, { groupId: 'g', topics }, code)).toMatchObject({
      topics: [{ partitions }],
    });
    const asked = [{ name: 't1', partitionIndexes: [0] }];
    expect(await refusal(offsetFetch, 1, { groupId: 'g', topics: asked }, code)).toMatchObject({
      topics: [{ partitions }],
    });
    const groups = [{ groupId: 'g', topics: null }];
    expect(await refusal(offsetFetch, 9, { groups }, code)).toMatchObject({
      groups: [{ groupId: 'g', errorCode: code }],
    });
    expect(await refusal(deleteGroups, 2, { groupsNames: ['g'] }, code)).toMatchObject({
      results: [{ errorCode: code }],
    });
    expect(await refusal(offsetDelete, 0, { groupId: 'g', topics }, code)).toMatchObject({ errorCode: code });
  });
});
