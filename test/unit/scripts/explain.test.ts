/** What `odradek explain` tells: stories as pages of text, from journals that are written down here. */
import { describe, expect, it } from 'vitest';
import { ErrorCode } from '../../../broker/errors.ts';
import type { ClusterEvent } from '../../../broker/platform/cluster-events.ts';
import type { Recorded } from '../../../broker/platform/event-ring.ts';
import { Journals } from '../../../scripts/cli/events/causes.ts';
import {
  aboutBroker,
  aboutController,
  aboutCoordinated,
  aboutError,
  aboutPartition,
} from '../../../scripts/cli/events/questions.ts';
import { standingOf } from '../../../scripts/cli/events/standing.ts';
import { type Choice, storyOf } from '../../../scripts/cli/events/story.ts';

const T0 = { topic: 't', partition: 0 };
const MIDNIGHT_MS = Date.UTC(2026, 0, 1);

/** The journal of one life of a broker, whose clock is so many seconds off. */
class Pen {
  readonly events: Recorded[] = [];
  readonly #brokerId: number;
  readonly #epoch: number;
  readonly #offSeconds: number;
  #id: number;

  constructor(brokerId: number, { epoch = brokerId * 10, offSeconds = 0, after = 0 } = {}) {
    this.#brokerId = brokerId;
    this.#epoch = epoch;
    this.#offSeconds = offSeconds;
    this.#id = after;
  }

  at(seconds: number, event: ClusterEvent, cause: number | Recorded | null = null): Recorded {
    this.#id++;
    const of = typeof cause === 'number' ? cause : (cause?.id ?? null);
    const isForeign = cause !== null && typeof cause !== 'number' && cause.brokerId !== this.#brokerId;
    const recorded: Recorded = {
      id: this.#id,
      causeId: of,
      ...(isForeign && { causeBrokerId: cause.brokerId }),
      brokerId: this.#brokerId,
      brokerEpoch: this.#epoch,
      wallMs: MIDNIGHT_MS + (seconds + this.#offSeconds) * 1000,
      event,
    };
    this.events.push(recorded);
    return recorded;
  }
}

const EPOCHS = { leaderEpoch: 1, partitionEpoch: 1, controllerEpoch: 2 };

/** Broker 1, the controller and leader of t-0, is killed; broker 2, whose clock is a minute late, succeeds it. */
function killedController() {
  const one = new Pen(1);
  const two = new Pen(2, { offSeconds: -60 });
  const three = new Pen(3);
  one.at(1, { kind: 'broker-registered', brokerId: 1, path: '/brokers/ids/1', brokerEpoch: 10 });
  const first = one.at(2, { kind: 'controller-elected', epoch: 1, epochVersion: 1 });
  const began = { leaderEpoch: 0, partitionEpoch: 0, controllerEpoch: 1 };
  const topics = one.at(3, { kind: 'topics-created', topics: ['t'] }, first);
  const made = { kind: 'leader-moved', ...T0, from: -1, to: 1, isr: [1, 2, 3], ...began } as const;
  const moved = one.at(4, { ...made, reason: 'new-partition', unclean: false }, topics);
  one.at(5, { kind: 'became-leader', ...T0, ...began, isr: [1, 2, 3], endOffset: 0 }, moved);
  three.at(5, { kind: 'became-follower', ...T0, leader: 1, ...began, isr: [1, 2, 3], endOffset: 0 }, moved);
  const gone = two.at(20, { kind: 'controller-gone', controllerId: 1 });
  const elected = two.at(20.1, { kind: 'controller-elected', epoch: 2, epochVersion: 2 }, gone);
  const lead = { kind: 'leader-moved', ...T0, from: 1, to: 2, isr: [2, 3], ...EPOCHS } as const;
  const failedOver = two.at(20.2, { ...lead, reason: 'failover', unclean: false }, elected);
  two.at(20.3, { kind: 'became-leader', ...T0, ...EPOCHS, isr: [2, 3], endOffset: 7 }, failedOver);
  const follows = three.at(
    20.4,
    { kind: 'became-follower', ...T0, leader: 2, ...EPOCHS, isr: [2, 3], endOffset: 9 },
    failedOver,
  );
  const why = { rule: 'leader-epoch', epoch: 0, endOffset: 7 } as const;
  three.at(20.5, { kind: 'log-truncated', ...T0, from: 9, to: 7, highWatermark: 7, why }, follows);
  return { one, two, three };
}

function story(
  events: readonly Recorded[],
  choice: Choice,
  focus: typeof T0 | null = null,
  most = 100,
): string[] {
  return storyOf(new Journals(events), choice, { focus, most });
}

describe('the story of a partition', () => {
  it('goes from cause to effect over all brokers, also where a clock says the opposite', () => {
    const { one, two, three } = killedController();
    const events = [...two.events, ...three.events, ...one.events];
    expect(story(events, aboutPartition(T0), T0)).toEqual([
      '[1] 2026-01-01 00:00:02.000 Broker 1 was elected controller of epoch 1 (/controller_epoch is at version 1).',
      '[2] 2026-01-01 00:00:03.000 Because of [1], broker 1 as the controller heard of the new topic t.',
      '[3] 2026-01-01 00:00:04.000 Because of [2], broker 1 moved the leader of t-0 from nobody to broker 1 (new-partition; in sync: 1, 2, 3; leader epoch 0, state at version 0, by controller epoch 1).',
      '[4] 2026-01-01 00:00:05.000 Because of [3], broker 1 leads t-0 from its offset 0 on (in sync: 1, 2, 3; leader epoch 0, state at version 0, by controller epoch 1).',
      '[5] after 2026-01-01 00:00:05.000 Broker 1 went silent. The last that its journal has is that it leads t-0 from its offset 0 on (in sync: 1, 2, 3; leader epoch 0, state at version 0, by controller epoch 1). Nothing says that it was stopped: it was killed, or could not go on.',
      '[6] 2025-12-31 23:59:20.000 Because of [5], broker 2 saw that /controller is gone, and with it broker 1 as the controller.',
      '[7] 2025-12-31 23:59:20.100 Because of [6], broker 2 was elected controller of epoch 2 (/controller_epoch is at version 2).',
      '[8] 2025-12-31 23:59:20.200 Because of [7], broker 2 moved the leader of t-0 from broker 1 to broker 2 (failover; in sync: 2, 3; leader epoch 1, state at version 1, by controller epoch 2).',
      '[9] 2025-12-31 23:59:20.300 Because of [8], broker 2 leads t-0 from its offset 7 on (in sync: 2, 3; leader epoch 1, state at version 1, by controller epoch 2).',
      '[10] 2026-01-01 00:00:05.000 Because of [3], broker 3 follows broker 1 in t-0, its own log ending at 0 (leader epoch 0, state at version 0, by controller epoch 1).',
      '[11] 2026-01-01 00:00:20.400 Because of [8], broker 3 follows broker 2 in t-0, its own log ending at 9 (leader epoch 1, state at version 1, by controller epoch 2).',
      "[12] 2026-01-01 00:00:20.500 Because of [11], broker 3 cut its log of t-0 from 9 back to 7, where its history and the leader's part.",
    ]);
    expect(standingOf(new Journals(events).events, T0)).toBe(
      't-0 now: broker 2 leads it, in leader epoch 1; in sync: 2, 3; its state is at version 1.',
    );
  });

  it('says so where the journal of a broker was not read', () => {
    const { two, three } = killedController();
    const lines = story([...two.events, ...three.events], aboutPartition(T0), T0);
    expect(lines[0]).toMatch(
      /^\[1\] What became of broker 1 is not known here: its journal of that time was not read\./,
    );
    expect(lines[1]).toContain('Because of [1], broker 2 saw that /controller is gone');
  });

  it('tells what was written of many partitions together as of this one', () => {
    const controller = new Pen(1);
    const detail = {
      from: 2,
      to: 3,
      isrFrom: [2, 3],
      isr: [3],
      leaderEpoch: 4,
      partitionEpoch: 9,
      unclean: false,
    };
    controller.at(1, {
      kind: 'partitions-moved',
      reason: 'broker-lost',
      controllerEpoch: 5,
      partitions: 6000,
      leadersMoved: 3000,
      leaderless: 0,
      isrsShrunk: 6000,
      isrsExpanded: 0,
      unclean: 0,
      uncleanPartitions: [],
      details: [{ ...detail, topics: [['t', '0-2999']] }],
      detailsLeftOut: 0,
    });
    expect(story(controller.events, aboutPartition(T0), T0)).toEqual([
      '[1] 2026-01-01 00:00:01.000 Broker 1 moved the leader of t-0 from broker 2 to broker 3 (in sync: 3; broker-lost, among 6000 partitions; leader epoch 4, state at version 9, by controller epoch 5).',
    ]);
    expect(standingOf(controller.events, T0)).toContain('broker 3 leads it, in leader epoch 4');
  });

  it('is of the newest events where there are more than are asked for', () => {
    const leader = new Pen(1);
    for (let count = 1; count <= 5; count++)
      leader.at(count, { kind: 'isr-change-refused', ...T0, error: 41 });
    expect(story(leader.events, aboutPartition(T0), T0, 2)).toEqual([
      '(3 earlier events are left out; --last 5 tells them)',
      '[1] 2026-01-01 00:00:04.000 Broker 1 was refused a change of the in-sync replicas of t-0: NOT_CONTROLLER.',
      '[2] 2026-01-01 00:00:05.000 Broker 1 was refused a change of the in-sync replicas of t-0: NOT_CONTROLLER.',
    ]);
  });
});

describe('the story of a broker', () => {
  it('tells since when one that has caught up follows, also where it took many roles by one order', () => {
    const [one, two] = [new Pen(1), new Pen(2)];
    const taken = (leaderEpoch: number) => {
      const details = [{ leader: 2, leaderEpoch, topics: [['t', '0-99'] as const] }];
      return { kind: 'roles-taken', leading: 0, following: 100, details } as const;
    };
    one.at(1, taken(1));
    one.at(2, taken(2));
    two.at(3, { kind: 'isr-expand-proposed', ...T0, from: [2], to: [2, 1], leaderEpoch: 1 });
    const lines = story([...one.events, ...two.events], aboutPartition(T0), T0);
    expect(lines.at(-1)).toMatch(
      /^\[3\] .* Because of \[1\], broker 2 as the leader of t-0 asked to take broker 1/,
    );
  });

  it('leads over what it was refused while it shut down to its return, and to the leaders it gets back', () => {
    const [old, back] = [new Pen(1), new Pen(1, { epoch: 55, after: 2 })];
    const two = new Pen(2);
    const role = { ...T0, ...EPOCHS, leader: 2, isr: [2], endOffset: 7 } as const;
    const proposed = { kind: 'isr-expand-proposed', ...T0, from: [2], to: [2, 1], leaderEpoch: 1 } as const;
    const ending = old.at(1, { kind: 'shutdown-begun' });
    const granted = { kind: 'controlled-shutdown-granted', broker: 1, remaining: 0 } as const;
    two.at(2, granted, ending);
    old.at(3, { kind: 'became-follower', ...role });
    const tooEarly = two.at(4, proposed);
    two.at(5, { kind: 'isr-change-refused', ...T0, error: ErrorCode.INELIGIBLE_REPLICA }, tooEarly);
    back.at(6, { kind: 'broker-registered', brokerId: 1, path: '/brokers/ids/1', brokerEpoch: 55 });
    back.at(7, { kind: 'became-follower', ...role });
    const caughtUp = two.at(8, proposed);
    two.at(
      9,
      { kind: 'isr-expanded', ...T0, from: [2], to: [2, 1], ...EPOCHS, reason: 'caught-up' },
      caughtUp,
    );
    const election = { ...T0, from: 2, to: 1, isr: [2, 1], ...EPOCHS, reason: 'preferred-election' } as const;
    two.at(10, { kind: 'leader-moved', ...election, unclean: false });
    const lines = story([...old.events, ...back.events, ...two.events], aboutPartition(T0), T0).map((line) =>
      line.replace(/^(\[\d+\]) [\d-]+ [\d:.]+/, '$1'),
    );
    const state = 'leader epoch 1, state at version 1, by controller epoch 2';
    expect(lines).toEqual([
      `[1] Broker 1 follows broker 2 in t-0, its own log ending at 7 (${state}).`,
      '[2] Because of [1], broker 2 as the leader of t-0 asked to take broker 1 into the in-sync replicas, having caught up (leader epoch 1).',
      '[3] Because of [2], broker 2 was refused a change of the in-sync replicas of t-0: INELIGIBLE_REPLICA, as one of them shuts down or is not registered.',
      `[4] Broker 1 follows broker 2 in t-0, its own log ending at 7 (${state}).`,
      '[5] Because of [4], broker 2 as the leader of t-0 asked to take broker 1 into the in-sync replicas, having caught up (leader epoch 1).',
      `[6] Because of [5], broker 2 took broker 1 into the in-sync replicas of t-0, which are 2, 1 now (caught-up; ${state}).`,
      `[7] Broker 2 moved the leader of t-0 from broker 2 to broker 1 (preferred-election, to the first of its replicas; in sync: 2, 1; ${state}).`,
    ]);
  });

  it('leads from its session that expired to what it lost, and back', () => {
    const controller = new Pen(1);
    const lost = new Pen(2);
    const regained = new Pen(2, { epoch: 55, after: 2 });
    const expired = lost.at(10, { kind: 'session-lost', sessionId: '0xab' });
    const registrations = [{ broker: 2, epoch: 20 }];
    const changed = controller.at(9, {
      kind: 'brokers-changed',
      joined: [],
      bounced: [],
      left: [2],
      registrations,
    });
    const shrunk = {
      kind: 'isr-shrunk',
      ...T0,
      from: [1, 2],
      to: [1],
      ...EPOCHS,
      reason: 'broker-lost',
    } as const;
    controller.at(9.1, shrunk, changed);
    const session = lost.at(12, { kind: 'session-regained', sessionId: '0xcd' }, expired);
    const path = '/brokers/ids/2';
    regained.at(13, { kind: 'broker-registered', brokerId: 2, path, brokerEpoch: 55 }, session);
    const back = [{ broker: 2, epoch: 55 }];
    controller.at(14, { kind: 'brokers-changed', joined: [2], bounced: [], left: [], registrations: back });
    const events = [...controller.events, ...lost.events, ...regained.events];
    expect(story(events, aboutBroker(2))).toEqual([
      '[1] 2026-01-01 00:00:10.000 Broker 2 lost its ZooKeeper session 0xab: it has expired. By the clocks that was after [2]: broker 2 stood still or was cut off, and heard of it late, or the clocks differ.',
      '[2] 2026-01-01 00:00:09.000 Because of [1], broker 1 as the controller saw that the registration of broker 2 (/brokers/ids/2, czxid 20) vanished.',
      '[3] 2026-01-01 00:00:09.100 Because of [2], broker 1 took broker 2 out of the in-sync replicas of t-0, which are 1 now (broker-lost; leader epoch 1, state at version 1, by controller epoch 2).',
      '[4] 2026-01-01 00:00:12.000 Because of [1], broker 2 has a new ZooKeeper session 0xcd.',
      '[5] 2026-01-01 00:00:13.000 Because of [4], broker 2 registered at /brokers/ids/2, czxid and so broker epoch 55.',
      '[6] 2026-01-01 00:00:14.000 Because of [5], broker 1 as the controller saw that broker 2 (/brokers/ids/2, czxid 55) registered.',
    ]);
  });
});

describe('the story of the controller', () => {
  it('tells a session that is lost as the end of an office, and not the resignation that follows', () => {
    const [one, two] = [new Pen(1), new Pen(2)];
    one.at(1, { kind: 'controller-elected', epoch: 1, epochVersion: 1 });
    const gone = two.at(6, { kind: 'controller-gone', controllerId: 1 });
    two.at(7, { kind: 'controller-elected', epoch: 2, epochVersion: 2 }, gone);
    // It stood still all the time.
    const lost = one.at(9, { kind: 'session-lost', sessionId: '0x1' });
    one.at(9.1, { kind: 'controller-resigned', epoch: 1, reason: 'the session is lost' }, lost);
    const lines = story([...one.events, ...two.events], aboutController());
    expect(lines.map((line) => line.replace(/^(\[\d+\]) [\d-]+ [\d:.]+/, '$1'))).toEqual([
      '[1] Broker 1 was elected controller of epoch 1 (/controller_epoch is at version 1).',
      '[2] Broker 1 lost its ZooKeeper session 0x1: it has expired. By the clocks that was after [3]: broker 1 stood still or was cut off, and heard of it late, or the clocks differ.',
      '[3] Because of [2], broker 2 saw that /controller is gone, and with it broker 1 as the controller.',
      '[4] Because of [3], broker 2 was elected controller of epoch 2 (/controller_epoch is at version 2).',
      '[5] Because of [2], broker 1 gave up the office of controller epoch 1: the session is lost.',
    ]);
  });

  it('tells a resignation as the end of an office, not as a silence', () => {
    const one = new Pen(1);
    const two = new Pen(2);
    one.at(1, { kind: 'controller-elected', epoch: 1, epochVersion: 1 });
    const lost = one.at(5, { kind: 'session-lost', sessionId: '0x1' });
    one.at(5, { kind: 'controller-resigned', epoch: 1, reason: 'the session is lost' }, lost);
    one.at(9, { kind: 'candidacy-resumed', brokerEpoch: 70 });
    const gone = two.at(6, { kind: 'controller-gone', controllerId: 1 });
    two.at(7, { kind: 'controller-elected', epoch: 2, epochVersion: 2 }, gone);
    expect(story([...one.events, ...two.events], aboutController())).toEqual([
      '[1] 2026-01-01 00:00:01.000 Broker 1 was elected controller of epoch 1 (/controller_epoch is at version 1).',
      '[2] 2026-01-01 00:00:05.000 Broker 1 lost its ZooKeeper session 0x1: it has expired.',
      '[3] 2026-01-01 00:00:05.000 Because of [2], broker 1 gave up the office of controller epoch 1: the session is lost.',
      '[4] 2026-01-01 00:00:06.000 Because of [2], broker 2 saw that /controller is gone, and with it broker 1 as the controller.',
      '[5] 2026-01-01 00:00:07.000 Because of [4], broker 2 was elected controller of epoch 2 (/controller_epoch is at version 2).',
    ]);
  });
});

describe('the story of an error', () => {
  it('is of what makes brokers answer it, about that time, for that partition', () => {
    const { one, two, three } = killedController();
    const events = [...one.events, ...two.events, ...three.events];
    const atMs = MIDNIGHT_MS + 18_000;
    const told = (error: string, partition: typeof T0 | null, at = atMs) =>
      story(events, aboutError({ error, atMs: at, partition }), partition);
    expect(told('NOT_LEADER_OR_FOLLOWER', T0).join('\n')).toContain(
      'broker 2 moved the leader of t-0 from broker 1 to broker 2 (failover',
    );
    expect(told('NOT_LEADER_OR_FOLLOWER', { topic: 't', partition: 1 })).toEqual([]);
    expect(told('NOT_LEADER_OR_FOLLOWER', T0, atMs + 3_600_000)).toEqual([]);
    expect(told('NOT_CONTROLLER', null).at(-1)).toContain('broker 2 was elected controller of epoch 2');
    expect(told('KAFKA_STORAGE_ERROR', null)).toEqual([]);
  });
});

describe('journals that contradict each other', () => {
  it('are told all the same, every event once', () => {
    const one = new Pen(1);
    const two = new Pen(2);
    const first = one.at(
      1,
      { kind: 'controller-gone', controllerId: 2 },
      { ...two.at(2, { kind: 'controller-gone', controllerId: 1 }), id: 1 },
    );
    const circle = [
      { ...first, causeId: 1, causeBrokerId: 2 },
      ...two.events.map((each) => ({ ...each, causeId: 1, causeBrokerId: 1 })),
    ];
    const lines = story([...circle, ...circle], aboutController());
    expect(lines.filter((line) => line.includes('/controller is gone'))).toHaveLength(2);
  });
});

describe('the story of a coordinator', () => {
  const OFFSETS = { topic: '__consumer_offsets', partition: 4 };
  const group = { what: 'group', name: 'g' } as const;

  it('goes from what moved its partition to the groups that were loaded there, and to the group itself', () => {
    const [one, two] = [new Pen(1), new Pen(2)];
    const began = { leaderEpoch: 0, partitionEpoch: 0, controllerEpoch: 2 };
    one.at(1, { kind: 'became-leader', ...OFFSETS, ...began, isr: [1, 2], endOffset: 0 });
    one.at(2, { kind: 'groups-loaded', partition: 4, leaderEpoch: 0, groups: 0, tookMs: 3 });
    one.at(3, { kind: 'groups-loaded', partition: 5, leaderEpoch: 0, groups: 0, tookMs: 3 });
    const grant = one.at(9, { kind: 'controlled-shutdown-granted', broker: 1, remaining: 0 });
    const lead = { kind: 'leader-moved', ...OFFSETS, from: 1, to: 2, isr: [2], ...EPOCHS } as const;
    const moved = one.at(10, { ...lead, reason: 'controlled-shutdown', unclean: false }, grant);
    const follows = {
      kind: 'became-follower',
      ...OFFSETS,
      leader: 2,
      ...EPOCHS,
      isr: [2],
      endOffset: 9,
    } as const;
    one.at(11, follows, moved);
    one.at(12, { kind: 'groups-resigned', partition: 4, why: 'moved' });
    two.at(13, { kind: 'became-leader', ...OFFSETS, ...EPOCHS, isr: [2], endOffset: 9 }, moved);
    two.at(14, { kind: 'groups-loaded', partition: 4, leaderEpoch: 1, groups: 1, tookMs: 5 });
    two.at(15, { kind: 'group-member-failed', groupId: 'g', memberId: 'm' });
    two.at(16, { kind: 'group-member-failed', groupId: 'other', memberId: 'n' });
    const lines = story([...one.events, ...two.events], aboutCoordinated(group, OFFSETS), OFFSETS);
    expect(lines.map((line) => line.replace(/^(\[\d+\]) \S+ \S+ /, '$1 '))).toMatchInlineSnapshot(`
      [
        "[1] Broker 1 leads __consumer_offsets-4 from its offset 0 on (in sync: 1, 2; leader epoch 0, state at version 0, by controller epoch 2).",
        "[2] Because of [1], broker 1 coordinates the 0 groups of __consumer_offsets-4 now, loaded in 3 ms.",
        "[3] Broker 1 as the controller let broker 1 shut down: 0 partitions that it leads have no successor.",
        "[4] Because of [3], broker 1 moved the leader of __consumer_offsets-4 from broker 1 to broker 2 (controlled-shutdown; in sync: 2; leader epoch 1, state at version 1, by controller epoch 2).",
        "[5] Because of [4], broker 1 follows broker 2 in __consumer_offsets-4, its own log ending at 9 (leader epoch 1, state at version 1, by controller epoch 2).",
        "[6] Because of [5], broker 1 coordinates the groups of __consumer_offsets-4 no more (moved).",
        "[7] Because of [4], broker 2 leads __consumer_offsets-4 from its offset 9 on (in sync: 2; leader epoch 1, state at version 1, by controller epoch 2).",
        "[8] Because of [7], broker 2 coordinates the 1 group of __consumer_offsets-4 now, loaded in 5 ms.",
        "[9] Broker 2 removed m from the group g: its session has ended.",
      ]
    `);
  });
});
