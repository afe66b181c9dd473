/**
 * What this broker answers its peers: the controller's orders, and, while it is the controller itself,
 * the questions that go to the controller. Orders of an outdated controller end at the fence, as do those
 * that were meant for the process before this one; before the registration nobody could tell, so they wait.
 */
import type { Controller } from './controller/controller.ts';
import type { GroupCoordinator } from './coordinators/group/group-coordinator.ts';
import type { DynamicConfigs } from './dynamic-configs.ts';
import type { ControllerFence } from './metadata/controller-fence.ts';
import type { MetadataCache } from './metadata/metadata-cache.ts';
import type { UpdateMetadataRequest, UpdateMetadataResponse } from './peers/messages.ts';
import type { Peers } from './peers/peers.contract.ts';
import { ErrorCode } from './protocol/errors.ts';
import type { ReplicaManager } from './replication/replica-manager.ts';
import { partitionKey } from './types.ts';

export interface AnswerParts {
  readonly peers: Peers;
  readonly fence: ControllerFence;
  readonly metadata: MetadataCache;
  readonly replicas: ReplicaManager;
  readonly controller: Controller;
  readonly groups: GroupCoordinator;
  readonly configs: DynamicConfigs;
}

export function answerPeers(parts: AnswerParts): void {
  const { peers, fence, replicas, controller, configs } = parts;
  peers.handle('LeaderAndIsr', async (request) => {
    await fence.registered;
    // A topic's overrides must be known before its log is made; the fence is asked after the wait.
    await configs.load(request.partitions.map((partition) => partition.topic));
    return replicas.becomeLeaderOrFollower(request);
  });
  peers.handle('UpdateMetadata', async (request) => {
    await fence.registered;
    return updateMetadata(request, parts);
  });
  peers.handle('StopReplica', async (request) => {
    await fence.registered;
    return replicas.stopReplicas(request);
  });
  peers.handle('ControlledShutdown', (request) => controller.controlledShutdown(request));
  peers.handle('AlterPartition', (request) => controller.alterPartition(request));
  peers.handle('AllocateProducerIds', (request) => controller.allocateProducerIds(request));
}

function updateMetadata(request: UpdateMetadataRequest, parts: AnswerParts): UpdateMetadataResponse {
  const error = parts.fence.check(request);
  if (error !== ErrorCode.NONE) return { error };
  const before = parts.metadata.image.brokers;
  const deleted = parts.metadata.apply(request);
  parts.replicas.metadataUpdated(request);
  for (const [id, known] of before) {
    const now = parts.metadata.broker(id);
    if (now === undefined || now.epoch !== known.epoch) parts.peers.forget(id);
  }
  if (deleted.length > 0) {
    for (const { topic } of deleted)
      if (parts.metadata.topic(topic) === undefined) parts.configs.forget(topic);
    void parts.groups.forgetPartitions(
      new Set(deleted.map(({ topic, partition }) => partitionKey(topic, partition))),
    );
  }
  return { error: ErrorCode.NONE };
}
