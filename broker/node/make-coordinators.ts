/** What coordinates clients by way of internal topics and the controller: producer ids, consumer groups, transactions. */
import { GroupCoordinator } from '../coordinators/group/group-coordinator.ts';
import { MarkerReceiver } from '../coordinators/marker-receiver.ts';
import { ProducerIdManager } from '../coordinators/producer-id-manager.ts';
import { MarkerSender } from '../coordinators/transaction/marker-sender.ts';
import { TransactionCoordinator } from '../coordinators/transaction/transaction-coordinator.ts';
import { TransactionVerification } from '../coordinators/transaction-verification.ts';
import type { TransactionVerifier } from '../replication/collaborators.ts';
import { GROUP_METADATA_TOPIC, TRANSACTION_STATE_TOPIC } from '../types.ts';
import {
  followLeadership,
  groupSettings,
  markerSettings,
  stateLogOf,
  transactionSettings,
} from './coordinator-wiring.ts';
import type { Ground, Parts } from './parts.ts';

/** Blocks of ids are asked of the controller. */
export function makeProducerIds(
  { platform, stops }: Ground,
  { config, fence, link }: Pick<Parts, 'config' | 'fence' | 'link'>,
): ProducerIdManager {
  const { clock, diagnostics } = platform;
  const { brokerId } = config;
  const producerIds = new ProducerIdManager({
    allocate: () => link.ask({ type: 'AllocateProducerIds', brokerId, brokerEpoch: fence.brokerEpoch }),
    clock,
    diagnostics: diagnostics.named('ProducerIdManager'),
    maxWaitMs: config.requestTimeoutMs,
  });
  stops.push({ name: 'the producer ids', stop: () => producerIds.shutdown() });
  return producerIds;
}

/** Whom replication asks before a transaction begins in a partition: its coordinator, wherever it is. */
export function makeVerifier(
  { platform: { clock, metrics } }: Pick<Ground, 'platform'>,
  { config, metadata, peers }: Pick<Parts, 'config' | 'metadata' | 'peers'>,
  partitionCount: () => number,
): TransactionVerifier {
  return new TransactionVerification({
    clock,
    metrics,
    brokerId: config.brokerId,
    metadata,
    peers,
    timeoutMs: config.requestTimeoutMs,
    partitionCount,
  });
}

/** Markers of transactions, whoever coordinates them, are written where their partitions are led. */
export function makeMarkers(
  { platform: { clock } }: Ground,
  { config, replicas, groups }: Pick<Parts, 'config' | 'replicas' | 'groups'>,
): MarkerReceiver {
  return new MarkerReceiver({ clock, replicas, groups, timeoutMs: config.requestTimeoutMs });
}

/** Groups are coordinated where their partition of `__consumer_offsets` is led. */
export function makeGroups(
  { platform, stops }: Ground,
  { config, replicas }: Pick<Parts, 'config' | 'replicas'>,
  partitionCount: () => number,
): GroupCoordinator {
  const { clock, random, metrics, diagnostics, journal } = platform;
  const groups = new GroupCoordinator({
    clock,
    random,
    metrics,
    diagnostics: diagnostics.named(`GroupCoordinator id=${config.brokerId}`),
    journal: journal.named(`GroupCoordinator id=${config.brokerId}`),
    log: stateLogOf(GROUP_METADATA_TOPIC, replicas, platform.workers),
    settings: groupSettings(config),
    verifyTransaction: (partition, claim) =>
      replicas.verifyTransaction({ topic: GROUP_METADATA_TOPIC, partition }, claim),
    partitionCount,
  });
  // Stop before the replicas, through which they write.
  stops.push({ name: 'the groups', stop: () => groups.shutdown() });
  followLeadership(GROUP_METADATA_TOPIC, replicas, groups);
  return groups;
}

/** Transactions are coordinated where their partition of `__transaction_state` is led. */
export function makeTransactions(
  { platform, stops }: Ground,
  {
    config,
    metadata,
    peers,
    replicas,
    producerIds,
  }: Pick<Parts, 'config' | 'metadata' | 'peers' | 'replicas' | 'producerIds'>,
  partitionCount: () => number,
): TransactionCoordinator {
  const { clock, metrics, journal } = platform;
  const { brokerId } = config;
  const diagnostics = platform.diagnostics.named(`TransactionMarkers id=${brokerId}`);
  const name = `TransactionCoordinator id=${brokerId}`;
  const transactions = new TransactionCoordinator({
    clock,
    metrics,
    diagnostics: platform.diagnostics.named(name),
    journal: journal.named(name),
    log: stateLogOf(TRANSACTION_STATE_TOPIC, replicas, platform.workers),
    settings: transactionSettings(config),
    partitionCount,
    producerIds,
    markers: new MarkerSender(
      { brokerId, clock, diagnostics, metrics, metadata, peers },
      markerSettings(config),
    ),
  });
  stops.push({ name: 'the transactions', stop: () => transactions.shutdown() });
  followLeadership(TRANSACTION_STATE_TOPIC, replicas, transactions);
  return transactions;
}
