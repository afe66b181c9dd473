/** Carries out the steps of a drill, one after the other, and says of each what it does. */
import { setTimeout } from 'node:timers/promises';
import { ErrorCode } from '../../broker/errors.ts';
import { sentenceOf } from '../../broker/platform/event-sentences.ts';
import { CreateTopics } from '../../broker/protocol/messages/19-create-topics.ts';
import { type ClusterMetadata, REQUEST_TIMEOUT_MS, reasonOf } from '../cli/admin-client.ts';
import { elect } from '../cli/elections.ts';
import { alterReassignments } from '../cli/reassign/reassignments.ts';
import type { Casting } from './casting.ts';
import { type Awaited, ROLES, type Role, SERVER_ROLES, type ServerRole, type Step } from './drill.ts';
import type { DrilledCluster } from './drilled-cluster.ts';

/** What steps are carried out on. */
export interface Stage {
  readonly cluster: DrilledCluster;
  readonly topic: string;
  readonly casting: Casting;
  /** Takes a line down with the moment. */
  readonly mark: (what: string) => void;
  /** How many acknowledgements there are in each partition. */
  readonly acknowledged: () => readonly number[];
  /** How many events the brokers had recorded before the first step. */
  readonly eventsBefore: number;
  /** Aborted: nothing more is waited for. */
  readonly signal: AbortSignal;
}

/** Something that a drill waits for did not come: its hypothesis is wrong, or the cluster is. */
export class DidNotCome extends Error {
  override readonly name = 'DidNotCome';
}

const LOOK_MS = 50;

export async function carryOut(step: Step, stage: Stage): Promise<void> {
  const { cluster, casting } = stage;
  switch (step.do) {
    case 'fault': {
      const id = await casting.broker(step.of);
      const given = await withIds(step.given, casting);
      stage.mark(`${step.fault} at broker ${id} (${step.of})${words(given)}`);
      return cluster.strike(id, step.fault, given);
    }
    case 'heal':
      stage.mark('everything is healed');
      return cluster.heal();
    case 'wait':
      return pause(step.forMs, stage.signal);
    case 'wait for':
      return waitFor(step.what, step.withinMs, stage);
    case 'create topics':
      stage.mark(`${step.count} topics are created`);
      return createMany(cluster, stage.topic, step.count);
    case 'move': {
      const replicas = await Promise.all(step.to.map((role) => casting.broker(role)));
      stage.mark(`partition ${step.partition} is moved to brokers ${replicas.join(', ')}`);
      return alterReassignments(cluster.admin, [{ topic: stage.topic, partition: step.partition, replicas }]);
    }
    case 'elect unclean':
      stage.mark(`a leader of partition ${step.partition} is elected, in sync or not`);
      return electUnclean(cluster, stage.topic, step.partition);
    default:
      return isServer(step.whom) ? onServer(step.do, step.whom, stage) : onBroker(step.do, step.whom, stage);
  }
}

type Deed = Extract<Step, { whom: unknown }>['do'];

const DONE: Readonly<Record<Deed, string>> = {
  kill: 'kill -9 of',
  stop: 'clean stop of',
  start: 'start of',
  pause: 'SIGSTOP to',
  resume: 'SIGCONT to',
};

async function onBroker(deed: Deed, role: Role, { cluster, casting, mark }: Stage): Promise<void> {
  const id = await casting.broker(role);
  mark(`${DONE[deed]} broker ${id}${role.startsWith('broker') ? '' : ` (${role})`}`);
  await cluster[deed](id);
}

async function onServer(deed: Deed, role: ServerRole, { cluster, casting, mark }: Stage): Promise<void> {
  const server = await casting.server(role);
  mark(`${DONE[deed]} ZooKeeper ${server} (${role})`);
  if (deed === 'kill' || deed === 'stop') return cluster.killServer(server);
  if (deed === 'pause') return cluster.pauseServer(server);
  return cluster.startServer(server);
}

function isServer(whom: Role | ServerRole): whom is ServerRole {
  return (SERVER_ROLES as readonly string[]).includes(whom);
}

/** Roles among the values become ids. */
async function withIds(
  given: Readonly<Record<string, unknown>>,
  casting: Casting,
): Promise<Record<string, unknown>> {
  const entries = Object.entries(given).map(async ([name, value]) => {
    // To a fault, the controller is a place of its own; whom it may be in this drill is another matter.
    const role = value === 'controller' ? undefined : ROLES.find((each) => each === value);
    return [name, role === undefined ? value : await casting.broker(role)] as const;
  });
  return Object.fromEntries(await Promise.all(entries));
}

/** What was waited for, or what is there instead of it; the words may be empty. */
type Seen = readonly [hasCome: boolean, words: string];

async function waitFor(what: Awaited, withinMs: number, stage: Stage): Promise<void> {
  const deadlineMs = performance.now() + withinMs;
  const named = wordsOf(what, stage.cluster);
  const look = await lookFor(what, stage);
  for (;;) {
    const [hasCome, seen] = await look().catch(
      (error: unknown): Seen => [false, error instanceof Error ? error.message : String(error)],
    );
    if (hasCome) return stage.mark(seen === '' ? named : `${named}: ${seen}`);
    if (performance.now() > deadlineMs)
      throw new DidNotCome(`${named} did not come within ${withinMs / 1000} s: ${seen}`);
    await pause(LOOK_MS, stage.signal);
  }
}

function wordsOf(what: Awaited, { keepsJournals }: DrilledCluster): string {
  if (what.what === 'event') {
    if (keepsJournals) return what.kind;
    return what.kind === 'isr-shrunk'
      ? 'fewer replicas in sync'
      : `there is no journal to wait for ${what.kind} in`;
  }
  if (what.what === 'in sync') return `${what.replicas} replicas in sync`;
  return what.what;
}

async function lookFor(what: Awaited, stage: Stage): Promise<() => Promise<Seen>> {
  const { cluster, topic, casting } = stage;
  const partitions = async () =>
    (await cluster.newest()).topics.find(({ name }) => name === topic)?.partitions ?? [];
  switch (what.what) {
    case 'event':
      if (!cluster.keepsJournals) return () => withoutJournal(what.kind, partitions);
      return () => Promise.resolve(inJournals(what.kind, stage));
    case 'in sync':
      return async () => inSync(what.replicas, await partitions(), cluster.ids.length);
    case 'another leader':
    case 'no leader': {
      const before = await casting.broker('leader');
      return async () => {
        const leader =
          (await partitions()).find(({ partitionIndex }) => partitionIndex === 0)?.leaderId ?? -1;
        if (leader < 0) return what.what === 'no leader' ? [true, ''] : [false, 'there is none'];
        return [what.what === 'another leader' && leader !== before, `broker ${leader}`];
      };
    }
    case 'another controller': {
      const before = await casting.broker('controller');
      return async () => {
        const { controllerId } = await cluster.newest();
        if (controllerId < 0) return [false, 'there is none'];
        return [controllerId !== before, `broker ${controllerId}`];
      };
    }
    case 'acknowledgements': {
      const before = stage.acknowledged();
      return () => {
        const now = stage.acknowledged();
        const without = now.flatMap((count, partition) =>
          count > (before[partition] ?? 0) ? [] : [partition],
        );
        return Promise.resolve([
          without.length === 0,
          without.length === 0 ? '' : `none in partitions ${without}`,
        ]);
      };
    }
  }
}

type Partitions = ClusterMetadata['topics'][number]['partitions'];

function inSync(replicas: number | 'all', partitions: Partitions, brokers: number): Seen {
  const looked = replicas === 'all' || replicas === brokers ? partitions : partitions.slice(0, 1);
  const isSo = looked.every(
    ({ isrNodes, replicaNodes }) => isrNodes.length === (replicas === 'all' ? replicaNodes.length : replicas),
  );
  if (looked.length > 0 && isSo) return [true, ''];
  return [false, `in sync are ${partitions.map(({ isrNodes }) => isrNodes.length)}`];
}

function inJournals(kind: string, { cluster, eventsBefore }: Stage): Seen {
  const found = cluster.events.slice(eventsBefore).find(({ event }) => event.kind === kind);
  if (found === undefined) return [false, 'no journal has it'];
  return [true, `broker ${found.brokerId} ${sentenceOf(found.event)}`];
}

/** What is seen of an event where nobody records any. What is not seen at all is not waited for. */
async function withoutJournal(kind: string, partitions: () => Promise<Partitions>): Promise<Seen> {
  if (kind !== 'isr-shrunk') return [true, ''];
  const isShrunk = (await partitions()).some(
    ({ isrNodes, replicaNodes }) => isrNodes.length < replicaNodes.length,
  );
  return isShrunk ? [true, ''] : [false, 'all replicas are in sync'];
}

/** The kinds of all events that brokers have recorded since the first step. */
export function kindsSince({ cluster, eventsBefore }: Pick<Stage, 'cluster' | 'eventsBefore'>): Set<string> {
  return new Set(cluster.events.slice(eventsBefore).map(({ event }) => event.kind));
}

async function createMany(cluster: DrilledCluster, topic: string, count: number): Promise<void> {
  const topics = Array.from({ length: count }, (_, index) => ({
    name: `${topic}-more-${index}`,
    numPartitions: 1,
    replicationFactor: cluster.ids.length,
  }));
  const request = { topics, timeoutMs: REQUEST_TIMEOUT_MS };
  const answer = await cluster.admin.askController(CreateTopics, request, (response) => response.topics);
  const refused = answer.topics.find(({ errorCode }) => errorCode !== ErrorCode.NONE);
  if (refused !== undefined) throw new Error(`topic ${refused.name}: ${reasonOf(refused)}`);
}

async function electUnclean(cluster: DrilledCluster, topic: string, partition: number): Promise<void> {
  const elections = await elect(cluster.admin, 'unclean', [{ topic, partition }]);
  const missed = elections.find(({ outcome }) => outcome !== 'elected');
  if (missed !== undefined) throw new Error(`no leader was elected: ${missed.reason ?? missed.outcome}`);
}

function words(given: Readonly<Record<string, unknown>>): string {
  const parts = Object.entries(given).map(([name, value]) => `${name} ${value}`);
  return parts.length === 0 ? '' : `: ${parts.join(', ')}`;
}

/** Rejects as soon as it is called off. */
export function pause(ms: number, signal: AbortSignal): Promise<void> {
  return setTimeout(ms, undefined, { signal });
}
