/** Configs that are set while the broker runs: what they come to is done, or is said. */
import { beforeEach, describe, expect, it } from 'vitest';
import { brokerConfig } from '../../broker/config/broker-config.ts';
import { DynamicConfigs } from '../../broker/dynamic-configs.ts';
import { systemClock } from '../../broker/platform/clock.ts';
import { ClusterStore } from '../../coordinator-client/cluster-store.ts';
import { DEFAULT_ENTITY } from '../../coordinator-client/config-znodes.ts';
import { type LocalSource, localSource } from '../../coordinator-client/local/local.ts';
import { LocalTree } from '../../coordinator-client/local/local-tree.ts';
import { eventually } from '../support/eventually.ts';
import { recordingDiagnostics } from '../support/recording-diagnostics.ts';

let source: LocalSource;
let admin: ClusterStore;
let said: string[];
let configs: DynamicConfigs;

const of = (config: Record<string, string>) => new Map(Object.entries(config));
const openStore = async (): Promise<ClusterStore> => new ClusterStore(await source.open(1000));
const warnings = () => said.filter((line) => line.startsWith('warn')).map((line) => line.slice(5));

async function set(type: 'brokers' | 'topics', name: string, config: Record<string, string>): Promise<void> {
  const before = said.length;
  await admin.configs.write(type, name, of(config));
  await eventually('the change is taken over', () =>
    said.slice(before).some((line) => line.startsWith('info') && line.includes(' are now ')),
  );
}

beforeEach(async () => {
  source = localSource({ tree: new LocalTree(), clock: systemClock, reconnectMs: 1 });
  admin = await openStore();
  await admin.ensureTopLevelPaths();
  await admin.electController(9, 1);
  said = [];
  const config = brokerConfig(of({ 'zookeeper.connect': 'tree:2181', 'broker.id': '1' }));
  const live = { ...config };
  configs = new DynamicConfigs(config, live, {
    clock: systemClock,
    diagnostics: recordingDiagnostics((level, message) => said.push(`${level} ${message}`)),
  });
  await configs.start(await openStore());
});

describe('a config that is set while the broker runs', () => {
  it('and has no effect here is named once for each level it is set at', async () => {
    await set('brokers', DEFAULT_ENTITY, { 'num.io.threads': '16', 'log.segment.bytes': '99' });
    await set('brokers', '1', { 'num.io.threads': '12' });
    await set('brokers', '1', { 'num.io.threads': '10' });
    expect(warnings()).toEqual([
      "The configuration 'num.io.threads', set for all brokers, is known but has no effect here.",
      "The configuration 'num.io.threads', set for this broker, is known but has no effect here.",
    ]);
  });

  it('for a topic as well, whether the topic has it from its creation or gets it', async () => {
    await set('topics', 't', {
      'local.retention.ms': '5',
      'retention.ms': '9',
      'remote.storage.enable': 'false',
    });
    await admin.configs.write('topics', 'u', of({ 'leader.replication.throttled.replicas': '*' }));
    await configs.load(['u']);
    configs.topicConfig('u');
    configs.topicConfig('u');
    expect(warnings()).toEqual([
      "The configuration 'local.retention.ms', set for topic t, is known but has no effect here.",
      "The configuration 'leader.replication.throttled.replicas', set for topic u, is known but has no effect here.",
    ]);
  });

  it('and has it from the next start on says so, as does one that nobody knows', async () => {
    await set('brokers', '1', {
      listeners: 'PLAINTEXT://h:9093',
      'my.key': '1',
      'listener.name.plaintext.max.connections': '7',
    });
    expect(warnings()).toEqual([
      "The configuration 'my.key', set for this broker, isn't a known config.",
      "The configuration 'listener.name.plaintext.max.connections', set for this broker, is known but has no effect here.",
      "The configuration 'listeners', set for this broker, takes effect when the broker is started again.",
    ]);
  });

  it('reaches everybody who holds the configuration', async () => {
    const live = configs.config;
    await set('brokers', DEFAULT_ENTITY, { 'log.cleaner.backoff.ms': '7', 'producer.id.expiration.ms': '8' });
    expect([live.logCleanerBackoffMs, live.producerIdExpirationMs]).toEqual([7, 8]);
    expect(warnings()).toEqual([]);
  });
});
