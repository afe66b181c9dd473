/** Committed offsets of a group: which commit stays, and when one has outlived its use (Kafka's GroupMetadata). */
import { describe, expect, it } from 'vitest';
import { type Group, newGroup } from '../../../broker/coordinators/group/group.ts';
import { groupFrom, groupValue } from '../../../broker/coordinators/group/group-value.ts';
import {
  type Commit,
  commitSettled,
  expiredOffsets,
  newGroupOffsets,
  replayCommit,
} from '../../../broker/coordinators/group/offsets.ts';
import { subscribedTopics } from '../../../broker/coordinators/group/subscription.ts';
import { stableGroup } from './group-transitions.ts';

const HOUR_MS = 3_600_000;

const commitOf = (more: Partial<Commit> = {}): Commit => ({
  offset: 5,
  leaderEpoch: -1,
  metadata: '',
  commitTimestampMs: HOUR_MS,
  expireTimestampMs: null,
  ...more,
});

describe('of two commits of a partition', () => {
  it('the one later in the log stays, in whatever order they are replicated', () => {
    const offsets = newGroupOffsets();
    replayCommit(offsets, 't-0', commitOf({ offset: 2 }), 20);
    replayCommit(offsets, 't-0', commitOf({ offset: 1 }), 10);
    expect(offsets.committed.get('t-0')).toMatchObject({ offset: 2, recordOffset: 20 });
    replayCommit(offsets, 't-0', null, 19);
    expect(offsets.committed.size).toBe(1);
    replayCommit(offsets, 't-0', null, 21);
    expect(offsets.committed.size).toBe(0);
  });

  it('that are under way the later one is waited for, also when the earlier is over', () => {
    const offsets = newGroupOffsets();
    const [first, second] = [commitOf(), commitOf()];
    offsets.pending.set('t-0', first);
    offsets.pending.set('t-0', second);
    commitSettled(offsets, 't-0', first);
    expect(offsets.pending.size).toBe(1);
    commitSettled(offsets, 't-0', second);
    expect(offsets.pending.size).toBe(0);
  });
});

describe('a committed offset', () => {
  /** Whether it is expired so long after the commit of one hour after the beginning of time. */
  function isExpired(
    group: Group,
    afterMs: number,
    { commit = commitOf(), topics = null as ReadonlySet<string> | null, pending = false } = {},
  ): boolean {
    const offsets = newGroupOffsets();
    replayCommit(offsets, 't-0', commit, 0);
    if (pending) offsets.pending.set('t-0', commit);
    const at = { nowMs: HOUR_MS + afterMs, retentionMs: 1000, subscribedTopics: topics };
    return expiredOffsets(group, offsets, at).length === 1;
  }

  it('of a group that never had members goes when its retention has passed since the commit', () => {
    const group = newGroup('g', 0);
    expect([isExpired(group, 999), isExpired(group, 1000)]).toEqual([false, true]);
  });

  it('of a group that has become empty goes when its retention has passed since then', () => {
    const group = { ...newGroup('g', HOUR_MS + 500), protocolType: 'consumer' };
    expect([isExpired(group, 1499), isExpired(group, 1500)]).toEqual([false, true]);
  });

  it('of an old record, which does not say since when the group is empty, is kept from the commit on', () => {
    const group = { ...newGroup('g', -1), protocolType: 'consumer' };
    expect([isExpired(group, 999), isExpired(group, 1000)]).toEqual([false, true]);
  });

  it('of a stable consumer group goes only where nobody subscribes to the topic', () => {
    const group = stableGroup('m1');
    expect(isExpired(group, HOUR_MS, { topics: new Set(['t']) })).toBe(false);
    expect(isExpired(group, 1000, { topics: new Set(['other']) })).toBe(true);
    expect(isExpired(group, 999, { topics: new Set(['other']) })).toBe(false);
    expect(isExpired(group, HOUR_MS, { topics: null })).toBe(false);
  });

  it('of a group that rebalances, or that is not of consumers, stays', () => {
    const others = { topics: new Set(['other']) };
    expect(isExpired({ ...stableGroup('m1'), state: 'PreparingRebalance' }, HOUR_MS, others)).toBe(false);
    expect(isExpired({ ...stableGroup('m1'), protocolType: 'connect' }, HOUR_MS, others)).toBe(false);
  });

  it('with a time of its own goes at that time, whatever the retention is', () => {
    const commit = commitOf({ expireTimestampMs: HOUR_MS + 5 });
    const group = newGroup('g', 0);
    expect([4, 5].map((afterMs) => isExpired(group, afterMs, { commit }))).toEqual([false, true]);
    expect(isExpired(group, 2000, { commit: commitOf({ expireTimestampMs: HOUR_MS + 3000 }) })).toBe(false);
  });

  it('of which another commit is under way stays', () => {
    expect(isExpired(newGroup('g', 0), HOUR_MS, { pending: true })).toBe(false);
  });
});

describe('the topics that a group subscribes to', () => {
  /** The subscription of a consumer, in the version given. */
  function subscription(topics: readonly string[], version = 1): Buffer {
    const head = Buffer.alloc(6);
    head.writeInt16BE(version, 0);
    head.writeInt32BE(topics.length, 2);
    const names = topics.map((topic) => {
      const bytes = Buffer.from(`  ${topic}`);
      bytes.writeInt16BE(bytes.length - 2, 0);
      return bytes;
    });
    return Buffer.concat([head, ...names, Buffer.from('ffffffff', 'hex')]);
  }

  function groupWith(...metadata: Buffer[]): Group {
    const ids = metadata.map((_, index) => `m${index}`);
    const group = stableGroup(...ids);
    for (const [index, id] of ids.entries()) {
      const member = group.members.get(id);
      if (member === undefined) throw new Error('no member');
      group.members.set(id, {
        ...member,
        protocols: [{ name: 'range', metadata: metadata[index] as Buffer }],
      });
    }
    return group;
  }

  it('are those of all its members, in any version of the subscription', () => {
    const group = groupWith(subscription(['a', 'é'], 0), subscription(['b', 'a'], 3));
    expect(subscribedTopics(group)).toEqual(new Set(['a', 'é', 'b']));
    expect(subscribedTopics(groupWith(subscription([])))).toEqual(new Set());
    const [longest, tooLong] = ['n'.repeat(249), 'n'.repeat(250)];
    expect(subscribedTopics(groupWith(subscription([tooLong, longest, 'a'])))).toEqual(
      new Set([longest, 'a']),
    );
  });

  it('are not known of a group of another kind, nor where a member says something odd', () => {
    expect(subscribedTopics({ ...groupWith(subscription(['a'])), protocolType: 'connect' })).toBeNull();
    expect(subscribedTopics({ ...groupWith(subscription(['a'])), protocolName: null })).toBeNull();
    const whole = subscription(['topic']);
    for (const odd of ['', '0001', '0001ffffffff', '00017fffffff', '0001000000020001610005']) {
      const group = groupWith(whole, Buffer.from(odd, 'hex'));
      expect(subscribedTopics(group), odd).toBeNull();
    }
  });
});

describe('a group in its record', () => {
  it('is found again as it was stored: stable with its members', () => {
    const group = stableGroup('m1', 'm2');
    const found = groupFrom(group.groupId, groupValue(group, {}));
    expect(found.state).toBe('Stable');
    for (const field of [
      'generationId',
      'protocolType',
      'protocolName',
      'leaderId',
      'stateSinceMs',
    ] as const) {
      expect(found[field], field).toEqual(group[field]);
    }
    expect([...found.members.keys()]).toEqual(['m1', 'm2']);
    expect(found.members.get('m1')?.assignment).toEqual(group.members.get('m1')?.assignment);
  });

  it('is empty without members', () => {
    expect(groupFrom('g', groupValue(newGroup('g', 7), {}))).toMatchObject({
      state: 'Empty',
      stateSinceMs: 7,
      protocolType: null,
    });
  });

  it('may be ahead of it: assignments that nobody has been told yet', () => {
    const assignments = new Map([['m2', Buffer.from('new')]]);
    const { members } = groupValue(stableGroup('m1', 'm2'), { assignments });
    expect(members.map(({ memberId, assignment }) => [memberId, String(assignment)])[1]).toEqual([
      'm2',
      'new',
    ]);
  });

  it('of a client without a rebalance timeout has the session timeout for one', () => {
    const value = groupValue(stableGroup('m1'), {});
    const members = value.members.map((member) => ({ ...member, rebalanceTimeout: -1, sessionTimeout: 77 }));
    expect(groupFrom('g', { ...value, members }).members.get('m1')?.rebalanceTimeoutMs).toBe(77);
  });
});
