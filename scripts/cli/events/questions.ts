/** What can be asked, as a choice among events. Pure. */
import { errorName } from '../../../broker/errors.ts';
import type { ClusterEvent, EventKind } from '../../../broker/platform/cluster-events.ts';
import { isAbout } from '../../../broker/platform/event-partitions.ts';
import { GROUP_METADATA_TOPIC, type TopicPartition, TRANSACTION_STATE_TOPIC } from '../../../broker/types.ts';
import type { Choice } from './story.ts';

const OFFICE: ReadonlySet<EventKind> = new Set<EventKind>([
  'controller-gone',
  'controller-elected',
  'failover-finished',
  'controller-resigned',
  'controller-fenced',
  'controller-interrupted',
  'controller-order-refused',
]);

/** What a broker records of itself, and not of its partitions. */
const LIFE: ReadonlySet<EventKind> = new Set<EventKind>([
  'session-suspended',
  'session-resumed',
  'session-lost',
  'session-regained',
  'broker-id-awaited',
  'broker-registered',
  'broker-started',
  'shutdown-begun',
  'leaders-remain',
  'shutdown-unclean',
  'shutdown-finished',
  'log-directory-failed',
  'controller-elected',
  'controller-resigned',
  'controller-order-refused',
  'roles-taken',
  'log-truncated',
]);

export function aboutPartition(partition: TopicPartition): Choice {
  return ({ event }) => isAbout(event, partition);
}

export function aboutController(): Choice {
  return ({ event }) => OFFICE.has(event.kind);
}

export function aboutBroker(broker: number): Choice {
  return ({ brokerId, event }) => (brokerId === broker && LIFE.has(event.kind)) || names(event, broker);
}

function names(event: ClusterEvent, broker: number): boolean {
  switch (event.kind) {
    case 'brokers-changed':
      return [...event.joined, ...event.bounced, ...event.left].includes(broker);
    case 'lost-leaders-replaced':
    case 'log-directories-reported':
      return event.brokers.includes(broker);
    case 'stranger-registered':
    case 'controlled-shutdown-granted':
    case 'controlled-shutdown-refused':
      return event.broker === broker;
    case 'leader-moved':
      return event.from === broker || event.to === broker;
    case 'isr-shrunk':
    case 'isr-expanded':
      return event.from.includes(broker) !== event.to.includes(broker);
    case 'partitions-moved':
      return event.details.some(
        ({ from, to, isrFrom, isr }) =>
          (from === broker) !== (to === broker) || isrFrom.includes(broker) !== isr.includes(broker),
      );
    case 'controller-gone':
      return event.controllerId === broker;
    default:
      return false;
  }
}

/** What has a coordinator: the leader of the partition of this topic that its name falls into. */
export interface Coordinated {
  readonly what: 'group' | 'transactional-id';
  readonly name: string;
}

export const COORDINATOR_TOPICS = {
  group: GROUP_METADATA_TOPIC,
  'transactional-id': TRANSACTION_STATE_TOPIC,
} as const;

/** Who coordinates it, and why, and what the coordinator has recorded of it by name. */
export function aboutCoordinated({ what, name }: Coordinated, partition: TopicPartition): Choice {
  const names = (event: ClusterEvent): boolean =>
    what === 'group'
      ? 'groupId' in event && event.groupId === name
      : 'transactionalId' in event && event.transactionalId === name;
  return ({ event }) => isAbout(event, partition) || names(event);
}

/** What makes a broker answer an error, by the error's name. */
const REASONS: { readonly [error: string]: ReadonlySet<EventKind> } = reasons({
  'NOT_LEADER_OR_FOLLOWER LEADER_NOT_AVAILABLE FENCED_LEADER_EPOCH UNKNOWN_LEADER_EPOCH REPLICA_NOT_AVAILABLE':
    [
      'leader-moved',
      'partitions-moved',
      'became-leader',
      'became-follower',
      'roles-taken',
      'replica-left',
      'replica-offline',
      'log-directory-failed',
      'topic-deletion-begun',
      'new-partitions-leaderless',
    ],
  'NOT_ENOUGH_REPLICAS NOT_ENOUGH_REPLICAS_AFTER_APPEND': [
    'isr-shrunk',
    'isr-expanded',
    'isr-shrink-proposed',
    'partitions-moved',
    'replica-offline',
  ],
  NOT_CONTROLLER: [...OFFICE],
  'NOT_COORDINATOR COORDINATOR_NOT_AVAILABLE COORDINATOR_LOAD_IN_PROGRESS': [
    'groups-loaded',
    'groups-failed',
    'groups-resigned',
    'transactions-loaded',
    'transactions-failed',
    'transactions-resigned',
  ],
  'INVALID_PRODUCER_EPOCH PRODUCER_FENCED INVALID_TXN_STATE TRANSACTIONAL_ID_NOT_FOUND': [
    'producer-fenced',
    'transaction-markers-fenced',
    'transactional-ids-expired',
  ],
  'UNKNOWN_TOPIC_OR_PARTITION UNKNOWN_TOPIC_ID INCONSISTENT_TOPIC_ID': [
    'topics-created',
    'topic-grown',
    'topic-deletion-begun',
    'topic-deleted',
    'topic-vanished',
    'replica-left',
  ],
  KAFKA_STORAGE_ERROR: ['log-directory-failed', 'replica-offline'],
  OFFSET_OUT_OF_RANGE: ['log-truncated', 'leader-moved', 'partitions-moved'],
});

function reasons(table: { readonly [names: string]: readonly EventKind[] }) {
  const entries = Object.entries(table).flatMap(([names, kinds]) =>
    names.split(' ').map((name) => [name, new Set(kinds)] as const),
  );
  return Object.fromEntries(entries);
}

/** The errors of which something can be told. */
export const EXPLAINED_ERRORS = Object.keys(REASONS);

interface ErrorAsked {
  readonly error: string;
  readonly atMs: number;
  /** null: of all. */
  readonly partition: TopicPartition | null;
}

/** So long before an error its reason is looked for, and so long after it, as clocks differ. */
const BEFORE_MS = 120_000;
const AFTER_MS = 10_000;

/** What was going on around the time of an error that makes brokers answer it. */
export function aboutError({ error, atMs, partition }: ErrorAsked): Choice {
  const kinds = REASONS[error] ?? new Set();
  const isMeant = (event: ClusterEvent): boolean =>
    partition === null || isAbout(event, partition) || isOfBroker(event) || isOfCoordinator(event);
  const isAsked = (event: ClusterEvent): boolean =>
    event.kind === 'client-errors'
      ? event.errors.some((one) => errorName(one.error) === error)
      : kinds.has(event.kind);
  return ({ wallMs, event }) =>
    isAsked(event) && wallMs >= atMs - BEFORE_MS && wallMs <= atMs + AFTER_MS && isMeant(event);
}

/** It concerns all partitions of a directory, or of the controller. */
function isOfBroker({ kind }: ClusterEvent): boolean {
  return kind === 'log-directory-failed' || OFFICE.has(kind);
}

function isOfCoordinator(event: ClusterEvent): boolean {
  return [GROUP_METADATA_TOPIC, TRANSACTION_STATE_TOPIC].some((topic) =>
    'partition' in event && !('topic' in event)
      ? isAbout(event, { topic, partition: event.partition })
      : false,
  );
}
