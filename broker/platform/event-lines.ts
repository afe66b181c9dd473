/**
 * The line of the log that tells an event, for those who read logs. Pure: the event says everything. Words
 * and levels are looked for by scripts and runbooks, so they stay as they are. Some events have no line:
 * what they tell stands in that of another, or would be one line a partition.
 */
import { errorName } from '../errors.ts';
import { partitionKey, type TopicPartition } from '../types.ts';
import type { ClusterEvent, EventKind, EventOf, FailoverTimeline } from './cluster-events.ts';
import { HEALED_BY } from './fault-events.ts';

interface Line {
  readonly level: 'info' | 'warn' | 'error';
  readonly text: string;
}

/** The line of an event; null when it has none. */
export function lineOf(event: ClusterEvent): Line | null {
  const render = LINES[event.kind] as (event: ClusterEvent) => Line | null;
  return render(event);
}

const info = (text: string): Line => ({ level: 'info', text });
const warn = (text: string): Line => ({ level: 'warn', text });
const error = (text: string): Line => ({ level: 'error', text });
const key = ({ topic, partition }: TopicPartition): string => partitionKey(topic, partition);
const orNone = (ids: readonly number[]): string => ids.join(',') || 'none';

type Lines = { readonly [Kind in EventKind]: (event: EventOf<Kind>) => Line | null };

const OFFICE = {
  'controller-elected': () => null,
  'controller-gone': () => null,
  'failover-finished': (one) => info(timeline(one)),
  'controller-resigned': ({ epoch, reason }) => info(`Resigned from the term of epoch ${epoch}: ${reason}`),
  'controller-fenced': ({ during, reason }) => warn(`${during} was interrupted: ${reason}`),
  'controller-interrupted': ({ during, reason }) => warn(`${during} was interrupted: ${reason}`),
  'controller-changed': ({ controllerId, isSelf }) =>
    controllerId < 0 || isSelf ? null : info(`Broker ${controllerId} is the controller`),
  'candidacy-resumed': ({ brokerEpoch }) =>
    info(`Taking part in elections again, with broker epoch ${brokerEpoch}`),
} satisfies Partial<Lines>;

function timeline(one: FailoverTimeline): string {
  const ms = (value: number): string => `${Math.round(value)} ms`;
  return (
    `Controller ${one.controllerId} elected at epoch ${one.epoch}: election ${ms(one.electedMs)}, ` +
    `load ${ms(one.loadMs)}, leaders moved ${ms(one.leadersMovedMs)}, total ${ms(one.totalMs)} ` +
    `(${one.brokers} brokers, ${one.partitions} partitions, ${one.partitionsMoved} moved)`
  );
}

const MEMBERSHIP = {
  'brokers-changed': ({ joined, bounced, left }) =>
    info(
      `Brokers registered: ${orNone(joined)}; back under a new epoch: ${orNone(bounced)}; gone: ${orNone(left)}`,
    ),
  'lost-leaders-replaced': ({ brokers, led, moved, tookMs }) =>
    info(
      `Brokers ${brokers.join(',')} are gone: ${moved} of ${led} partitions they led have a new leader after ${tookMs} ms`,
    ),
  'stranger-registered': ({ broker }) =>
    error(
      `Broker ${broker} has registered without an endpoint for peers, as Apache Kafka's do: it is left out, and must not stay in this cluster`,
    ),
  'log-directories-reported': ({ brokers }) => warn(`Log directories failed on brokers ${brokers.join(',')}`),
  'controlled-shutdown-granted': ({ broker, remaining }) =>
    info(`Controlled shutdown of broker ${broker}: ${remaining} partitions that it leads have no successor`),
  'controlled-shutdown-refused': (one) =>
    warn(`Controlled shutdown of broker ${one.broker} refused: ${errorName(one.error)}`),
} satisfies Partial<Lines>;

const STATES = {
  'leader-moved': (one) =>
    one.unclean
      ? warn(
          `Unclean election: broker ${one.to}, not in sync, leads ${key(one)} now; committed records may be lost`,
        )
      : null,
  'isr-shrunk': () => null,
  'isr-expanded': () => null,
  'partitions-moved': ({ unclean, uncleanPartitions }) =>
    unclean === 0
      ? null
      : warn(
          `Unclean elections: ${unclean} partitions are led by brokers that were not in sync, and committed records may be lost: ${uncleanPartitions.join(', ')}`,
        ),
  'partition-state-vanished': (one) => warn(`Partition ${key(one)} has no state node any more`),
  'partitions-repaired': ({ count, partitions }) =>
    warn(`${count} partitions were out of line and are led again: ${partitions.join(', ')}`),
  'leaders-rebalanced': ({ moved }) =>
    info(`Leaders rebalanced: ${moved} partitions are led by their first replica again`),
} satisfies Partial<Lines>;

const TOPICS = {
  'topics-created': ({ topics }) => info(`New topics: ${topics.join(', ')}`),
  'topic-grown': ({ topic, added }) => info(`Topic ${topic} has grown by ${added} partitions`),
  'topic-growth-undone': ({ topic }) =>
    warn(`Partitions added to ${topic}, which is being deleted, are taken back`),
  'new-partitions-leaderless': ({ why, count, partitions }) => {
    const what = why === 'no-living-replica' ? 'wait for a living replica' : 'could not be given a leader';
    return error(`${count} new partitions ${what}: ${partitions.join(', ')}`);
  },
  'topic-deletion-refused': ({ topics, why }) =>
    why === 'no-such-topics'
      ? warn(`Not deleting ${topics.join(', ')}: no such topics`)
      : info(`Not deleting ${topics.join(', ')}: delete.topic.enable is false`),
  'topic-deletion-begun': ({ topics }) => info(`Deleting topics ${topics.join(', ')}`),
  'topic-deletion-waits': ({ topic }) =>
    info(`Deletion of ${topic} waits for brokers that hold replicas of it`),
  'topic-deleted': ({ topic }) => info(`Topic ${topic} is deleted`),
  'topic-vanished': ({ topic }) => warn(`Topic ${topic} has vanished`),
} satisfies Partial<Lines>;

const REASSIGNMENTS = {
  'reassignment-begun': (one) => info(`Reassigning ${key(one)} from ${one.from} to ${one.to}`),
  'reassignment-step': () => null,
  'reassignment-held-up': (one) => warn(`Reassignment of ${key(one)} cannot be completed yet`),
  'reassignment-unwritten': (one) =>
    warn(`${key(one)} has moved, but the assignment of its topic cannot be written`),
  'reassignment-finished': (one) => info(`Reassignment of ${key(one)} to ${one.replicas} is complete`),
  'reassignment-refused': (one) => warn(`Not reassigning ${key(one)}: ${one.reason}`),
} satisfies Partial<Lines>;

const REPLICAS = {
  'became-leader': () => null,
  'became-follower': () => null,
  'roles-taken': () => null,
  'controller-order-refused': () => null,
  'isr-shrink-proposed': (one) =>
    info(
      `Shrinking ISR of ${key(one)} from ${one.from} to ${one.to}; ` +
        `leader end ${one.leaderEndOffset}, high watermark ${one.highWatermark}`,
    ),
  'isr-expand-proposed': (one) => info(`Expanding ISR of ${key(one)} from ${one.from} to ${one.to}`),
  'isr-change-refused': (one) => info(`ISR change of ${key(one)} was refused: ${errorName(one.error)}`),
  'log-truncated': (one) => truncation(one),
  'replica-left': (one) =>
    info(`${key(one)} is now on ${one.replicas}: this broker keeps its log and leaves it alone`),
  'replica-offline': (one) => warn(`${key(one)} is offline: its log directory ${one.directory} has failed`),
  'log-directory-failed': ({ directory }) => error(`Stopping serving logs in dir ${directory}`),
  'groups-loaded': ({ partition, groups, tookMs }) =>
    groups === 0 ? null : info(`Loaded ${groups} groups of __consumer_offsets-${partition} in ${tookMs} ms`),
  'groups-failed': ({ partition, reason }) => failedToLoad('groups of __consumer_offsets', partition, reason),
  'groups-resigned': () => null,
  'group-member-failed': () => null,
  'group-rebalanced': () => null,
} satisfies Partial<Lines>;

function failedToLoad(what: string, partition: number, reason: string): Line {
  return error(
    `The ${what}-${partition} are not coordinated until another replica leads, as this one is damaged: ${reason}`,
  );
}

function truncation(one: EventOf<'log-truncated'>): Line | null {
  const { why, from, to, highWatermark } = one;
  switch (why.rule) {
    case 'leader-epoch':
      return to < highWatermark
        ? warn(`Truncating ${key(one)} from ${from} to ${to}, below the high watermark ${highWatermark}`)
        : info(
            `Truncating ${key(one)} from ${from} to ${to}: the leader's epoch ${why.epoch} ends at ${why.endOffset}`,
          );
    case 'leader-end':
      return warn(`Truncating ${key(one)} from ${from} to the leader's end ${to}`);
    case 'leader-start':
      return warn(`Starting ${key(one)} over at ${to}, where the leader's log begins`);
    case 'hole':
      return warn(
        `Truncating ${key(one)} from ${from} to ${to}: records are missing there, which the leader has`,
      );
    case 'no-epochs':
      return null;
  }
}

const TRANSACTIONS = {
  'transactions-loaded': ({ partition, ids, resumed, tookMs }) =>
    ids === 0
      ? null
      : info(
          `Loaded ${ids} transactional ids of __transaction_state-${partition} in ${tookMs} ms, ` +
            `${resumed} of them with an end that partitions have to be told`,
        ),
  'transactions-failed': ({ partition, reason }) =>
    failedToLoad('transactions of __transaction_state', partition, reason),
  'transactions-resigned': () => null,
  'producer-fenced': ({ transactionalId, producerId, producerEpoch, why }) => {
    const reason = why === 'timed-out' ? 'it has timed out' : 'another producer has come';
    return info(
      `Aborting the transaction of ${transactionalId} (producer id ${producerId}, fenced by epoch ${producerEpoch}): ${reason}`,
    );
  },
  'transaction-markers-fenced': ({ transactionalId, producerId, error: code }) =>
    warn(
      `Partitions of the transaction of ${transactionalId} (producer id ${producerId}) are told nothing any more: ${errorName(code)}`,
    ),
  'transactional-ids-expired': ({ partition, ids }) =>
    info(`Forgot ${ids} transactional ids of __transaction_state-${partition} that nobody has used for long`),
} satisfies Partial<Lines>;

const CLIENTS = {
  'client-errors': () => null,
  'configs-changed': () => null,
} satisfies Partial<Lines>;

const BROKER_LIFE = {
  'session-suspended': () => warn('disconnected from ZooKeeper'),
  'session-resumed': () => info('connected to ZooKeeper again, the session lives on'),
  'session-lost': ({ sessionId }) => warn(`ZooKeeper session ${sessionId} has expired`),
  'session-regained': ({ sessionId }) => info(`new ZooKeeper session ${sessionId}`),
  'broker-id-awaited': ({ reason, limitMs }) =>
    warn(
      `${reason}. If that was an earlier run of this broker, its session ends by itself: waiting for that, at most ${limitMs} ms`,
    ),
  'broker-registered': ({ brokerId, path, brokerEpoch }) =>
    info(`Registered broker ${brokerId} at path ${path}, czxid (broker epoch): ${brokerEpoch}`),
  'broker-started': () => info('started'),
  'shutdown-begun': () => info('shutting down'),
  'leaders-remain': (one) =>
    info(`Controlled shutdown: ${one.partitions} partitions remain, error ${errorName(one.error)}`),
  'shutdown-unclean': () => warn('Proceeding to an unclean shutdown, as not all leaders could be moved'),
  'shutdown-finished': () => info('shut down completed'),
} satisfies Partial<Lines>;

const FAULTS = {
  'fault-struck': ({ id, fault, parameters, forMs }) => {
    const end = forMs === 0 ? '' : `, for ${forMs} ms at most`;
    return warn(`Fault ${id} on demand: ${fault} ${parameters}${end}`);
  },
  'fault-healed': ({ id, fault, why }) => warn(`Fault ${id} is healed: ${fault} (${HEALED_BY[why]})`),
} satisfies Partial<Lines>;

const LINES: Lines = {
  ...OFFICE,
  ...MEMBERSHIP,
  ...STATES,
  ...TOPICS,
  ...REASSIGNMENTS,
  ...REPLICAS,
  ...TRANSACTIONS,
  ...CLIENTS,
  ...BROKER_LIFE,
  ...FAULTS,
};

/** Every kind there is; the compiler knows that none is missing. */
export const EVENT_KINDS = Object.keys(LINES) as readonly EventKind[];
