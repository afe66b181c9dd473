/** The real neighbours fit the narrow interfaces that replication asks for. */

import { describe, expect, it } from 'vitest';
import { brokerConfig } from '../../../broker/config/broker-config.ts';
import { MetadataCache } from '../../../broker/metadata/metadata-cache.ts';
import type { ReplicationConfig, ReplicationMetadata } from '../../../broker/replication/collaborators.ts';
import { World } from '../../support/world.ts';

describe('what replication asks for', () => {
  it('is a part of the broker’s configuration, with Kafka’s defaults', () => {
    const config: ReplicationConfig = brokerConfig(new Map([['zookeeper.connect', 'localhost:2181']]));
    expect(config).toMatchObject({
      replicaLagTimeMaxMs: 30_000,
      replicaHighWatermarkCheckpointIntervalMs: 5000,
      replicaFetchBackoffMs: 1000,
      replicaFetchMaxBytes: 1_048_576,
      replicaFetchResponseMaxBytes: 10_485_760,
      replicaFetchWaitMaxMs: 500,
      replicaSocketTimeoutMs: 30_000,
      replicaSelectorClass: null,
      fetchMaxBytes: 57_671_680,
      socketConnectionSetupTimeoutMs: 10_000,
      peerStreamCreditBytes: 8_388_608,
      peerMaxMessageBytes: 134_283_264,
      peerCompressionType: 'none',
    });
  });

  it('is answered by the metadata cache', () => {
    const metadata: ReplicationMetadata = new MetadataCache(new World().clock);
    expect([metadata.isAlive(1), metadata.broker(1), metadata.partition('t', 0)]).toEqual([
      false,
      undefined,
      undefined,
    ]);
  });
});
