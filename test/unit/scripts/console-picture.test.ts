/** How one picture of a cluster becomes the next, and how any moment is found again. */
import { describe, expect, it } from 'vitest';
import {
  applyChange,
  type ClusterPicture,
  changeBetween,
  isUnderReplicated,
  type PartitionPicture,
  pictureAt,
} from '../../../scripts/console/picture.ts';
import { PictureRecorder } from '../../../scripts/console/recorder.ts';

function partition(topic: string, overrides: Partial<PartitionPicture> = {}): PartitionPicture {
  const replicas = [1, 2, 3];
  const state = { leader: 1, leaderEpoch: 0, replicas, isr: replicas, offline: [], adding: [], removing: [] };
  return { topic, partition: 0, ...state, ...overrides };
}

function picture(...partitions: readonly PartitionPicture[]): ClusterPicture {
  const broker = { host: 'h', port: 1, rack: null, epoch: '7', sessionId: '0x1', peer: null };
  return {
    clusterId: 'c',
    controllerId: 1,
    controllerEpoch: 4,
    brokers: [1, 2, 3].map((id) => ({ id, ...broker })),
    partitions: Object.fromEntries(partitions.map((each) => [`${each.topic}-0`, each])),
  };
}

const BEFORE = picture(partition('a'), partition('b'));
const AFTER: ClusterPicture = {
  ...picture(partition('a', { leader: 2, leaderEpoch: 1, isr: [2, 3] }), partition('c')),
  controllerId: 2,
  controllerEpoch: 5,
  brokers: BEFORE.brokers.slice(1),
};

describe('a change', () => {
  it('is what makes the one picture the other', () => {
    const change = changeBetween(BEFORE, AFTER, 9);
    expect(Object.keys(change?.partitions ?? {})).toEqual(['a-0', 'c-0']);
    expect(change).toMatchObject({ atMs: 9, controllerId: 2, removed: ['b-0'] });
    expect(change === null ? null : applyChange(BEFORE, change)).toEqual(AFTER);
  });

  it('is none between equals', () => {
    expect(changeBetween(BEFORE, structuredClone(BEFORE), 9)).toBeNull();
  });

  it('of a controller that is gone is one', () => {
    const change = changeBetween(BEFORE, { ...BEFORE, controllerId: -1 }, 9);
    expect(change === null ? null : applyChange(BEFORE, change).controllerId).toBe(-1);
  });
});

describe('a recording', () => {
  const steps = [AFTER, BEFORE, AFTER, BEFORE];

  function recorded(mostEntries = 1000): PictureRecorder {
    const recorder = new PictureRecorder(0, mostEntries);
    recorder.begin(BEFORE, 0);
    let before = BEFORE;
    for (const [index, after] of steps.entries()) {
      const change = changeBetween(before, after, 10 * (index + 1));
      if (change !== null) recorder.add(change);
      before = after;
    }
    return recorder;
  }

  it('shows the cluster as it was at any moment', () => {
    const recording = recorded().recording();
    const at = [-5, 0, 9, 10, 19, 20, 35, 40, 1000].map((atMs) => pictureAt(recording, atMs).controllerId);
    expect(at).toEqual([1, 1, 1, 2, 2, 1, 2, 1, 1]);
  });

  it('that is full forgets the oldest moments, and shows all later ones whole', () => {
    const recording = recorded(9).recording();
    expect(recording.startedMs).toBe(20);
    expect(pictureAt(recording, 20)).toEqual(BEFORE);
    expect(pictureAt(recording, 30)).toEqual(AFTER);
  });
});

describe('a partition', () => {
  it('is under-replicated by those that should be in sync, not by those that are being added', () => {
    const moving = { replicas: [1, 2, 3, 4], isr: [1, 2, 3], adding: [4] };
    expect(isUnderReplicated(partition('a', moving))).toBe(false);
    expect(isUnderReplicated(partition('a', { ...moving, isr: [1, 2] }))).toBe(true);
  });
});
