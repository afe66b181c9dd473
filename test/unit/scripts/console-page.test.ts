/** What the console's page knows, by what it is told. */
import { describe, expect, it } from 'vitest';
import { FIRST_STATE, reduce, type State, shownPicture } from '../../../scripts/console/page/state.ts';
import { type ClusterPicture, NOTHING } from '../../../scripts/console/picture.ts';

const replicas = [1, 2];
const ONE = { topic: 't', partition: 0, leader: 1, leaderEpoch: 0, replicas, isr: replicas };
const PARTITION = { ...ONE, offline: [], adding: [], removing: [] };
const PICTURE: ClusterPicture = { ...NOTHING, controllerId: 1, partitions: { 't-0': PARTITION } };
const SHRUNK = { ...PARTITION, leader: 2, isr: [2] };

const RECORDING = { startedMs: 100, first: PICTURE, changes: [] };

function begun(): State {
  const connected = reduce(FIRST_STATE, {
    kind: 'begun',
    picture: PICTURE,
    allowsChanges: false,
    trouble: null,
    may: { describe: true, alter: true },
    user: null,
  });
  return reduce(connected, { kind: 'recalled', recording: RECORDING, events: [] });
}

function changed(state: State, atMs: number): State {
  return reduce(state, { kind: 'changed', change: { atMs, partitions: { 't-0': SHRUNK }, removed: [] } });
}

function progress(highWatermark: number, lag: number) {
  return { 't-0': { highWatermark, replicas: { 1: { lag: 0, sizeBytes: 1 }, 2: { lag, sizeBytes: 1 } } } };
}

describe('the page', () => {
  it('shows what is live, or an earlier moment while what is live goes on', () => {
    const state = reduce(changed(begun(), 200), { kind: 'moved-to', momentMs: 150 });
    expect(shownPicture(state).partitions['t-0']?.leader).toBe(1);
    const later = changed(state, 300);
    expect(shownPicture(later).partitions['t-0']?.leader).toBe(1);
    const now = reduce(later, { kind: 'moved-to', momentMs: null });
    expect(shownPicture(now).partitions['t-0']?.leader).toBe(2);
    expect(now.recording.changes).toHaveLength(2);
  });

  it('knows what has just changed', () => {
    expect(begun().changedMs).toEqual({});
    expect(changed(begun(), 200).changedMs).toEqual({ 't-0': 200 });
  });

  it('loses nothing that is told while what was before is on its way', () => {
    const event = {
      id: '1/2',
      causeId: null,
      brokerId: 1,
      wallMs: 5,
      kind: 'k',
      sentence: 's',
      partition: null,
    };
    const told = reduce(changed(begun(), 200), { kind: 'happened', event });
    const old = { ...event, id: '1/1' };
    const recalled = reduce(told, { kind: 'recalled', recording: RECORDING, events: [old, event] });
    expect(recalled.live.partitions['t-0']?.leader).toBe(2);
    expect(recalled.recording.changes.map(({ atMs }) => atMs)).toEqual([200]);
    expect(recalled.events.map(({ id }) => id)).toEqual(['1/1', '1/2']);
  });

  it('draws rates from how far partitions have come, and who is ill', () => {
    const first = reduce(begun(), { kind: 'progressed', progress: progress(100, 0), atMs: 1000 });
    const second = reduce(changed(first, 1500), {
      kind: 'progressed',
      progress: progress(600, 7),
      atMs: 2000,
    });
    expect(first.samples).toEqual([{ atMs: 1000, underReplicated: 0, offline: 0, lag: 0, rate: null }]);
    expect(second.samples[1]).toEqual({ atMs: 2000, underReplicated: 1, offline: 0, lag: 7, rate: 500 });
  });

  it('draws no rate below nothing when a partition is gone or begins anew', () => {
    const first = reduce(begun(), { kind: 'progressed', progress: progress(100, 0), atMs: 1000 });
    const second = reduce(first, { kind: 'progressed', progress: {}, atMs: 2000 });
    expect(second.samples[1]?.rate).toBe(0);
  });

  it('says when its server is away, and begins anew when it is back', () => {
    const away = reduce(changed(begun(), 200), { kind: 'disconnected' });
    expect(away.isConnected).toBe(false);
    const back = reduce(away, {
      kind: 'begun',
      picture: PICTURE,
      allowsChanges: true,
      trouble: null,
      may: { describe: true, alter: true },
      user: null,
    });
    expect(back).toMatchObject({ isConnected: true, live: PICTURE });
  });
});
