/** Every kind of event beside its line: level and words as people and scripts look for them. */
import { describe, expect, it } from 'vitest';
import type { EventKind, EventOf } from '../../../broker/platform/cluster-events.ts';
import { EVENT_KINDS, lineOf } from '../../../broker/platform/event-lines.ts';

type Sample<Kind extends EventKind> = readonly [Omit<EventOf<Kind>, 'kind'>, string | null];

const t0 = { topic: 't', partition: 0 };
const epochs = { leaderEpoch: 3, partitionEpoch: 5, controllerEpoch: 2 };
const timeline = {
  controllerId: 2,
  epoch: 7,
  electedMs: 3.7,
  loadMs: 7.2,
  leadersMovedMs: 6.6,
  totalMs: 26.1,
  brokers: 2,
  partitions: 6,
  partitionsMoved: 4,
};

/** An event of each kind, and `LEVEL words` of its line, null for none. A kind that lacks here does not compile. */
const SAMPLES: { readonly [Kind in EventKind]: Sample<Kind> } = {
  'controller-elected': [{ epoch: 7, epochVersion: 8 }, null],
  'group-member-failed': [{ groupId: 'g', memberId: 'm' }, null],
  'group-rebalanced': [{ groupId: 'g', generationId: 2, members: 3, joined: 1, left: 0 }, null],
  'client-errors': [
    { periodMs: 1000, errors: [{ api: 'Fetch', error: 6, count: 2, partitions: ['t-0'] }] },
    null,
  ],
  'configs-changed': [{ topic: 't', names: ['retention.ms'] }, null],
  'controller-gone': [{ controllerId: 1 }, null],
  'became-leader': [
    {
      topic: 't',
      partition: 0,
      leaderEpoch: 1,
      partitionEpoch: 2,
      controllerEpoch: 3,
      isr: [1],
      endOffset: 9,
    },
    null,
  ],
  'became-follower': [
    {
      topic: 't',
      partition: 0,
      leader: 2,
      leaderEpoch: 1,
      partitionEpoch: 2,
      controllerEpoch: 3,
      isr: [2],
      endOffset: 9,
    },
    null,
  ],
  'roles-taken': [{ leading: 60, following: 0, details: [] }, null],
  'controller-order-refused': [
    { order: 'LeaderAndIsr', controllerId: 1, controllerEpoch: 2, error: 11, knownEpoch: 3 },
    null,
  ],
  'failover-finished': [
    timeline,
    'info Controller 2 elected at epoch 7: election 4 ms, load 7 ms, leaders moved 7 ms, total 26 ms (2 brokers, 6 partitions, 4 moved)',
  ],
  'controller-resigned': [
    { epoch: 7, reason: 'the session is lost' },
    'info Resigned from the term of epoch 7: the session is lost',
  ],
  'controller-fenced': [
    { epoch: 7, during: 'TopicChange', reason: 'moved' },
    'warn TopicChange was interrupted: moved',
  ],
  'controller-interrupted': [
    { epoch: 7, during: 'TopicChange', reason: 'lost' },
    'warn TopicChange was interrupted: lost',
  ],
  'controller-changed': [{ controllerId: 3, isSelf: false }, 'info Broker 3 is the controller'],
  'candidacy-resumed': [{ brokerEpoch: 90 }, 'info Taking part in elections again, with broker epoch 90'],
  'brokers-changed': [
    { joined: [1, 2], bounced: [], left: [3], registrations: [] },
    'info Brokers registered: 1,2; back under a new epoch: none; gone: 3',
  ],
  'lost-leaders-replaced': [
    { brokers: [3], led: 6, moved: 2, tookMs: 5 },
    'info Brokers 3 are gone: 2 of 6 partitions they led have a new leader after 5 ms',
  ],
  'stranger-registered': [
    { broker: 4 },
    "error Broker 4 has registered without an endpoint for peers, as Apache Kafka's do: it is left out, and must not stay in this cluster",
  ],
  'log-directories-reported': [{ brokers: [1, 3] }, 'warn Log directories failed on brokers 1,3'],
  'controlled-shutdown-granted': [
    { broker: 2, remaining: 0 },
    'info Controlled shutdown of broker 2: 0 partitions that it leads have no successor',
  ],
  'controlled-shutdown-refused': [
    { broker: 2, error: 77 },
    'warn Controlled shutdown of broker 2 refused: STALE_BROKER_EPOCH',
  ],
  'leader-moved': [
    { ...t0, from: 1, to: 2, isr: [2], ...epochs, reason: 'unclean-election', unclean: true },
    'warn Unclean election: broker 2, not in sync, leads t-0 now; committed records may be lost',
  ],
  'isr-shrunk': [{ ...t0, from: [1, 2], to: [1], ...epochs, reason: 'lagging' }, null],
  'isr-expanded': [{ ...t0, from: [1], to: [1, 2], ...epochs, reason: 'caught-up' }, null],
  'partition-state-vanished': [t0, 'warn Partition t-0 has no state node any more'],
  'partitions-moved': [
    {
      reason: 'broker-lost',
      controllerEpoch: 3,
      partitions: 900,
      leadersMoved: 600,
      leaderless: 0,
      isrsShrunk: 900,
      isrsExpanded: 0,
      unclean: 2,
      uncleanPartitions: ['t-0', 't-1'],
      details: [],
      detailsLeftOut: 900,
    },
    'warn Unclean elections: 2 partitions are led by brokers that were not in sync, and committed records may be lost: t-0, t-1',
  ],
  'partitions-repaired': [
    { count: 12, partitions: ['t-0', 't-1'] },
    'warn 12 partitions were out of line and are led again: t-0, t-1',
  ],
  'leaders-rebalanced': [
    { moved: 4 },
    'info Leaders rebalanced: 4 partitions are led by their first replica again',
  ],
  'topics-created': [{ topics: ['a', 'b'] }, 'info New topics: a, b'],
  'topic-grown': [{ topic: 'a', added: 2 }, 'info Topic a has grown by 2 partitions'],
  'topic-growth-undone': [
    { topic: 'a' },
    'warn Partitions added to a, which is being deleted, are taken back',
  ],
  'new-partitions-leaderless': [
    { why: 'no-living-replica', count: 2, partitions: ['t-0', 't-1'] },
    'error 2 new partitions wait for a living replica: t-0, t-1',
  ],
  'topic-deletion-refused': [{ topics: ['a'], why: 'no-such-topics' }, 'warn Not deleting a: no such topics'],
  'topic-deletion-begun': [{ topics: ['a', 'b'] }, 'info Deleting topics a, b'],
  'topic-deletion-waits': [{ topic: 'a' }, 'info Deletion of a waits for brokers that hold replicas of it'],
  'topic-deleted': [{ topic: 'a' }, 'info Topic a is deleted'],
  'topic-vanished': [{ topic: 'a' }, 'warn Topic a has vanished'],
  'reassignment-begun': [{ ...t0, from: [1, 2], to: [3, 2] }, 'info Reassigning t-0 from 1,2 to 3,2'],
  'reassignment-step': [{ ...t0, adding: [3], removing: [1] }, null],
  'reassignment-held-up': [t0, 'warn Reassignment of t-0 cannot be completed yet'],
  'reassignment-unwritten': [t0, 'warn t-0 has moved, but the assignment of its topic cannot be written'],
  'reassignment-finished': [{ ...t0, replicas: [3, 2] }, 'info Reassignment of t-0 to 3,2 is complete'],
  'reassignment-refused': [{ ...t0, reason: 'unknown' }, 'warn Not reassigning t-0: unknown'],
  'isr-shrink-proposed': [
    { ...t0, from: [1, 2, 3], to: [1, 2], leaderEpoch: 3, leaderEndOffset: 9, highWatermark: 7, lagging: [] },
    'info Shrinking ISR of t-0 from 1,2,3 to 1,2; leader end 9, high watermark 7',
  ],
  'isr-expand-proposed': [
    { ...t0, from: [1, 2], to: [1, 2, 3], leaderEpoch: 3 },
    'info Expanding ISR of t-0 from 1,2 to 1,2,3',
  ],
  'isr-change-refused': [{ ...t0, error: 41 }, 'info ISR change of t-0 was refused: NOT_CONTROLLER'],
  'log-truncated': [
    { ...t0, from: 9, to: 7, highWatermark: 7, why: { rule: 'leader-epoch', epoch: 2, endOffset: 7 } },
    "info Truncating t-0 from 9 to 7: the leader's epoch 2 ends at 7",
  ],
  'replica-left': [
    { ...t0, replicas: [2, 3] },
    'info t-0 is now on 2,3: this broker keeps its log and leaves it alone',
  ],
  'replica-offline': [{ ...t0, directory: '/d' }, 'warn t-0 is offline: its log directory /d has failed'],
  'log-directory-failed': [{ directory: '/d', reason: 'EIO' }, 'error Stopping serving logs in dir /d'],
  'groups-loaded': [
    { partition: 4, leaderEpoch: 1, groups: 2, tookMs: 8 },
    'info Loaded 2 groups of __consumer_offsets-4 in 8 ms',
  ],
  'groups-failed': [
    { partition: 4, leaderEpoch: 1, reason: 'no batch' },
    'error The groups of __consumer_offsets-4 are not coordinated until another replica leads, as this one is damaged: no batch',
  ],
  'groups-resigned': [{ partition: 4, why: 'moved' }, null],
  'transactions-loaded': [
    { partition: 4, leaderEpoch: 2, ids: 3, resumed: 1, tookMs: 9 },
    'info Loaded 3 transactional ids of __transaction_state-4 in 9 ms, 1 of them with an end that partitions have to be told',
  ],
  'transactions-failed': [
    { partition: 4, leaderEpoch: 1, reason: 'no batch' },
    'error The transactions of __transaction_state-4 are not coordinated until another replica leads, as this one is damaged: no batch',
  ],
  'transactions-resigned': [{ partition: 4, why: 'moved' }, null],
  'producer-fenced': [
    { transactionalId: 'pay', producerId: 7, producerEpoch: 3, why: 'timed-out' },
    'info Aborting the transaction of pay (producer id 7, fenced by epoch 3): it has timed out',
  ],
  'transaction-markers-fenced': [
    { transactionalId: 'pay', producerId: 7, error: 47 },
    'warn Partitions of the transaction of pay (producer id 7) are told nothing any more: INVALID_PRODUCER_EPOCH',
  ],
  'transactional-ids-expired': [
    { partition: 4, ids: 2 },
    'info Forgot 2 transactional ids of __transaction_state-4 that nobody has used for long',
  ],
  'session-suspended': [{}, 'warn disconnected from ZooKeeper'],
  'session-resumed': [{}, 'info connected to ZooKeeper again, the session lives on'],
  'session-lost': [{ sessionId: '0x1f' }, 'warn ZooKeeper session 0x1f has expired'],
  'session-regained': [{ sessionId: '0x20' }, 'info new ZooKeeper session 0x20'],
  'broker-id-awaited': [
    { reason: 'Broker id 2 is taken', limitMs: 3000 },
    'warn Broker id 2 is taken. If that was an earlier run of this broker, its session ends by itself: waiting for that, at most 3000 ms',
  ],
  'broker-registered': [
    { brokerId: 2, path: '/brokers/ids/2', brokerEpoch: 90 },
    'info Registered broker 2 at path /brokers/ids/2, czxid (broker epoch): 90',
  ],
  'broker-started': [{}, 'info started'],
  'shutdown-begun': [{}, 'info shutting down'],
  'leaders-remain': [
    { partitions: 3, error: 0 },
    'info Controlled shutdown: 3 partitions remain, error NONE',
  ],
  'shutdown-unclean': [{}, 'warn Proceeding to an unclean shutdown, as not all leaders could be moved'],
  'shutdown-finished': [{}, 'info shut down completed'],
  'fault-struck': [
    { id: 3, fault: 'link-cut', parameters: '{"to":2}', forMs: 500 },
    'warn Fault 3 on demand: link-cut {"to":2}, for 500 ms at most',
  ],
  'fault-healed': [
    { id: 3, fault: 'link-cut', why: 'asker-gone' },
    'warn Fault 3 is healed: link-cut (whoever asked is gone)',
  ],
};

function said<Kind extends EventKind>(kind: Kind, facts: Omit<EventOf<Kind>, 'kind'>): string | null {
  const line = lineOf({ kind, ...facts } as unknown as EventOf<Kind>);
  return line === null ? null : `${line.level} ${line.text}`;
}

describe('the line of an event', () => {
  it('exists, or is known not to, for every kind', () => {
    expect(Object.keys(SAMPLES).sort()).toEqual([...EVENT_KINDS].sort());
  });

  it.each(EVENT_KINDS)('of kind %s has its level and words', (kind) => {
    const [facts, line] = SAMPLES[kind];
    expect(said(kind, facts)).toBe(line);
  });

  it('is missing where the event is about us, or about nothing', () => {
    expect(said('controller-changed', { controllerId: 3, isSelf: true })).toBeNull();
    expect(said('controller-changed', { controllerId: -1, isSelf: false })).toBeNull();
    expect(said('groups-loaded', { partition: 4, leaderEpoch: 1, groups: 0, tookMs: 0 })).toBeNull();
    const [moved] = SAMPLES['leader-moved'];
    expect(said('leader-moved', { ...moved, unclean: false })).toBeNull();
  });

  it('tells what else a kind can say', () => {
    const leaderless = { count: 1, partitions: ['t-0'] };
    expect(said('new-partitions-leaderless', { ...leaderless, why: 'not-written' })).toBe(
      'error 1 new partitions could not be given a leader: t-0',
    );
    expect(said('topic-deletion-refused', { topics: ['a', 'b'], why: 'not-enabled' })).toBe(
      'info Not deleting a, b: delete.topic.enable is false',
    );
    const cut = { ...t0, from: 9, to: 5, highWatermark: 7 };
    const by = { rule: 'leader-epoch', epoch: 2, endOffset: 5 } as const;
    expect(said('log-truncated', { ...cut, why: by })).toBe(
      'warn Truncating t-0 from 9 to 5, below the high watermark 7',
    );
    expect(said('log-truncated', { ...cut, why: { rule: 'leader-end' } })).toBe(
      "warn Truncating t-0 from 9 to the leader's end 5",
    );
    expect(said('log-truncated', { ...cut, why: { rule: 'leader-start' } })).toBe(
      "warn Starting t-0 over at 5, where the leader's log begins",
    );
    expect(said('log-truncated', { ...cut, why: { rule: 'hole' } })).toBe(
      'warn Truncating t-0 from 9 to 5: records are missing there, which the leader has',
    );
    expect(said('log-truncated', { ...cut, why: { rule: 'no-epochs' } })).toBeNull();
  });
});
