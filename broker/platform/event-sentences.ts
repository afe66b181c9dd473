/**
 * An event as a sentence, for those who want to know what has happened: what follows `Broker 2`. All kinds
 * have one, also those without a line in the log, with epochs and versions of znodes. Pure.
 */
import { ErrorCode, errorName } from '../errors.ts';
import { type BrokerId, NO_LEADER, partitionKey, type TopicPartition } from '../types.ts';
import type { ClusterEvent, EventKind, EventOf } from './cluster-events.ts';
import { hasPartition } from './event-partitions.ts';
import { HEALED_BY } from './fault-events.ts';
import type { AlikeWritten } from './partition-events.ts';

type Sentences = {
  readonly [Kind in EventKind]: (event: EventOf<Kind>, focus: TopicPartition | null) => string;
};

/** `focus`: the partition that the reader asks for, which an event that sums up many is told of. */
export function sentenceOf(event: ClusterEvent, focus: TopicPartition | null = null): string {
  const render = SENTENCES[event.kind] as (event: ClusterEvent, focus: TopicPartition | null) => string;
  // Of a kind that a newer broker has.
  if (render === undefined) return `recorded ${(event as ClusterEvent).kind}`;
  return render(event, focus);
}

const key = ({ topic, partition }: TopicPartition): string => partitionKey(topic, partition);
const list = (ids: readonly unknown[]): string => ids.join(', ') || 'none';
const many = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? '' : 's'}`;
const brokers = (ids: readonly BrokerId[]): string => `broker${ids.length === 1 ? '' : 's'} ${list(ids)}`;
/** Those of the second that are not in the first. */
const besides = (known: readonly BrokerId[], ids: readonly BrokerId[]): readonly BrokerId[] =>
  ids.filter((id) => !known.includes(id));
const leaderName = (id: number): string => (id === NO_LEADER ? 'nobody' : `broker ${id}`);
const ms = (value: number): string => `${Math.round(value)} ms`;

const OFFICE = {
  'controller-gone': ({ controllerId }) =>
    `saw that /controller is gone, and with it broker ${controllerId} as the controller`,
  'controller-elected': ({ epoch, epochVersion }) =>
    `was elected controller of epoch ${epoch} (/controller_epoch is at version ${epochVersion})`,
  'failover-finished': (one) =>
    `has taken office as controller of epoch ${one.epoch} after ${ms(one.totalMs)}: election ${ms(one.electedMs)}, ` +
    `load ${ms(one.loadMs)}, leaders moved ${ms(one.leadersMovedMs)}; ${one.partitionsMoved} of ${many(one.partitions, 'partition')} written`,
  'controller-resigned': ({ epoch, reason }) => `gave up the office of controller epoch ${epoch}: ${reason}`,
  'controller-fenced': ({ epoch, during, reason }) =>
    `was refused a write during ${during} as controller of epoch ${epoch}, since somebody newer holds the office: ${reason}`,
  'controller-interrupted': ({ epoch, during, reason }) =>
    `lost ZooKeeper during ${during} as controller of epoch ${epoch}: ${reason}`,
  'controller-changed': ({ controllerId, isSelf }) =>
    controllerId < 0
      ? 'sees no controller'
      : `sees ${isSelf ? 'itself' : `broker ${controllerId}`} as the controller`,
  'candidacy-resumed': ({ brokerEpoch }) => `takes part in elections again, with broker epoch ${brokerEpoch}`,
} satisfies Partial<Sentences>;

const MEMBERSHIP = {
  'brokers-changed': ({ joined, bounced, left, registrations }) => {
    const named = (id: number): string => {
      const epoch = registrations?.find(({ broker }) => broker === id)?.epoch;
      return epoch === undefined ? `broker ${id}` : `broker ${id} (/brokers/ids/${id}, czxid ${epoch})`;
    };
    const said = [
      joined.length > 0 && `${joined.map(named).join(' and ')} registered`,
      bounced.length > 0 && `${bounced.map(named).join(' and ')} came back under a new epoch`,
      left.length > 0 && `the registration of ${left.map(named).join(' and of ')} vanished`,
    ].filter((part) => part !== false);
    return `as the controller saw that ${said.join(', that ')}`;
  },
  'lost-leaders-replaced': ({ brokers, led, moved, tookMs }) =>
    `gave ${moved} of ${many(led, 'partition')} that broker ${brokers.join(', ')} had led a new leader, in ${ms(tookMs)}`,
  'stranger-registered': ({ broker }) => `leaves out broker ${broker}, which is of another kind`,
  'log-directories-reported': ({ brokers }) =>
    `heard of failed log directories on broker ${brokers.join(', ')}`,
  'controlled-shutdown-granted': ({ broker, remaining }) =>
    `as the controller let broker ${broker} shut down: ${many(remaining, 'partition')} that it leads have no successor`,
  'controlled-shutdown-refused': ({ broker, error }) =>
    `refused the controlled shutdown of broker ${broker}: ${errorName(error)}`,
} satisfies Partial<Sentences>;

const states = ({ leaderEpoch, partitionEpoch, controllerEpoch }: Record<string, unknown>): string =>
  `leader epoch ${leaderEpoch}, state at version ${partitionEpoch}, by controller epoch ${controllerEpoch}`;

/** Where the word alone does not say it. */
const REASONS: { readonly [reason: string]: string } = {
  'preferred-election': 'preferred-election, to the first of its replicas',
};

const STATES = {
  'leader-moved': (one) =>
    `moved the leader of ${key(one)} from ${leaderName(one.from)} to ${leaderName(one.to)} (${REASONS[one.reason] ?? one.reason}; in sync: ${list(one.isr)}; ${states({ ...one })})` +
    (one.unclean ? ', which was not in sync: committed records may be lost' : ''),
  'isr-shrunk': (one) =>
    `took ${brokers(besides(one.to, one.from))} out of the in-sync replicas of ${key(one)}, which are ${list(one.to)} now (${one.reason}; ${states({ ...one })})`,
  'isr-expanded': (one) =>
    `took ${brokers(besides(one.from, one.to))} into the in-sync replicas of ${key(one)}, which are ${list(one.to)} now (${one.reason}; ${states({ ...one })})`,
  'partitions-moved': (one, focus) => {
    const detail = focus === null ? undefined : one.details.find(({ topics }) => hasPartition(topics, focus));
    if (focus !== null && detail !== undefined) return movedOne(one, focus, detail);
    const said = [
      `${one.leadersMoved} have another leader`,
      one.leaderless > 0 && `${one.leaderless} have none`,
      one.isrsShrunk > 0 && `${one.isrsShrunk} have lost in-sync replicas`,
      one.isrsExpanded > 0 && `${one.isrsExpanded} have got in-sync replicas`,
      one.unclean > 0 && `${one.unclean} are led by brokers that were not in sync`,
    ].filter((part) => part !== false);
    return `wrote the states of ${many(one.partitions, 'partition')} (${one.reason}, by controller epoch ${one.controllerEpoch}): ${said.join(', ')}`;
  },
  'partition-state-vanished': (one) => `found no state of ${key(one)} in ZooKeeper any more`,
  'partitions-repaired': ({ count }) =>
    `found ${many(count, 'partition')} out of line, and had them led again`,
  'leaders-rebalanced': ({ moved }) => `gave ${many(moved, 'partition')} back to their first replica`,
} satisfies Partial<Sentences>;

function movedOne(
  { reason, partitions, controllerEpoch }: EventOf<'partitions-moved'>,
  focus: TopicPartition,
  { from, to, isrFrom, isr, leaderEpoch, partitionEpoch, unclean }: AlikeWritten,
): string {
  const among = `${reason}, among ${partitions} partitions; ${states({ leaderEpoch, partitionEpoch, controllerEpoch })}`;
  const warning = unclean ? ', which was not in sync: committed records may be lost' : '';
  return from === to
    ? `changed the in-sync replicas of ${key(focus)} from ${list(isrFrom)} to ${list(isr)} (${among})`
    : `moved the leader of ${key(focus)} from ${leaderName(from)} to ${leaderName(to)} (in sync: ${list(isr)}; ${among})${warning}`;
}

const TOPICS = {
  'topics-created': ({ topics }) => `as the controller heard of the new topic ${list(topics)}`,
  'topic-grown': ({ topic, added }) =>
    `as the controller heard that ${topic} has grown by ${many(added, 'partition')}`,
  'topic-growth-undone': ({ topic }) => `took back partitions of ${topic}, which is being deleted`,
  'new-partitions-leaderless': ({ why, count, partitions }) =>
    `could not give ${many(count, 'new partition')} a leader (${why}): ${list(partitions)}`,
  'topic-deletion-refused': ({ topics, why }) => `refused to delete ${list(topics)}: ${why}`,
  'topic-deletion-begun': ({ topics }) => `began to delete ${list(topics)}`,
  'topic-deletion-waits': ({ topic }) => `waits for brokers that hold ${topic}, to delete it`,
  'topic-deleted': ({ topic }) => `has deleted ${topic}`,
  'topic-vanished': ({ topic }) => `found that ${topic} has vanished from ZooKeeper`,
} satisfies Partial<Sentences>;

const REASSIGNMENTS = {
  'reassignment-begun': (one) => `began to move ${key(one)} from ${list(one.from)} to ${list(one.to)}`,
  'reassignment-step': (one) =>
    `goes on to move ${key(one)}: ${list(one.adding)} have to catch up, ${list(one.removing)} leave then`,
  'reassignment-held-up': (one) => `cannot complete the move of ${key(one)} yet`,
  'reassignment-unwritten': (one) => `has moved ${key(one)}, and cannot write the assignment of its topic`,
  'reassignment-finished': (one) => `has moved ${key(one)} to ${list(one.replicas)}`,
  'reassignment-refused': (one) => `refused to move ${key(one)}: ${one.reason}`,
} satisfies Partial<Sentences>;

const CUTS: { readonly [Rule in EventOf<'log-truncated'>['why']['rule']]: string } = {
  'leader-epoch': "where its history and the leader's part",
  'leader-end': "where the leader's log ends",
  'leader-start': "as the leader's log begins after its end",
  hole: 'where a recovery found records missing',
  'no-epochs': 'to the high watermark, having no history of epochs',
};

const REPLICAS = {
  'became-leader': (one) =>
    `leads ${key(one)} from its offset ${one.endOffset} on (in sync: ${list(one.isr)}; ${states({ ...one })})`,
  'became-follower': (one) =>
    `follows ${leaderName(one.leader)} in ${key(one)}, its own log ending at ${one.endOffset} (${states({ ...one })})`,
  'roles-taken': ({ leading, following, details }, focus) => {
    const detail = focus === null ? undefined : details.find(({ topics }) => hasPartition(topics, focus));
    const all = `leads ${many(leading, 'partition')} and follows others in ${following}`;
    if (focus === null || detail === undefined) return `${all}, newly`;
    return `obeys that ${leaderName(detail.leader)} leads ${key(focus)} in leader epoch ${detail.leaderEpoch} (${all}, by one order)`;
  },
  'controller-order-refused': ({ order, controllerId, controllerEpoch, error, knownEpoch }) =>
    `refused ${order} of broker ${controllerId} as controller of epoch ${controllerEpoch}: ${errorName(error)}, it has obeyed epoch ${knownEpoch}`,
  'isr-shrink-proposed': (one) =>
    `as the leader of ${key(one)} asked to be without ${one.lagging?.map(lagOf).join(' and ') ?? brokers(besides(one.to, one.from))} ` +
    `(its own log ends at ${one.leaderEndOffset}, high watermark ${one.highWatermark}, leader epoch ${one.leaderEpoch})`,
  'isr-expand-proposed': (one) =>
    `as the leader of ${key(one)} asked to take ${brokers(besides(one.from, one.to))} into the in-sync replicas, having caught up (leader epoch ${one.leaderEpoch})`,
  'isr-change-refused': (one) =>
    `was refused a change of the in-sync replicas of ${key(one)}: ${errorName(one.error)}` +
    (one.error === ErrorCode.INELIGIBLE_REPLICA ? ', as one of them shuts down or is not registered' : ''),
  'log-truncated': (one) =>
    `cut its log of ${key(one)} from ${one.from} back to ${one.to}, ${CUTS[one.why.rule]}` +
    (one.to < one.highWatermark ? `: below its high watermark ${one.highWatermark}` : ''),
  'replica-left': (one) => `left ${key(one)}, which is on ${list(one.replicas)} now`,
  'replica-offline': (one) =>
    `cannot serve ${key(one)} any more: its log directory ${one.directory} has failed`,
  'log-directory-failed': ({ directory, reason }) => `lost its log directory ${directory}: ${reason}`,
  'groups-loaded': ({ partition, groups, tookMs }) =>
    `coordinates the ${many(groups, 'group')} of __consumer_offsets-${partition} now, loaded in ${ms(tookMs)}`,
  'groups-failed': ({ partition, reason }) =>
    `leads __consumer_offsets-${partition} and cannot coordinate its groups, as it is damaged here: ${reason}`,
  'groups-resigned': ({ partition, why }) =>
    `coordinates the groups of __consumer_offsets-${partition} no more (${why})`,
  'group-member-failed': ({ groupId, memberId }) =>
    `removed ${memberId} from the group ${groupId}: its session has ended`,
  'group-rebalanced': rebalance,
} satisfies Partial<Sentences>;

function rebalance({ groupId, generationId, members, joined, left }: EventOf<'group-rebalanced'>): string {
  const changes = [joined > 0 && `${joined} joined`, left > 0 && `${left} left`].filter(
    (each) => each !== false,
  );
  const why = changes.length > 0 ? changes.join(', ') : 'they joined again';
  if (members === 0) return `coordinates the group ${groupId}, which has no members any more (${why})`;
  return `brought the group ${groupId} to generation ${generationId} of ${many(members, 'member')} (${why})`;
}

function lagOf({ broker, endOffset, behindMs }: EventOf<'isr-shrink-proposed'>['lagging'][number]): string {
  const since = behindMs < 0 ? 'has never had all' : `had all ${ms(behindMs)} ago`;
  return `broker ${broker}, which ${since}${endOffset < 0 ? '' : ` and ends at ${endOffset}`}`;
}

const TRANSACTIONS = {
  'transactions-loaded': ({ partition, ids, tookMs }) =>
    `coordinates the ${many(ids, 'transactional id')} of __transaction_state-${partition} now, loaded in ${ms(tookMs)}`,
  'transactions-failed': ({ partition, reason }) =>
    `leads __transaction_state-${partition} and cannot coordinate its transactions, as it is damaged here: ${reason}`,
  'transactions-resigned': ({ partition, why }) =>
    `coordinates the transactions of __transaction_state-${partition} no more (${why})`,
  'producer-fenced': ({ transactionalId, producerId, producerEpoch, why }) =>
    `aborted the transaction of ${transactionalId} (producer id ${producerId}, fenced by epoch ${producerEpoch}): ` +
    (why === 'timed-out' ? 'it had timed out' : 'another producer had come'),
  'transaction-markers-fenced': ({ transactionalId, producerId, error }) =>
    `tells partitions of the transaction of ${transactionalId} (producer id ${producerId}) nothing any more: ${errorName(error)}`,
  'transactional-ids-expired': ({ partition, ids }) =>
    `forgot ${many(ids, 'transactional id')} of __transaction_state-${partition} that nobody has used for long`,
} satisfies Partial<Sentences>;

const CLIENTS = {
  'client-errors': ({ errors }) =>
    `refused clients: ${errors
      .map(({ api, error, count, partitions }) => {
        const more = partitions.length < count ? ' and others' : '';
        return `${errorName(error)} in ${api}, ${count} times (${list(partitions)}${more})`;
      })
      .join('; ')}`,
  'configs-changed': ({ topic, names }) =>
    `goes by other ${topic === null ? 'dynamic configs' : `configs of ${topic}`}, set are ${list(names)}`,
} satisfies Partial<Sentences>;

const BROKER_LIFE = {
  'session-suspended': () => 'lost its connection to ZooKeeper',
  'session-resumed': () => 'has its connection to ZooKeeper again, in the same session',
  'session-lost': ({ sessionId }) => `lost its ZooKeeper session ${sessionId}: it has expired`,
  'session-regained': ({ sessionId }) => `has a new ZooKeeper session ${sessionId}`,
  'broker-id-awaited': ({ reason, limitMs }) => `waits for its id, at most ${ms(limitMs)}: ${reason}`,
  'broker-registered': ({ path, brokerEpoch }) =>
    `registered at ${path}, czxid and so broker epoch ${brokerEpoch}`,
  'broker-started': () => 'has started',
  'shutdown-begun': () => 'began to shut down',
  'leaders-remain': ({ partitions, error }) =>
    `still leads ${many(partitions, 'partition')} after asking to be relieved, answer ${errorName(error)}`,
  'shutdown-unclean': () => 'goes, and leaders that could not be moved go with it',
  'shutdown-finished': () => 'has shut down',
} satisfies Partial<Sentences>;

const FAULTS = {
  'fault-struck': ({ id, fault, parameters, forMs }) =>
    `was hurt on demand by fault ${id}, ${fault} ${parameters}${forMs === 0 ? '' : `, for ${ms(forMs)} at most`}`,
  'fault-healed': ({ id, fault, why }) => `was healed of fault ${id}, ${fault}: ${HEALED_BY[why]}`,
} satisfies Partial<Sentences>;

const SENTENCES: Sentences = {
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
