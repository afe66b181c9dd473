/** What each member of a cluster does, by what it is for: kit-cluster.ts says it in words. */
import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { refuseUnknown } from '../../broker/faults/known-names.ts';
import { EVENT_KINDS } from '../../broker/platform/event-lines.ts';
import { createTopics, deleteTopics, moveController, moveCoordinator, moveLeader } from './administration.ts';
import { failDisk, fillDisk } from './disks.ts';
import { expectEveryOnce } from './expectations.ts';
import type { Ground } from './ground.ts';
import type { KitCluster } from './kit-cluster.ts';
import type { Member } from './member.ts';
import { cut, heal, memberOf, slow } from './network.ts';
import { consume, produce } from './records.ts';
import { actLike, failNext, limitVersions } from './request-faults.ts';
import { resetConfigs, resetTopics } from './reset.ts';
import { awaitPicture, putBack, readSnapshot, takeSnapshot } from './snapshot.ts';
import { VirtualClock } from './virtual-clock.ts';
import { awaitAssigned, awaitGroup, awaitIsr, awaitLeader, until, type WaitOptions } from './waits.ts';

/** Names of the options of a wait. */
const WAIT: readonly (keyof WaitOptions)[] = ['timeoutMs'];

type Abilities<Name extends keyof KitCluster> = Pick<KitCluster, Name>;

/** Every broker serves, and knows all the others. */
export async function startAll(members: readonly Member[]): Promise<void> {
  await Promise.all(members.map((member) => member.start()));
  await until('the brokers to know each other', {}, () => {
    const known = members.map(({ broker }) => broker.inside.metadata.image.brokers.size);
    if (known.every((size) => size === members.length)) return { done: undefined };
    return { seen: `they know ${known.join(', ')} of ${members.length}` };
  });
}

export function recordAbilities({
  members,
  agreement,
  clock,
  ...ground
}: Ground): Abilities<
  'createTopics' | 'deleteTopics' | 'produce' | 'consume' | 'expectEveryAcknowledgedRecordOnce'
> {
  const admin = ground.admin();
  return {
    createTopics: (...topics) => createTopics(admin, members, topics),
    deleteTopics: (...names) => deleteTopics(admin, { members, tree: agreement.tree }, names),
    async produce(topic, records, wait = {}) {
      refuseUnknown(Object.keys(wait), WAIT, 'option of produce');
      return produce(admin, topic, records, { ...wait, nowMs: clock.wallMs() });
    },
    consume: (topic, wanted) => consume(admin, topic, wanted),
    async expectEveryAcknowledgedRecordOnce(topic, acknowledged) {
      const found = await consume(admin, topic, { isolation: 'read_committed' });
      expectEveryOnce(topic, [...acknowledged], found);
    },
  };
}

export function waitAbilities({
  members,
  ...ground
}: Ground): Abilities<'awaitLeader' | 'awaitIsr' | 'awaitGroup' | 'awaitAssigned'> {
  const admin = ground.admin();
  return {
    async awaitLeader(topic, partition = 0, wait = {}) {
      refuseUnknown(Object.keys(wait), [...WAIT, 'leader'], 'option of awaitLeader');
      return awaitLeader(members, topic, partition, wait);
    },
    async awaitIsr(topic, partition, isr, wait = {}) {
      refuseUnknown(Object.keys(wait), WAIT, 'option of awaitIsr');
      return awaitIsr(members, topic, partition, { ...wait, isr });
    },
    async awaitGroup(group, state, wait = {}) {
      refuseUnknown(Object.keys(wait), WAIT, 'option of awaitGroup');
      await awaitGroup(admin, group, state, wait);
    },
    async awaitAssigned(group, topic, wait = {}) {
      refuseUnknown(Object.keys(wait), WAIT, 'option of awaitAssigned');
      return awaitAssigned(admin, group, topic, wait);
    },
  };
}

type LifeName = 'state' | 'stop' | 'start' | 'kill' | 'pause' | 'resume' | 'expireSession';
type OfficeName = 'moveLeader' | 'moveCoordinator' | 'moveController';

export function lifeAbilities({ members, agreement, ...ground }: Ground): Abilities<LifeName | OfficeName> {
  const admin = ground.admin();
  return {
    state: (broker) => memberOf(members, broker).state,
    stop: async (broker) => memberOf(members, broker).stop(),
    start: async (broker) => memberOf(members, broker).start(),
    kill: async (broker) => memberOf(members, broker).kill(),
    pause: (broker) => memberOf(members, broker).pause(),
    resume: (broker) => memberOf(members, broker).resume(),
    expireSession: async (broker) => memberOf(members, broker).expireSession(),
    moveLeader: (topic, partition, to) => moveLeader(admin, members, { topic, partition }, to),
    moveCoordinator: (group, to) => moveCoordinator(admin, members, group, to),
    moveController: (to) => moveController(agreement, members, to),
  };
}

type NetworkName = 'cut' | 'slow' | 'heal';
type DiskName = 'failDisk' | 'fillDisk' | 'healDisk';
type RequestName = 'failNext' | 'requests' | 'limitVersions' | 'actLike' | 'events';

export function faultAbilities({
  members,
  requestFaults,
  requestLog,
  events,
}: Ground): Abilities<NetworkName | DiskName | RequestName> {
  return {
    cut: (one, other, how = {}) => cut(members, one, other, how),
    slow: (one, other, delayMs) => slow(members, one, other, delayMs),
    heal: (one, other) => heal(members, one, other),
    failDisk: (broker, how = {}) => failDisk(memberOf(members, broker), how),
    fillDisk: (broker, how = {}) => fillDisk(memberOf(members, broker), how),
    healDisk(broker) {
      const healed = broker === undefined ? members : [memberOf(members, broker)];
      for (const { diskRules } of healed) diskRules.heal();
    },
    failNext: (what) => failNext(requestFaults, what),
    requests: (filter = {}) => requestLog.requests(filter),
    limitVersions: (limits) => limitVersions(requestFaults.values(), limits),
    actLike: (release) => actLike(requestFaults.values(), release),
    events({ kind, broker, ...others } = {}) {
      refuseUnknown(Object.keys(others), ['kind', 'broker'], 'filter of events');
      if (kind !== undefined) refuseUnknown([kind], EVENT_KINDS, 'kind of event');
      if (broker !== undefined) memberOf(members, broker);
      return events
        .since(0)
        .filter(({ event }) => kind === undefined || event.kind === kind)
        .filter(({ brokerId }) => broker === undefined || brokerId === broker);
    },
  };
}

export function pictureAbilities(ground: Ground): Abilities<'reset' | 'snapshot' | 'restore' | 'clock'> {
  const { members, clock } = ground;
  return {
    reset: () => reset(ground),
    async snapshot(directory) {
      // There it goes with the cluster also when this process is killed.
      const into = directory ?? mkdtempSync(join(ground.directory, 'snapshot-'));
      if (directory === undefined) ground.removeAtTheEnd(into);
      return takeSnapshot(ground, into);
    },
    async restore(snapshot) {
      const manifest = readSnapshot(snapshot, members.length);
      await Promise.all(members.map((member) => member.kill()));
      await putBack(ground, snapshot, manifest);
      await startAll(members);
      await awaitPicture(members, manifest);
    },
    clock: {
      async advance(ms) {
        if (!(clock instanceof VirtualClock))
          throw new Error('time can be advanced in a cluster that is started with { virtualTime: true }');
        await clock.advance(ms);
      },
    },
  };
}

async function reset({ members, agreement, requestFaults, requestLog, ...ground }: Ground): Promise<void> {
  heal(members);
  for (const { diskRules } of members) diskRules.heal();
  for (const table of requestFaults.values()) table.clear();
  for (const member of members) member.resume();
  if (members.some(({ state }) => state !== 'running')) await startAll(members);
  await resetTopics(ground.admin(), { members, tree: agreement.tree });
  await agreement.act((coordinator) => resetConfigs(coordinator, ground.secured ?? undefined));
  requestLog.clear();
}
