/** The configs of a broker are those of Apache Kafka 3.9.1, and our own. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { BROKER_CONFIGS, brokerConfig } from '../../../broker/config/broker-config.ts';
import { effectiveBrokerConfig } from '../../../broker/config/effective.ts';

/** name, type, default, who may change it. */
const KAFKA = readFileSync(join(import.meta.dirname, 'kafka-3.9.1-broker-configs.tsv'), 'utf8')
  .split('\n')
  .filter((line) => line !== '' && !line.startsWith('#'))
  .map((line) => line.split('\t'));

const OWN = [
  'authorizer.cache.max.resources',
  'authorizer.log.max.lines.per.second',
  'client.quota.max.sensors',
  'compressed.batch.max.decompressed.bytes',
  'compressed.batch.max.records',
  'delegation.token.max.tokens',
  'fetch.max.converted.bytes',
  'group.max.protocols',
  'queued.produce.max.bytes',
  'worker.threads',
  'worker.idle.ms',
  'journal.dir',
  'journal.max.bytes',
  'journal.max.events',
  'journal.max.readers',
  'fault.api.enable',
  'fault.api.loopback.only',
  'fault.api.max.faults',
  'fault.api.max.ms',
  'max.incremental.fetch.session.cache.partitions',
  'peer.advertised.listener',
  'peer.compression.type',
  'peer.listener',
  'peer.max.handshakes',
  'peer.max.handshakes.per.ip',
  'peer.max.message.bytes',
  'peer.shared.secret',
  'peer.http.pages',
  'zookeeper.digest.credentials',
  'zookeeper.sasl.jaas.config',
  'peer.stream.credit.bytes',
  'queued.max.response.bytes',
  'request.max.arrival.pause.ms',
  'request.max.decompressed.bytes',
  'request.max.decompressed.records',
  'request.max.new.partitions',
  'socket.request.max.elements',
  'tls.handshake.timeout.ms',
  'tls.max.handshakes',
  'transaction.completion.wait.ms',
  'transaction.max.ids',
];

const given = (properties: Record<string, string>) =>
  brokerConfig(new Map(Object.entries({ 'zookeeper.connect': 'localhost:2181', ...properties })));

function shown(properties: Record<string, string> = {}, dynamicDefaults: Record<string, string> = {}) {
  const entries = effectiveBrokerConfig(
    given(properties),
    new Map(Object.entries(dynamicDefaults)),
    new Map(),
  );
  return entries.map(({ name }) => name).sort();
}

describe('the configs of a broker', () => {
  it('are shown under the names that Kafka shows, and our own', () => {
    expect(shown()).toEqual([...KAFKA.map(([name]) => name), ...OWN].sort());
  });

  it.each(KAFKA)('%s has the type %s, the default %s, and is %s', (name = '', type, text, update) => {
    const own = BROKER_CONFIGS[name];
    expect([own?.type, own?.default ?? 'null', own?.update]).toEqual([type, text, update]);
    expect(own?.documentation).not.toBe('');
  });

  it('that Kafka keeps to itself are shown when they are set', () => {
    expect(shown({ 'log.initial.task.delay.ms': '1' })).toContain('log.initial.task.delay.ms');
    const throttle = 'leader.replication.throttled.rate';
    expect(shown({}, { [throttle]: '1' })).toContain(throttle);
  });
});

describe('node.id', () => {
  it('is another name of broker.id', () => {
    expect(given({ 'node.id': '7' }).brokerId).toBe(7);
    expect(given({ 'broker.id': '7' }).nodeId).toBe(7);
    expect(() => given({ 'broker.id': '7', 'node.id': '8' })).toThrow('same value as `broker.id`');
  });
});

describe('what a broker with ZooKeeper and local disks cannot be', () => {
  it.each([
    ['process.roles', 'broker'],
    ['controller.listener.names', 'CONTROLLER'],
    ['remote.log.storage.system.enable', 'true'],
    ['zookeeper.metadata.migration.enable', 'true'],
  ])('stops it: %s=%s', (name, value) => {
    expect(() => given({ [name]: value })).toThrow(name);
  });
});
