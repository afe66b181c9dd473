/** What is set for the whole cluster, read before the parts are made that go by it, and followed from then on. */
import type { BrokerConfig } from '../config/broker-config.ts';
import { FeatureFeed } from '../metadata/feature-feed.ts';
import { ClientQuotas } from '../quotas/client-quotas.ts';
import { ScramCredentials } from '../security/sasl/scram-credentials.ts';
import { DynamicConfigs } from './dynamic-configs.ts';
import type { Ground, Parts } from './parts.ts';

/** Reads dynamic configs and finalized features. `own`: as the broker was started, its id included. */
export async function makeConfigs(
  { platform, store }: Ground,
  own: BrokerConfig,
): Promise<Pick<Parts, 'config' | 'configs' | 'quotas' | 'scram' | 'features'>> {
  const { clock, diagnostics, journal, metrics } = platform;
  const quotas = new ClientQuotas(own);
  quotas.register(metrics, () => clock.nowMs());
  const scram = new ScramCredentials(diagnostics.named('ScramCredentials'));
  const configs = new DynamicConfigs(own, {
    clock,
    diagnostics: diagnostics.named('DynamicConfigs'),
    journal,
    onOtherConfig: (entity, config) => {
      quotas.configured(entity, config);
      if (entity.type === 'users') scram.configured(entity.name, config);
    },
  });
  const features = new FeatureFeed(diagnostics.named('FinalizedFeatures'));
  await Promise.all([configs.start(store()), features.start(store())]);
  return { config: configs.live.now, configs, quotas, scram, features };
}

/**
 * From here on changes reach the parts. Pushed here and not where the feeds are made, because this ends
 * before any of the parts does, so that no change meets one that is stopping. In a start that fails earlier
 * nobody hears of changes, and the feeds end with the session that they watch in.
 */
export function followConfigs(
  { stops }: Ground,
  { configs, features, logs, controller }: Pick<Parts, 'configs' | 'features' | 'logs' | 'controller'>,
): void {
  configs.listen({
    topicChanged: (topic, changed) => logs.updateTopicConfig(topic, changed),
    uncleanElectionAllowed: (topic) => controller.uncleanElectionAllowed(topic),
  });
  stops.push({ name: 'the feed of finalized features', stop: () => features.stop() });
  stops.push({ name: 'the feed of dynamic configs', stop: () => configs.stop() });
}
