/**
 * Who a broker is: as it was configured, or as its directories say, or the next free id. The directories
 * are claimed for that id, so that nobody else's logs are served. Source: KafkaServer.getOrGenerateBrokerId.
 */
import type { ClusterStore } from '../../coordinator-client/stores/cluster-store.ts';
import { type BrokerConfig, brokerConfig } from '../config/broker-config.ts';
import type { LogDirectories } from '../log/log-directories.ts';

/** The configuration with the id that the broker has from here on. */
export async function identify(
  config: BrokerConfig,
  clusterId: string,
  store: ClusterStore,
  directories: Pick<LogDirectories, 'openAndReadMeta' | 'claim'>,
): Promise<BrokerConfig> {
  const meta = directories.openAndReadMeta();
  let brokerId = config.brokerId >= 0 ? config.brokerId : (meta.brokerId ?? -1);
  if (brokerId < 0) {
    if (!config.brokerIdGenerationEnable)
      throw new Error('broker.id is not set, and broker.id.generation.enable is false');
    brokerId = (await store.nextSequenceBrokerId()) + config.reservedBrokerMaxId;
  }
  directories.claim({ clusterId, brokerId });
  if (brokerId === config.brokerId) return config;
  const named = brokerConfig(
    new Map([
      ...config.raw,
      ['broker.id', String(brokerId)],
      ['node.id', String(brokerId)],
      ['reserved.broker.max.id', String(Math.max(brokerId, config.reservedBrokerMaxId))],
    ]),
  );
  return { ...named, raw: config.raw, unknownKeys: config.unknownKeys };
}
