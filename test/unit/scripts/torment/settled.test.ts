/** When a cluster counts as whole: what brokers say of it, and what lies in their logs. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { differentLogs, disagreements } from '../../../../scripts/torment/cluster/settled.ts';

type View = Parameters<typeof disagreements>[0][number];

interface Says {
  readonly controllerId?: number;
  readonly brokers?: number;
  readonly leaderId?: number;
  readonly leaderEpoch?: number;
  readonly isrNodes?: readonly number[];
}

/** What a broker answers to Metadata, as far as it is looked at. */
function view(id: number, says: Says = {}): View {
  const { controllerId = 1, brokers = 3, leaderId = 1, leaderEpoch = 0, isrNodes = [1, 2, 3] } = says;
  const partition = {
    ...{ partitionIndex: 0, errorCode: 0, leaderId, leaderEpoch, isrNodes: [...isrNodes] },
    ...{ replicaNodes: [1, 2, 3], offlineReplicas: [] },
  };
  const topic = { name: 't', errorCode: 0, topicId: '', isInternal: false, partitions: [partition] };
  return {
    id,
    seen: {
      ...{ throttleTimeMs: 0, clusterId: 'c', controllerId, clusterAuthorizedOperations: 0, errorCode: 0 },
      brokers: Array.from({ length: brokers }, (_, index) => ({
        ...{ nodeId: index + 1, host: 'h', port: 1, rack: null },
      })),
      topics: [{ ...topic, topicAuthorizedOperations: 0 }],
    },
  };
}

describe('brokers', () => {
  it('that agree on everything, with all replicas in sync, are whole', () => {
    expect(disagreements([view(1), view(2), view(3)])).toEqual([]);
  });

  it.each([
    ['two controllers', { controllerId: 2 }, 'brokers take 1 and 2 for the controller'],
    ['a broker that is not known', { brokers: 2 }, 'broker 3 does not know broker 3'],
    ['a partition without a leader', { leaderId: -1 }, 'broker 3 knows no leader of t-0'],
    [
      'a replica that is not in sync',
      { isrNodes: [1, 2] },
      'broker 3: in sync of t-0 are 1,2, replicas are 1,2,3',
    ],
    ['two leaders', { leaderId: 2 }, 'brokers take 1 in epoch 0 and 2 in epoch 0 for the leader of t-0'],
    ['an old epoch', { leaderEpoch: 1 }, 'brokers take 1 in epoch 0 and 1 in epoch 1 for the leader of t-0'],
  ])('%s: not whole', (_, says, what) => {
    expect(disagreements([view(1), view(2), view(3, says)])).toContain(what);
  });
});

it('a topic that not all of them know: not whole', () => {
  const ignorant = view(3);
  const views = [view(1), view(2), { ...ignorant, seen: { ...ignorant.seen, topics: [] } }];
  for (const each of [views, views.toReversed()])
    expect(disagreements(each)).toEqual(['broker 3 does not know t-0']);
});

it('a partition with a replica on a broker that is gone for good is not looked at', () => {
  const says = { brokers: 2, isrNodes: [1, 2] };
  expect(disagreements([view(1, says), view(2, says)])).toEqual([]);
});

describe('logs', () => {
  let directory: string;
  const log = (id: number, text: string): { id: number; home: string } => {
    const home = join(directory, String(id));
    mkdirSync(join(home, 'data', 't-0'), { recursive: true });
    writeFileSync(join(home, 'data', 't-0', '00000000000000000000.log'), text);
    return { id, home };
  };

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'odradek-test-'));
  });

  afterEach(() => rmSync(directory, { recursive: true, force: true }));

  it('of all replicas that are the same are fine', () => {
    expect(differentLogs([log(1, 'abc'), log(2, 'abc')], 't', 1)).toEqual([]);
  });

  it('that differ, or of which one is shorter, are found', () => {
    expect(differentLogs([log(1, 'abc'), log(2, 'abx'), log(3, 'ab')], 't', 1)).toEqual([
      'the logs of t-0 on brokers 1 and 2 have 3 and 3 B; they differ from byte 2',
      'the logs of t-0 on brokers 1 and 3 have 3 and 2 B; one is the beginning of the other',
    ]);
  });
});
