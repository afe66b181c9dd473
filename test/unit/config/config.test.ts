/** Configs: reading, judging and deriving them, in the words that Kafka's tools know. */
import { describe, expect, it } from 'vitest';
import {
  BROKER_CONFIGS,
  type BrokerConfig,
  brokerConfig,
  brokerProperty,
  reconfigured,
} from '../../../broker/config/broker-config.ts';
import { validateBrokerOverrides } from '../../../broker/config/broker-overrides.ts';
import { parseProperties } from '../../../broker/config/java-properties.ts';
import { ConfigError } from '../../../broker/config/property.ts';
import { validateTopicOverrides } from '../../../broker/config/topic-config.ts';

const ZOOKEEPER = ['zookeeper.connect', 'localhost:2181'] as const;

function config(properties: Record<string, string> = {}): BrokerConfig {
  return brokerConfig(new Map([ZOOKEEPER, ...Object.entries(properties)]));
}

function complaint(properties: Record<string, string>): string {
  try {
    config(properties);
  } catch (error) {
    if (error instanceof ConfigError) return error.message;
    throw error;
  }
  return 'no complaint';
}

function topicComplaint(overrides: Record<string, string>): string | undefined {
  return validateTopicOverrides(new Map(Object.entries(overrides)))?.message;
}

describe('a properties file', () => {
  it('is read as Java reads it', () => {
    const text = [
      '# comment',
      '! another',
      '',
      'a=1',
      '  b : two words  ',
      'c three',
      'list=x,\\',
      '     y,\\',
      '     z',
      'path=C:\\\\logs\\ttab',
      'sp\\ ace\\=key=v',
      'uni=\\u00e9',
      'empty=',
      'bare',
      'a=2',
      'ends=with\\\\',
    ].join('\n');
    expect([...parseProperties(text)]).toEqual([
      ['a', '2'],
      ['b', 'two words  '],
      ['c', 'three'],
      ['list', 'x,y,z'],
      ['path', 'C:\\logs\ttab'],
      ['sp ace=key', 'v'],
      ['uni', 'é'],
      ['empty', ''],
      ['bare', ''],
      ['ends', 'with\\'],
    ]);
    expect(parseProperties('a=1\r\nb=2\rc=3').size).toBe(3);
  });
});

describe('a broker’s configuration', () => {
  it('has Kafka’s defaults', () => {
    expect(config()).toMatchObject({
      brokerId: -1,
      numPartitions: 1,
      defaultReplicationFactor: 1,
      autoCreateTopicsEnable: true,
      replicaLagTimeMaxMs: 30_000,
      zookeeperSessionTimeoutMs: 18_000,
      zookeeperConnectionTimeoutMs: 18_000,
      logDirs: ['/tmp/kafka-logs'],
      logRetentionMs: 604_800_000,
      logRollMs: 604_800_000,
      logFlushIntervalMs: Number.MAX_SAFE_INTEGER,
      logCleanerIoMaxBytesPerSecond: Number.MAX_VALUE,
      brokerRack: null,
      interBrokerListenerName: 'PLAINTEXT',
      listeners: [{ name: 'PLAINTEXT', host: '', port: 9092, securityProtocol: 'PLAINTEXT' }],
      peerListener: { host: '', port: 0 },
      peerAdvertisedListener: null,
      peerStreamCreditBytes: 8_388_608,
      unknownKeys: [],
    });
  });

  it('every default is a legal value, and every config says what it is', () => {
    expect(Object.keys(BROKER_CONFIGS).length).toBeGreaterThan(250);
    expect(() => config()).not.toThrow();
    for (const [name, { documentation }] of Object.entries(BROKER_CONFIGS)) {
      expect(documentation, name).toMatch(/^[A-Z].*\.$/);
    }
  });

  it('prefers the finer unit: milliseconds, then minutes, then hours', () => {
    expect(config({ 'log.retention.hours': '1' }).logRetentionMs).toBe(3_600_000);
    expect(config({ 'log.retention.hours': '1', 'log.retention.minutes': '2' }).logRetentionMs).toBe(120_000);
    expect(config({ 'log.retention.minutes': '2', 'log.retention.ms': '7' }).logRetentionMs).toBe(7);
    expect(config({ 'log.retention.hours': '-1' }).logRetentionMs).toBe(-1);
    expect(config({ 'log.roll.hours': '2', 'log.roll.jitter.hours': '1' })).toMatchObject({
      logRollMs: 7_200_000,
      logRollJitterMs: 3_600_000,
    });
  });

  it('names the config and what is allowed when a value is wrong', () => {
    expect(complaint({ 'num.partitions': '0' })).toBe(
      'Invalid value 0 for configuration num.partitions: Value must be at least 1',
    );
    expect(complaint({ 'num.partitions': 'many' })).toBe(
      'Invalid value many for configuration num.partitions: Not a number of type INT',
    );
    expect(complaint({ 'num.partitions': '2147483648' })).toContain('Not a number of type INT');
    expect(complaint({ 'delete.topic.enable': 'yes' })).toBe(
      'Invalid value yes for configuration delete.topic.enable: Expected value to be either true or false',
    );
    expect(complaint({ 'compression.type': 'zip' })).toBe(
      'Invalid value zip for configuration compression.type: String must be one of: uncompressed, zstd, lz4, snappy, gzip, producer',
    );
    expect(complaint({ 'log.cleaner.min.cleanable.ratio': '1.5' })).toContain('Value must be no more than 1');
    expect(complaint({ 'compression.gzip.level': '0' })).toContain('between 1 and 9 or equal to -1');
    expect(complaint({ 'inter.broker.protocol.version': '3.99' })).toContain('is not a valid version');
    expect(config({ 'inter.broker.protocol.version': '2.8-IV1' }).interBrokerProtocolVersion).toBe('2.8-IV1');
  });

  it('needs ZooKeeper', () => {
    expect(() => brokerConfig(new Map())).toThrow(/zookeeper\.connect/);
  });

  it('lists keys that nobody knows, and knows keys with a listener prefix', () => {
    const { unknownKeys, raw } = config({
      'my.key': '1',
      'listener.name.internal.ssl.keystore.type': 'PEM',
      'listener.name.a.scram-sha-256.sasl.jaas.config': 'x',
    });
    expect(unknownKeys).toEqual(['my.key']);
    expect(raw.get('my.key')).toBe('1');
    expect(brokerProperty('listener.name.a.max.connections')?.type).toBe('INT');
  });

  it('trims values and splits lists', () => {
    const { logDirs, numIoThreads } = config({ 'log.dirs': ' /a , /b', 'num.io.threads': ' 4 ' });
    expect(logDirs).toEqual(['/a', '/b']);
    expect(numIoThreads).toBe(4);
  });

  it('takes numbers as Java writes them', () => {
    const ratio = (text: string) =>
      config({ 'log.cleaner.min.cleanable.ratio': text }).logCleanerMinCleanableRatio;
    expect([ratio('.5'), ratio('1.'), ratio('5e-1'), ratio('0.5f'), ratio('1D')]).toEqual([
      0.5, 1, 0.5, 0.5, 1,
    ]);
    const unlimited = config({ 'log.cleaner.io.max.bytes.per.second': 'Infinity' });
    expect(unlimited.logCleanerIoMaxBytesPerSecond).toBe(Number.POSITIVE_INFINITY);
  });

  it('lets brokers send each other the largest batch that can come in, whatever a topic allows', () => {
    const peerBytes = (properties: Record<string, string>) => config(properties).peerMaxMessageBytes;
    const decompressed = 134_217_728;
    expect(peerBytes({})).toBe(decompressed + 65_536);
    // What no request can bring needs no room.
    expect(peerBytes({ 'message.max.bytes': '2147483647' })).toBe(decompressed + 65_536);
    expect(peerBytes({ 'socket.request.max.bytes': '500000000' })).toBe(500_065_536);
    expect(peerBytes({ 'peer.max.message.bytes': '2000000', 'message.max.bytes': '1000000' })).toBe(
      2_000_000,
    );
    const raised = reconfigured(config(), new Map([['message.max.bytes', '2000000000']]), new Map());
    expect(raised.peerMaxMessageBytes).toBe(decompressed + 65_536);
  });

  it('holds configs against each other', () => {
    const rules: [Record<string, string>, string][] = [
      [{ 'replica.fetch.wait.max.ms': '40000' }, 'replica.socket.timeout.ms should always be at least'],
      [
        { 'replica.fetch.wait.max.ms': '40000', 'replica.socket.timeout.ms': '50000' },
        'replica.fetch.wait.max.ms should always be less than or equal to replica.lag.time.max.ms',
      ],
      [
        { 'offsets.commit.required.acks': '4' },
        'offsets.commit.required.acks must be greater or equal to -1',
      ],
      [{ 'broker.id': '1001' }, 'and not greater than reserved.broker.max.id'],
      [{ 'broker.id': '-2' }, 'broker.id must be greater than or equal to -1'],
      [{ 'broker.id.generation.enable': 'false' }, 'broker.id must be greater than or equal to 0'],
      [{ 'group.coordinator.rebalance.protocols': 'consumer' }, "Disabling the 'classic' protocol"],
      [
        { 'log.cleaner.threads': '0', 'log.cleaner.enable': 'false' },
        'log.cleaner.threads must be at least 1',
      ],
      [{ 'queued.max.request.bytes': '5' }, 'queued.max.request.bytes must be larger or equal'],
      [{ 'log.retention.ms': '0' }, 'log.retention.ms must be unlimited'],
      [{ 'max.connections.per.ip': '0' }, 'max.connections.per.ip can be set to zero only if'],
      [{ 'log.cleaner.dedupe.buffer.size': '100' }, 'log.cleaner.dedupe.buffer.size must be at least 1MB'],
      [
        { 'message.max.bytes': '1000000', 'peer.max.message.bytes': '1000000' },
        'peer.max.message.bytes must be at least 65536 more than message.max.bytes',
      ],
      [{ 'control.plane.listener.name': 'X' }, 'control.plane.listener.name must be a listener name defined'],
      [{ 'control.plane.listener.name': 'PLAINTEXT' }, 'should have a different value from the inter broker'],
      [{ 'offsets.topic.compression.codec': '5' }, 'Unknown compression type id: 5'],
      // Of these, unlike those of the migration of groups, the case counts.
      [{ 'ssl.client.auth': 'REQUIRED' }, 'String must be one of: required, requested, none'],
    ];
    for (const [properties, message] of rules) expect(complaint(properties)).toContain(message);
    expect(config({ 'broker.id': '1001', 'broker.id.generation.enable': 'false' }).brokerId).toBe(1001);
  });
});

describe('listeners', () => {
  const map = 'INTERNAL:PLAINTEXT,EXTERNAL:PLAINTEXT,SECURE:SSL';

  it('take their security protocol from the map', () => {
    const { listeners, advertisedListeners, interBrokerListenerName } = config({
      listeners: 'INTERNAL://10.0.0.1:9092, external://[::1]:9093',
      'advertised.listeners': 'EXTERNAL://kafka.example.com:19093,INTERNAL://10.0.0.1:9092',
      'listener.security.protocol.map': map,
      'inter.broker.listener.name': 'INTERNAL',
    });
    expect(listeners).toEqual([
      { name: 'INTERNAL', host: '10.0.0.1', port: 9092, securityProtocol: 'PLAINTEXT' },
      { name: 'EXTERNAL', host: '::1', port: 9093, securityProtocol: 'PLAINTEXT' },
    ]);
    expect(advertisedListeners[0]).toMatchObject({ host: 'kafka.example.com', port: 19093 });
    expect(interBrokerListenerName).toBe('INTERNAL');
  });

  it('without an inter-broker listener the first of the inter-broker protocol is it', () => {
    const properties = { listeners: 'INTERNAL://h:9092', 'listener.security.protocol.map': map };
    expect(config(properties).interBrokerListenerName).toBe('INTERNAL');
  });

  it('are refused when they can’t work', () => {
    const rules: [Record<string, string>, string][] = [
      [{ listeners: 'PLAINTEXT//:9092' }, 'Unable to parse PLAINTEXT//:9092 to a broker endpoint'],
      [{ listeners: 'PLAINTEXT://h:70000' }, 'Unable to parse'],
      [{ listeners: '' }, 'at least one listener'],
      [{ listeners: 'OTHER://h:9092' }, 'No security protocol defined for listener OTHER'],
      [{ listeners: 'PLAINTEXT://h:1,PLAINTEXT://h:2' }, 'Each listener must have a different name'],
      [
        { listeners: 'INTERNAL://h:1,EXTERNAL://h:1', 'listener.security.protocol.map': map },
        'Each listener must have a different port',
      ],
      [
        { 'advertised.listeners': 'SSL://h:9093' },
        'must be equal to or a subset of the ones defined in listeners',
      ],
      [{ listeners: 'PLAINTEXT://0.0.0.0:9092' }, 'cannot use the nonroutable meta-address 0.0.0.0'],
      [
        { 'inter.broker.listener.name': 'OTHER' },
        'inter.broker.listener.name must be a listener name defined',
      ],
      [
        { 'inter.broker.listener.name': 'PLAINTEXT', 'security.inter.broker.protocol': 'PLAINTEXT' },
        'Only one of inter.broker.listener.name and security.inter.broker.protocol should be set.',
      ],
      [{ 'listener.security.protocol.map': 'PLAINTEXT' }, 'is not of the form NAME:PROTOCOL'],
      [{ 'listener.security.protocol.map': 'PLAINTEXT:FOO' }, 'No enum constant'],
      [{ 'peer.listener': 'OTHER://:1' }, 'the listener must be named PEER'],
    ];
    for (const [properties, message] of rules) expect(complaint(properties)).toContain(message);
  });

  it('one port may serve an IPv4 and an IPv6 address', () => {
    const properties = {
      listeners: 'INTERNAL://127.0.0.1:1,EXTERNAL://[::1]:1',
      'listener.security.protocol.map': map,
    };
    expect(complaint(properties)).toBe('no complaint');
  });
});

describe('configs at run time', () => {
  /** As Kafka wraps what its reconfigurable parts complain of. */
  const wrapped = (complaint: string) =>
    `Invalid value org.apache.kafka.common.config.ConfigException: ${complaint} for configuration Invalid dynamic configuration`;

  it('may be changed where Kafka lets them be', () => {
    const overrides = (name: string, value: string) => new Map([[name, value]]);
    const judge = (name: string, value: string, scope: 'broker' | 'default') =>
      validateBrokerOverrides(config(), overrides(name, value), scope)?.message ?? null;
    expect(judge('log.retention.ms', '5', 'default')).toBeNull();
    expect(judge('num.partitions', '5', 'broker')).toBe(
      'Cannot update these configs dynamically: Set(num.partitions)',
    );
    expect(judge('listener.name.x.ssl.keystore.location', 'x', 'broker')).toBeNull();
    expect(judge('ssl.keystore.location', 'x', 'broker')).toBe(
      'These security configs can be dynamically updated only per-listener using the listener prefix: HashSet(ssl.keystore.location)',
    );
    expect(judge('listeners', 'PLAINTEXT://:1', 'default')).toContain(
      'Cannot update these configs at default cluster level',
    );
    expect(judge('log.retention.ms', '0', 'broker')).toBe(
      'requirement failed: log.retention.ms must be unlimited (-1) or, greater than or equal to 1',
    );
    expect(judge('log.local.retention.ms', '604800001', 'broker')).toBe(
      'Invalid value org.apache.kafka.common.config.ConfigException: Invalid value 604800001 for configuration log.local.retention.ms: Value must not be more than log.retention.ms property value: 604800000 for configuration Invalid dynamic configuration',
    );
    expect(judge('log.segment.bytes', '1', 'broker')).toContain('Value must be at least 14');
    expect(judge('follower.replication.throttled.rate', '1000', 'broker')).toBeNull();
  });

  it('change numbers of threads to half or double of what is in use, and no further', () => {
    const inUse = reconfigured(config(), new Map([['num.io.threads', '16']]), new Map());
    const stored = { defaults: new Map([['num.io.threads', '16']]), broker: new Map<string, string>() };
    const judge = (scope: 'broker' | 'default', overrides: Record<string, string>) =>
      validateBrokerOverrides(inUse, new Map(Object.entries(overrides)), scope, stored)?.message ?? null;
    expect(judge('broker', { 'num.io.threads': '32' })).toBeNull();
    expect(judge('default', { 'num.io.threads': '8' })).toBeNull();
    expect(judge('broker', { 'num.io.threads': '33' })).toBe(
      wrapped(
        'Dynamic thread count update validation failed for num.io.threads=33, value should not be greater than double the current value 16',
      ),
    );
    expect(judge('default', { 'num.io.threads': '7' })).toBe(
      wrapped(
        'Dynamic thread count update validation failed for num.io.threads=7, value should be at least half the current value 16',
      ),
    );
    // Of an odd number the half is rounded down.
    expect(judge('broker', { 'num.network.threads': '1' })).toBeNull();
    expect(judge('broker', { 'num.network.threads': '7' })).toContain('num.network.threads=7');
    expect(judge('broker', { 'log.cleaner.threads': '3' })).toBe(
      wrapped('Log cleaner threads cannot be increased to more than double the current value 1'),
    );
    // What is taken away counts as well.
    const grown = reconfigured(config(), new Map([['num.io.threads', '32']]), new Map());
    expect(validateBrokerOverrides(grown, new Map(), 'default', stored)?.message).toContain(
      'num.io.threads=8',
    );
    // Another config of the broker leaves the threads at what they are for all brokers.
    const more = { ...stored, defaults: new Map([['num.io.threads', '32']]) };
    expect(validateBrokerOverrides(grown, new Map([['log.segment.bytes', '99']]), 'broker', more)).toBeNull();
  });

  it('lie over the properties file: all brokers’ first, then this broker’s', () => {
    const changed = reconfigured(
      config({ 'log.segment.bytes': '100' }),
      new Map([
        ['log.segment.bytes', '200'],
        ['min.insync.replicas', '2'],
      ]),
      new Map([['log.segment.bytes', '300']]),
    );
    expect(changed).toMatchObject({ logSegmentBytes: 300, minInsyncReplicas: 2 });
    expect(changed.raw.get('log.segment.bytes')).toBe('100');
  });
});

describe('a topic’s overrides', () => {
  it('are judged by name, value and consistency', () => {
    expect(topicComplaint({ 'retention.ms': '-1', 'cleanup.policy': 'compact, delete' })).toBeUndefined();
    expect(topicComplaint({ nonsense: '1' })).toBe('Unknown topic config name: nonsense');
    expect(topicComplaint({ 'cleanup.policy': 'shred' })).toBe(
      'Invalid value shred for configuration cleanup.policy: String must be one of: compact, delete',
    );
    expect(topicComplaint({ 'segment.bytes': '13' })).toContain('Value must be at least 14');
    expect(topicComplaint({ 'min.compaction.lag.ms': '9', 'max.compaction.lag.ms': '8' })).toBe(
      'conflict topic config setting min.compaction.lag.ms (9) > max.compaction.lag.ms (8)',
    );
    expect(topicComplaint({ 'remote.storage.enable': 'true' })).toContain('Tiered Storage');
    expect(topicComplaint({ 'remote.log.copy.disable': 'true' })).toContain("under Zookeeper's mode");
    expect(topicComplaint({ 'leader.replication.throttled.replicas': '0:1,1:2' })).toBeUndefined();
    expect(topicComplaint({ 'leader.replication.throttled.replicas': '*' })).toBeUndefined();
    expect(topicComplaint({ 'leader.replication.throttled.replicas': '*,0:1' })).toContain("literal '*'");
  });
});
