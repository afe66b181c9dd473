/** What handlers may use of this broker, put together from its parts. */
import type { Services } from '../handlers/services.ts';
import { AutoTopicCreation } from '../handlers/shared/auto-topic-creation.ts';
import { ClientErrors } from '../handlers/shared/client-errors.ts';
import { TopicMetrics } from '../handlers/shared/topic-metrics.ts';
import { TopicAdmin } from '../metadata/topic-admin.ts';
import { FetchSessions } from '../replication/requests/fetch-sessions.ts';
import type { Ground, Parts } from './parts.ts';

/** Fetch sessions, topic administration and metrics by topic are made here, as only handlers use them. */
export function makeServices({ platform, store }: Ground, parts: Parts): Services {
  const { clock, disk, diagnostics, journal, metrics, random, workers } = platform;
  const { clusterId, config, configs, metadata, features, replicas, logs, logDirMoves } = parts;
  const { controller, groups, transactions, markers, producerIds, acls, tokens, listenerSecurity } = parts;
  const topicDefaults = (): ReadonlyMap<string, string> => configs.topicDefaults;
  const topicAdmin = new TopicAdmin({ store, metadata, random, topicDefaults });
  return {
    brokerId: config.brokerId,
    clusterId,
    config,
    liveConfig: configs.live,
    clock,
    disk,
    diagnostics: diagnostics.named(`KafkaApi-${config.brokerId}`),
    metrics,
    workers,
    topicMetrics: new TopicMetrics(metrics, metadata, new ClientErrors(journal, clock)),
    metadata,
    features,
    replicas,
    fetchSessions: new FetchSessions({
      clock,
      random,
      metrics,
      slots: config.maxIncrementalFetchSessionCacheSlots,
      maxPartitions: config.maxIncrementalFetchSessionCachePartitions,
    }),
    logs,
    logDirMoves,
    topicAdmin,
    autoTopics: new AutoTopicCreation(config, topicAdmin, diagnostics.named('AutoTopicCreation')),
    controller,
    store,
    groups,
    transactions,
    markers,
    producerIds,
    acls,
    tokens,
    listenerSecurity,
  };
}
