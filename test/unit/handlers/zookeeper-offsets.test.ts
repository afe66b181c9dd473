/** OffsetCommit and OffsetFetch of version 0: in ZooKeeper, at any broker, whoever coordinates the group. */

import { beforeEach, describe, expect, it } from 'vitest';
import { ErrorCode } from '../../../broker/errors.ts';
import { offsetCommit } from '../../../broker/handlers/08-offset-commit.ts';
import { offsetFetch } from '../../../broker/handlers/09-offset-fetch.ts';
import { type Coordinator, CoordinatorError } from '../../../coordinator-client/coordinator.ts';
import type { LocalTree } from '../../../coordinator-client/local/local-tree.ts';
import { ClusterStore } from '../../../coordinator-client/stores/cluster-store.ts';
import { World } from '../../support/world.ts';
import { ask } from './ask.ts';
import { denying, metadataOf, partition } from './support.ts';

const NODE = '/consumers/g/offsets/t1/0';
const metadata = metadataOf([partition('t1', 0), partition('t1', 1), partition('t1', 2)]);

let tree: LocalTree;
let coordinator: Coordinator;
let store: ClusterStore;

beforeEach(async () => {
  const world = World.flowing();
  tree = world.tree;
  coordinator = await world.source().open(1000);
  store = new ClusterStore(coordinator);
});

interface Commit {
  readonly topic?: string;
  readonly partition?: number;
  readonly offset?: number;
  readonly metadata?: string | null;
}

/** The errors of the answer. Nobody is asked but ZooKeeper: there is no group coordinator. */
async function commit(commits: readonly Commit[], groupId = 'g', overrides = {}): Promise<number[]> {
  const topics = commits.map((one) => ({
    name: one.topic ?? 't1',
    partitions: [
      {
        partitionIndex: one.partition ?? 0,
        committedOffset: one.offset ?? 7,
        committedMetadata: one.metadata === undefined ? 'm' : one.metadata,
      },
    ],
  }));
  const services = { metadata, store: () => store, ...overrides };
  const { response } = await ask(offsetCommit, 0, { groupId, topics }, services);
  return response.topics.flatMap(({ partitions }) => partitions.map(({ errorCode }) => errorCode));
}

async function fetch(partitionIndexes: number[], { groupId = 'g', topic = 't1', overrides = {} } = {}) {
  const request = { groupId, topics: [{ name: topic, partitionIndexes }] };
  const services = { metadata, store: () => store, ...overrides };
  const { response } = await ask(offsetFetch, 0, request, services);
  return response.topics.flatMap(({ partitions }) =>
    partitions.map(({ committedOffset, metadata, errorCode }) => [committedOffset, metadata, errorCode]),
  );
}

async function put(path: string, text: string): Promise<void> {
  const data = Buffer.from(text);
  const created = await coordinator.commit([{ op: 'create', path, data, lifetime: 'persistent' }]);
  expect(created).toMatchObject({ ok: true });
}

describe('a commit of version 0', () => {
  it('makes the node with all that is above it, and overwrites it later', async () => {
    expect(await commit([{ offset: 5 }])).toEqual([ErrorCode.NONE]);
    expect(String(tree.read(NODE)?.data)).toBe('5');
    expect(tree.read('/consumers/g/offsets')?.data).toHaveLength(0);
    expect(await commit([{ offset: 3 }])).toEqual([ErrorCode.NONE]);
    expect(tree.read(NODE)).toMatchObject({ data: Buffer.from('3'), version: 1 });
  });

  it('may be told anything as an offset, and anything as metadata up to the limit, which is not kept', async () => {
    expect(await commit([{ offset: -5, metadata: null }])).toEqual([ErrorCode.NONE]);
    expect(await commit([{ offset: 1, metadata: '日'.repeat(4096) }])).toEqual([ErrorCode.NONE]);
    expect(await fetch([0])).toEqual([[1, '', ErrorCode.NONE]]);
  });

  it('with an unknown topic, an unknown partition or too much metadata leaves its neighbours alone', async () => {
    const asked = [{ topic: 'nope' }, { partition: 9 }, { partition: 1, metadata: 'x'.repeat(4097) }, {}];
    expect(await commit(asked)).toEqual([
      ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
      ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
      ErrorCode.OFFSET_METADATA_TOO_LARGE,
      ErrorCode.NONE,
    ]);
    expect(tree.read('/consumers/g/offsets/t1/1')).toBeNull();
    expect(tree.read(NODE)).not.toBeNull();
  });

  it('of many partitions at once makes the nodes they share once', async () => {
    const asked = [0, 1, 2].map((number) => ({ partition: number, offset: number }));
    expect(await commit(asked)).toEqual([0, 0, 0]);
    expect(await fetch([2, 0, 1])).toEqual([2, 0, 1].map((number) => [number, '', 0]));
  });

  it('of one partition twice leaves the last, and is told once', async () => {
    expect(await commit([{ offset: 1 }, { offset: 2 }])).toEqual([0, 0]);
    expect(await fetch([0, 0])).toEqual([[2, '', 0]]);
  });

  it('is not told of for a topic without partitions', async () => {
    const services = { metadata, store: () => store };
    const committed = { groupId: 'g', topics: [{ name: 't1', partitions: [] }] };
    expect((await ask(offsetCommit, 0, committed, services)).response.topics).toEqual([]);
    const fetched = { groupId: 'g', topics: [{ name: 't1', partitionIndexes: [] }] };
    expect((await ask(offsetFetch, 0, fetched, services)).response.topics).toEqual([]);
  });

  it('of a group whose name is no name of a node is refused, one with a slash nests', async () => {
    expect(await commit([{}], '')).toEqual([ErrorCode.UNKNOWN_SERVER_ERROR]);
    expect(await commit([{}], '..')).toEqual([ErrorCode.UNKNOWN_SERVER_ERROR]);
    expect(await commit([{}], 'a/b')).toEqual([ErrorCode.NONE]);
    expect(tree.read('/consumers/a/b/offsets/t1/0')).not.toBeNull();
  });

  it('while there is no session is to be tried again', async () => {
    const overrides = {
      store() {
        throw new CoordinatorError('unavailable', 'no session');
      },
    };
    expect(await commit([{}], 'g', overrides)).toEqual([ErrorCode.REQUEST_TIMED_OUT]);
    expect(await fetch([0], { overrides })).toEqual([[-1, '', ErrorCode.REQUEST_TIMED_OUT]]);
  });

  it('needs the rights to read the group and the topic', async () => {
    const groups = { may: denying('group') };
    expect(await commit([{}], 'g', groups)).toEqual([ErrorCode.GROUP_AUTHORIZATION_FAILED]);
    expect(await fetch([0], { overrides: groups })).toEqual([[-1, '', ErrorCode.GROUP_AUTHORIZATION_FAILED]]);
    const topics = { may: denying('topic') };
    expect(await commit([{}], 'g', topics)).toEqual([ErrorCode.TOPIC_AUTHORIZATION_FAILED]);
    expect(await fetch([0], { overrides: topics })).toEqual([[-1, '', ErrorCode.TOPIC_AUTHORIZATION_FAILED]]);
  });
});

describe('a fetch of version 0', () => {
  it('takes a partition without a commit for an unknown one, like one that there is not', async () => {
    const unknown = [-1, '', ErrorCode.UNKNOWN_TOPIC_OR_PARTITION];
    expect(await fetch([0, 9])).toEqual([unknown, unknown]);
    expect(await fetch([0], { topic: 'nope' })).toEqual([unknown]);
  });

  it('tells an error where the node holds no number, and nothing where it holds nothing', async () => {
    for (const path of ['/consumers', '/consumers/g', '/consumers/g/offsets', '/consumers/g/offsets/t1']) {
      await put(path, '');
    }
    await put(NODE, 'x');
    await put('/consumers/g/offsets/t1/1', '');
    await put('/consumers/g/offsets/t1/2', '+5');
    expect(await fetch([0, 1, 2])).toEqual([
      [-1, '', ErrorCode.UNKNOWN_SERVER_ERROR],
      [-1, '', ErrorCode.UNKNOWN_TOPIC_OR_PARTITION],
      [5, '', ErrorCode.NONE],
    ]);
  });
});
