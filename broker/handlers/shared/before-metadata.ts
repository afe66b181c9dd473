/**
 * What is answered before a controller has told this broker of the cluster: while there is no controller,
 * or while it stands still. To this broker no topic exists then, and clients believe a broker that says so:
 * librdkafka gives up what it was to send to such a topic, and consumers let go of it. (Kafka has this
 * hole.) So nothing is said about the cluster but "ask again", in the way that makes clients of each API
 * do so by themselves, and soon by another broker; nobody waits here for what may never come.
 * Where an API has no code for that, or clients hand every code to their caller (Java's admin client does
 * so for descriptions and configs), the connection is closed, which they take for a broker that is not up.
 */
import { ErrorCode } from '../../errors.ts';
import { Produce } from '../../protocol/messages/00-produce.ts';
import { Fetch } from '../../protocol/messages/01-fetch.ts';
import { ListOffsets } from '../../protocol/messages/02-list-offsets.ts';
import { Metadata } from '../../protocol/messages/03-metadata.ts';
import { OffsetCommit } from '../../protocol/messages/08-offset-commit.ts';
import { OffsetFetch } from '../../protocol/messages/09-offset-fetch.ts';
import { FindCoordinator } from '../../protocol/messages/10-find-coordinator.ts';
import { JoinGroup } from '../../protocol/messages/11-join-group.ts';
import { Heartbeat } from '../../protocol/messages/12-heartbeat.ts';
import { LeaveGroup } from '../../protocol/messages/13-leave-group.ts';
import { SyncGroup } from '../../protocol/messages/14-sync-group.ts';
import { DescribeGroups } from '../../protocol/messages/15-describe-groups.ts';
import { ListGroups } from '../../protocol/messages/16-list-groups.ts';
import { SaslHandshake } from '../../protocol/messages/17-sasl-handshake.ts';
import { ApiVersions } from '../../protocol/messages/18-api-versions.ts';
import { CreateTopics } from '../../protocol/messages/19-create-topics.ts';
import { DeleteTopics } from '../../protocol/messages/20-delete-topics.ts';
import { DeleteRecords } from '../../protocol/messages/21-delete-records.ts';
import { InitProducerId } from '../../protocol/messages/22-init-producer-id.ts';
import { OffsetForLeaderEpoch } from '../../protocol/messages/23-offset-for-leader-epoch.ts';
import { AddPartitionsToTxn } from '../../protocol/messages/24-add-partitions-to-txn.ts';
import { AddOffsetsToTxn } from '../../protocol/messages/25-add-offsets-to-txn.ts';
import { EndTxn } from '../../protocol/messages/26-end-txn.ts';
import { WriteTxnMarkers } from '../../protocol/messages/27-write-txn-markers.ts';
import { TxnOffsetCommit } from '../../protocol/messages/28-txn-offset-commit.ts';
import { DescribeAcls } from '../../protocol/messages/29-describe-acls.ts';
import { CreateAcls } from '../../protocol/messages/30-create-acls.ts';
import { DeleteAcls } from '../../protocol/messages/31-delete-acls.ts';
import { DescribeConfigs } from '../../protocol/messages/32-describe-configs.ts';
import { AlterConfigs } from '../../protocol/messages/33-alter-configs.ts';
import { AlterReplicaLogDirs } from '../../protocol/messages/34-alter-replica-log-dirs.ts';
import { DescribeLogDirs } from '../../protocol/messages/35-describe-log-dirs.ts';
import { SaslAuthenticate } from '../../protocol/messages/36-sasl-authenticate.ts';
import { CreatePartitions } from '../../protocol/messages/37-create-partitions.ts';
import { CreateDelegationToken } from '../../protocol/messages/38-create-delegation-token.ts';
import { RenewDelegationToken } from '../../protocol/messages/39-renew-delegation-token.ts';
import { ExpireDelegationToken } from '../../protocol/messages/40-expire-delegation-token.ts';
import { DescribeDelegationToken } from '../../protocol/messages/41-describe-delegation-token.ts';
import { DeleteGroups } from '../../protocol/messages/42-delete-groups.ts';
import { ElectLeaders } from '../../protocol/messages/43-elect-leaders.ts';
import { IncrementalAlterConfigs } from '../../protocol/messages/44-incremental-alter-configs.ts';
import { AlterPartitionReassignments } from '../../protocol/messages/45-alter-partition-reassignments.ts';
import { ListPartitionReassignments } from '../../protocol/messages/46-list-partition-reassignments.ts';
import { OffsetDelete } from '../../protocol/messages/47-offset-delete.ts';
import { DescribeClientQuotas } from '../../protocol/messages/48-describe-client-quotas.ts';
import { AlterClientQuotas } from '../../protocol/messages/49-alter-client-quotas.ts';
import { DescribeUserScramCredentials } from '../../protocol/messages/50-describe-user-scram-credentials.ts';
import { AlterUserScramCredentials } from '../../protocol/messages/51-alter-user-scram-credentials.ts';
import { UpdateFeatures } from '../../protocol/messages/57-update-features.ts';
import { DescribeCluster } from '../../protocol/messages/60-describe-cluster.ts';
import { DescribeProducers } from '../../protocol/messages/61-describe-producers.ts';
import { DescribeTransactions } from '../../protocol/messages/65-describe-transactions.ts';
import { ListTransactions } from '../../protocol/messages/66-list-transactions.ts';
import type { AnyApi, RequestOf } from '../../protocol/schema.ts';
import type { Answer, Handler, RequestContext } from '../handler.ts';
import type { Needs, ServiceName } from '../services.ts';
import { type ConfigResource, ConfigResourceType } from './config-resources.ts';

/** `serve`: the answer does not depend on the cluster. A code is answered by the handler's refusal. */
type Verdict = ErrorCode | 'serve' | 'close';
type Rule = Verdict | ((request: never, apiVersion: number) => Verdict);

const { NOT_LEADER_OR_FOLLOWER, NOT_COORDINATOR, NOT_CONTROLLER } = ErrorCode;
const { COORDINATOR_NOT_AVAILABLE, COORDINATOR_LOAD_IN_PROGRESS } = ErrorCode;

/** A handler whose API is not here would close connections: test/handlers holds the table against it. */
export const RULES_BEFORE_METADATA: ReadonlyMap<AnyApi, Rule> = new Map<AnyApi, Rule>([
  [ApiVersions, 'serve'],
  [SaslHandshake, 'serve'],
  [SaslAuthenticate, 'serve'],
  [DescribeAcls, 'serve'],
  [CreateAcls, 'serve'],
  [DeleteAcls, 'serve'],
  [CreateDelegationToken, 'serve'],
  [RenewDelegationToken, 'serve'],
  [ExpireDelegationToken, 'serve'],
  [DescribeDelegationToken, 'serve'],
  [AlterReplicaLogDirs, 'close'],
  [DescribeLogDirs, 'serve'],
  [DescribeClientQuotas, 'serve'],
  [AlterClientQuotas, 'serve'],
  [DescribeUserScramCredentials, 'serve'],
  [AlterUserScramCredentials, NOT_CONTROLLER],
  [Metadata, ofTopics],
  [DescribeCluster, 'close'],
  // The leader is somebody else, says this, and sends clients to ask who.
  [Produce, NOT_LEADER_OR_FOLLOWER],
  [Fetch, ofSession],
  [ListOffsets, NOT_LEADER_OR_FOLLOWER],
  [OffsetForLeaderEpoch, NOT_LEADER_OR_FOLLOWER],
  [DeleteRecords, NOT_LEADER_OR_FOLLOWER],
  [DescribeProducers, NOT_LEADER_OR_FOLLOWER],
  [WriteTxnMarkers, NOT_LEADER_OR_FOLLOWER],
  [FindCoordinator, COORDINATOR_NOT_AVAILABLE],
  [OffsetCommit, NOT_COORDINATOR],
  [OffsetFetch, NOT_COORDINATOR],
  [JoinGroup, NOT_COORDINATOR],
  [Heartbeat, NOT_COORDINATOR],
  [LeaveGroup, NOT_COORDINATOR],
  [SyncGroup, NOT_COORDINATOR],
  [DescribeGroups, NOT_COORDINATOR],
  [DeleteGroups, NOT_COORDINATOR],
  [OffsetDelete, NOT_COORDINATOR],
  [ListGroups, COORDINATOR_NOT_AVAILABLE],
  // After the other two Java's producer would look for the coordinator of a transaction, also without one.
  [InitProducerId, COORDINATOR_LOAD_IN_PROGRESS],
  [AddPartitionsToTxn, NOT_COORDINATOR],
  [AddOffsetsToTxn, NOT_COORDINATOR],
  [EndTxn, NOT_COORDINATOR],
  [TxnOffsetCommit, NOT_COORDINATOR],
  [DescribeTransactions, NOT_COORDINATOR],
  [ListTransactions, COORDINATOR_LOAD_IN_PROGRESS],
  [CreateTopics, NOT_CONTROLLER],
  [DeleteTopics, NOT_CONTROLLER],
  [CreatePartitions, NOT_CONTROLLER],
  [ElectLeaders, NOT_CONTROLLER],
  [AlterPartitionReassignments, NOT_CONTROLLER],
  [ListPartitionReassignments, NOT_CONTROLLER],
  [UpdateFeatures, NOT_CONTROLLER],
  [DescribeConfigs, ofResources],
  [AlterConfigs, ofResources],
  [IncrementalAlterConfigs, ofResources],
]);

/** In the place of {@link Handler.handle}, while the picture of the cluster is not complete. */
export function answerBeforeMetadata<N extends ServiceName>(
  handler: Handler<AnyApi, N>,
  request: RequestOf<AnyApi>,
  context: RequestContext,
  services: Needs<N>,
): Answer<AnyApi> | Promise<Answer<AnyApi>> {
  const rule = RULES_BEFORE_METADATA.get(handler.api) ?? 'close';
  const verdict = typeof rule === 'function' ? rule(request as never, context.apiVersion) : rule;
  if (verdict === 'serve') return handler.handle(request, context, services);
  return verdict === 'close' ? 'close' : handler.refuse(request, verdict, context);
}

/** A list without topics or without brokers would be taken for the truth, and nothing at its top could say otherwise. */
function ofTopics({ topics }: RequestOf<typeof Metadata>): Verdict {
  return topics === null || topics.length === 0 ? 'close' : ErrorCode.LEADER_NOT_AVAILABLE;
}

/** A session is of the process before this one; what it holds is not named in the request. */
function ofSession({ sessionId, topics }: RequestOf<typeof Fetch>): Verdict {
  return sessionId === 0 || topics.length > 0 ? NOT_LEADER_OR_FOLLOWER : ErrorCode.FETCH_SESSION_ID_NOT_FOUND;
}

/** Those of brokers are in ZooKeeper and in this process. */
function ofResources({ resources }: { readonly resources: readonly ConfigResource[] }): Verdict {
  return resources.some(({ resourceType }) => resourceType === ConfigResourceType.TOPIC) ? 'close' : 'serve';
}
