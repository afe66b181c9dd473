/** Configs that are set while the broker runs: what they come to is done, or is said. */

import { beforeEach, describe, expect, it } from 'vitest';
import { brokerConfig } from '../../../broker/config/broker-config.ts';
import { DynamicConfigs } from '../../../broker/node/dynamic-configs.ts';
import { silent } from '../../../broker/platform/diagnostics.ts';
import { passwordEncoder } from '../../../broker/security/password-encoder.ts';
import type { ClusterStore } from '../../../coordinator-client/stores/cluster-store.ts';
import { DEFAULT_ENTITY } from '../../../coordinator-client/znodes/config-znodes.ts';
import { recordingDiagnostics } from '../../support/recording-diagnostics.ts';
import { World } from '../../support/world.ts';

let world: World;
let admin: ClusterStore;
let said: string[];
let configs: DynamicConfigs;

const of = (config: Record<string, string>) => new Map(Object.entries(config));
const openStore = () => world.store();
const warnings = () => said.filter((line) => line.startsWith('warn')).map((line) => line.slice(5));

async function set(type: 'brokers' | 'topics', name: string, config: Record<string, string>): Promise<void> {
  const before = said.length;
  await admin.configs.write(type, name, of(config));
  await world.until(() =>
    said.slice(before).some((line) => line.startsWith('info') && line.includes(' are now ')),
  );
}

beforeEach(async () => {
  world = World.flowing();
  admin = await world.store();
  await admin.electController(9, 1);
  said = [];
  const config = brokerConfig(of({ 'zookeeper.connect': 'tree:2181', 'broker.id': '1' }));
  configs = new DynamicConfigs(config, {
    clock: world.clock,
    diagnostics: recordingDiagnostics((level, message) => said.push(`${level} ${message}`)),
  });
  await configs.start(await openStore());
});

describe('unclean elections', () => {
  it.each([
    ['true', ['t']],
    [' TRUE ', ['t']],
    ['false', []],
    ['yes', []],
  ])('allowed for a topic by %j are taken up', async (value, expected) => {
    const allowed: (string | null)[] = [];
    configs.listen({ topicChanged: () => {}, uncleanElectionAllowed: (topic) => allowed.push(topic) });
    await admin.configs.write('topics', 't', of({ 'unclean.leader.election.enable': value }));
    await world.until(() => said.some((line) => line.includes('topic t') || line.includes('Topic t')));
    expect(allowed).toEqual(expected);
  });
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
    await admin.configs.write('topics', 'u', of({ 'local.retention.bytes': '7' }));
    await configs.load(['u']);
    configs.topicConfig('u');
    configs.topicConfig('u');
    expect(warnings()).toEqual([
      "The configuration 'local.retention.ms', set for topic t, is known but has no effect here.",
      "The configuration 'local.retention.bytes', set for topic u, is known but has no effect here.",
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

  it('reaches everybody who follows the configuration, and nobody who has taken a copy', async () => {
    const { live } = configs;
    const before = live.now;
    const told: number[] = [];
    live.onChange((now) => told.push(now.producerIdExpirationMs));
    await set('brokers', DEFAULT_ENTITY, { 'log.cleaner.backoff.ms': '7', 'producer.id.expiration.ms': '8' });
    expect([live.now.logCleanerBackoffMs, live.now.producerIdExpirationMs]).toEqual([7, 8]);
    expect(told).toEqual([8]);
    expect([before.logCleanerBackoffMs, before.producerIdExpirationMs]).toEqual([15_000, 86_400_000]);
    expect(warnings()).toEqual([]);
  });
});

describe('passwords', () => {
  const JAAS = 'listener.name.internal.plain.sasl.jaas.config';
  const encoderOf = (secret: string) =>
    passwordEncoder(secret, brokerConfig(of({ 'zookeeper.connect': 'tree:1' })));
  const encoded = (secret: string) => encoderOf(secret)?.encode('the password') ?? '';

  async function startedWith(properties: Record<string, string>): Promise<DynamicConfigs> {
    const config = brokerConfig(of({ 'zookeeper.connect': 'tree:2181', 'broker.id': '1', ...properties }));
    const started = new DynamicConfigs(config, {
      clock: world.clock,
      diagnostics: recordingDiagnostics((level, message) => said.push(`${level} ${message}`)),
    });
    await started.start(await openStore());
    return started;
  }

  it('are decrypted when they are read', async () => {
    await admin.configs.write('brokers', '1', of({ [JAAS]: encoded('one'), 'log.segment.bytes': '99' }));
    const { live } = await startedWith({ 'password.encoder.secret': 'one' });
    expect(live.now.texts.get(JAAS)).toBe('the password');
    expect(said.join()).not.toContain('the password');
  });

  it('that nobody can decrypt are left out, and lie where they lay', async () => {
    const stored = encoded('one');
    await admin.configs.write('brokers', '1', of({ [JAAS]: stored, 'log.cleaner.backoff.ms': '7' }));
    const { live } = await startedWith({ 'password.encoder.secret': 'two' });
    expect([live.now.texts.get(JAAS), live.now.logCleanerBackoffMs]).toEqual([undefined, 7]);
    expect(said.join()).toContain(`'${JAAS}' is ignored: it can't be decoded`);
    expect((await admin.configs.read('brokers', '1')).get(JAAS)).toBe(stored);
  });

  it('are encrypted anew with the secret that follows', async () => {
    await admin.configs.write('brokers', '1', of({ [JAAS]: encoded('one'), 'log.segment.bytes': '99' }));
    const secrets = { 'password.encoder.secret': 'two', 'password.encoder.old.secret': 'one' };
    const { live } = await startedWith(secrets);
    expect(live.now.texts.get(JAAS)).toBe('the password');
    const renewed = (await admin.configs.read('brokers', '1')).get(JAAS) ?? '';
    expect(encoderOf('two')?.decode(renewed)).toBe('the password');
    await startedWith(secrets);
    expect((await admin.configs.read('brokers', '1')).get(JAAS)).toBe(renewed);
  });
});

describe('a topic’s config that somebody has spoilt in ZooKeeper', () => {
  const errors = () => said.filter((line) => line.startsWith('error')).map((line) => line.slice(6));

  it('stops the start, which names the topic and the config', async () => {
    await set('topics', 'fine', { 'retention.ms': '1' });
    await admin.configs.write('topics', 'spoilt', of({ 'retention.ms': 'abc' }));
    const config = brokerConfig(of({ 'zookeeper.connect': 'tree:2181', 'broker.id': '1' }));
    const parts = { clock: world.clock, diagnostics: silent };
    await expect(new DynamicConfigs(config, parts).start(await openStore())).rejects.toThrow(
      'Topic spoilt has an invalid config in ZooKeeper: Invalid value abc for configuration retention.ms: Not a number of type LONG',
    );
  });

  it('leaves it with what it had, and the changes of others go on', async () => {
    await set('topics', 't', { 'retention.ms': '7' });
    await admin.configs.write('topics', 't', of({ 'retention.ms': 'abc' }));
    await set('topics', 'u', { 'retention.ms': '8' });
    await set('brokers', '1', { 'log.segment.bytes': '99' });
    expect(configs.topicConfig('t').retentionMs).toBe(7);
    expect([configs.topicConfig('u').retentionMs, configs.topicConfig('u').segmentBytes]).toEqual([8, 99]);
    expect(errors()[0]).toContain('Topic t has an invalid config in ZooKeeper: Invalid value abc');
    await set('topics', 't', { 'retention.ms': '9' });
    expect(configs.topicConfig('t').retentionMs).toBe(9);
  });

  it('does not keep a new session from being taken up', async () => {
    await set('topics', 't', { 'retention.ms': '7' });
    configs.stop();
    await admin.configs.write('topics', 't', of({ 'retention.ms': 'abc' }));
    await configs.start(await openStore());
    expect(configs.topicConfig('t').retentionMs).toBe(7);
  });

  it('leaves a topic that is made with it with what is valid', async () => {
    await admin.configs.write('topics', 'new', of({ 'retention.ms': 'abc', 'segment.bytes': '99' }));
    await configs.load(['new']);
    expect(configs.topicConfig('new')).toMatchObject({ retentionMs: 604_800_000, segmentBytes: 99 });
  });
});

describe('a broker’s config that somebody has spoilt in ZooKeeper', () => {
  it('is ignored, the others count, and what it was before stays', async () => {
    await set('brokers', '1', { 'log.segment.bytes': '99', 'log.retention.ms': '5' });
    await set('brokers', '1', { 'log.segment.bytes': 'abc', 'log.retention.ms': '6', 'num.partitions': '9' });
    await set('brokers', DEFAULT_ENTITY, { 'log.index.interval.bytes': 'x', listeners: 'PLAINTEXT://:1' });
    expect(configs.live.now).toMatchObject({ logSegmentBytes: 99, logRetentionMs: 6, numPartitions: 1 });
    expect(configs.topicConfig('t')).toMatchObject({ segmentBytes: 99, retentionMs: 6 });
    expect(said.filter((line) => line.startsWith('error'))).toEqual(
      expect.arrayContaining([
        expect.stringContaining("'log.segment.bytes' is ignored: Invalid value abc"),
        expect.stringContaining("'num.partitions' is ignored: Cannot update these configs dynamically"),
        expect.stringContaining("'log.index.interval.bytes' is ignored: Invalid value x"),
        expect.stringContaining("'listeners' is ignored: Cannot update these configs at default"),
      ]),
    );
  });
});
