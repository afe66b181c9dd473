/** What coordinates clients by way of internal topics and the controller: producer ids and consumer groups. */
import { GroupCoordinator } from '../coordinators/group/group-coordinator.ts';
import { ProducerIdManager } from '../coordinators/producer-id-manager.ts';
import { GROUP_METADATA_TOPIC } from '../types.ts';
import { groupPartitionCount, groupSettings, stateLogOf } from './group-wiring.ts';
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

/** Groups are coordinated where their partition of `__consumer_offsets` is led. */
export async function makeGroups(
  { platform, store, stops }: Ground,
  { config, replicas }: Pick<Parts, 'config' | 'replicas'>,
): Promise<GroupCoordinator> {
  const { clock, random, metrics, diagnostics, journal } = platform;
  const groups = new GroupCoordinator({
    clock,
    random,
    metrics,
    diagnostics: diagnostics.named(`GroupCoordinator id=${config.brokerId}`),
    journal: journal.named(`GroupCoordinator id=${config.brokerId}`),
    log: stateLogOf(GROUP_METADATA_TOPIC, replicas),
    settings: groupSettings(config),
    partitionCount: await groupPartitionCount(store(), config),
  });
  // Stop before the replicas, through which they write.
  stops.push({ name: 'the groups', stop: () => groups.shutdown() });
  replicas.onLeadership(({ topic, partition, leaderEpoch, role }) => {
    if (topic !== GROUP_METADATA_TOPIC) return;
    if (role === 'leader') void groups.elect(partition, leaderEpoch);
    else groups.resign(partition, role === 'deleted' ? 'deleted' : 'moved');
  });
  return groups;
}
