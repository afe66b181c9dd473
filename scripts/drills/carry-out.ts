/** Carries out the steps of a drill, one after the other, and says of each what it does. */
import { ErrorCode } from '../../broker/errors.ts';
import { CreateTopics } from '../../broker/protocol/messages/19-create-topics.ts';
import { REQUEST_TIMEOUT_MS, reasonOf } from '../cli/admin-client.ts';
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
      return pause(step.forMs);
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

async function waitFor(what: Awaited, withinMs: number, stage: Stage): Promise<void> {
  const deadlineMs = performance.now() + withinMs;
  const holds = await holding(what, stage);
  for (;;) {
    const seen = await holds().catch((error: unknown) =>
      String(error instanceof Error ? error.message : error),
    );
    if (seen === null) break;
    if (performance.now() > deadlineMs)
      throw new DidNotCome(`${wordsOf(what)} did not come within ${withinMs / 1000} s: ${seen}`);
    await pause(LOOK_MS);
  }
  stage.mark(wordsOf(what));
}

function wordsOf(what: Awaited): string {
  if (what.what === 'event') return `${what.kind} in a journal`;
  if (what.what === 'in sync') return `${what.replicas} replicas in sync`;
  return what.what;
}

/** Null when it has come, else what is seen instead. */
async function holding(what: Awaited, stage: Stage): Promise<() => Promise<string | null>> {
  const { cluster, topic, casting } = stage;
  const partitions = async () =>
    (await cluster.newest()).topics.find(({ name }) => name === topic)?.partitions ?? [];
  switch (what.what) {
    case 'event':
      return async () => (kindsSince(stage).has(what.kind) ? null : 'no journal has it');
    case 'in sync':
      return async () => {
        const isr = (await partitions()).map(({ isrNodes }) => isrNodes.length);
        const looked = what.replicas === cluster.ids.length ? isr : isr.slice(0, 1);
        return looked.length > 0 && looked.every((size) => size === what.replicas)
          ? null
          : `in sync are ${isr}`;
      };
    case 'another leader':
    case 'no leader': {
      const before = await casting.broker('leader');
      return async () => {
        const leader =
          (await partitions()).find(({ partitionIndex }) => partitionIndex === 0)?.leaderId ?? -1;
        const isSo = what.what === 'no leader' ? leader < 0 : leader >= 0 && leader !== before;
        return isSo ? null : `the leader is ${leader}`;
      };
    }
    case 'another controller': {
      const before = await casting.broker('controller');
      return async () => {
        const { controllerId } = await cluster.newest();
        return controllerId >= 0 && controllerId !== before ? null : `the controller is ${controllerId}`;
      };
    }
    case 'acknowledgements': {
      const before = stage.acknowledged();
      return async () => {
        const now = stage.acknowledged();
        const without = now.flatMap((count, partition) =>
          count > (before[partition] ?? 0) ? [] : [partition],
        );
        return without.length === 0 ? null : `none in partitions ${without}`;
      };
    }
  }
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

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
