/** DescribeConfigs, AlterConfigs, IncrementalAlterConfigs: values with their sources, changes whole or not at all. */

import { describe, expect, it } from 'vitest';
import { ErrorCode } from '../../../broker/errors.ts';
import { describeConfigs } from '../../../broker/handlers/32-describe-configs.ts';
import { alterConfigs } from '../../../broker/handlers/33-alter-configs.ts';
import { incrementalAlterConfigs } from '../../../broker/handlers/44-incremental-alter-configs.ts';
import { lineDiagnostics } from '../../../broker/platform/diagnostics.ts';
import { World } from '../../support/world.ts';
import { ask } from './ask.ts';

const TOPIC = 2;
const BROKER = 4;
const [SET, DELETE, APPEND, SUBTRACT] = [0, 1, 2, 3] as const;

type Stored = Record<string, Record<string, string>>;

/** Stored overrides by `type/name`; `stored` shows what was written. */
function storeOf(initial: Stored = {}) {
  const stored = new Map(
    Object.entries(initial).map(([key, value]) => [key, new Map(Object.entries(value))]),
  );
  const read = (type: string, name: string) => stored.get(`${type}/${name}`) ?? new Map<string, string>();
  const configs = {
    read: async (type: string, name: string) => read(type, name),
    readMany: async (type: string, names: string[]) => names.map((name) => read(type, name)),
    update: async (type: string, name: string, change: (old: Map<string, string>) => Map<string, string>) => {
      stored.set(`${type}/${name}`, change(read(type, name)));
    },
  };
  return { store: () => ({ configs }), stored: (key: string) => Object.fromEntries(stored.get(key) ?? []) };
}

function topic(...configs: object[]) {
  return { resources: [{ resourceType: TOPIC, resourceName: 't1', configs }] };
}

describe('DescribeConfigs', () => {
  const all = (resourceType: number, resourceName: string, configurationKeys: string[] | null = null) => ({
    resources: [{ resourceType, resourceName, configurationKeys }],
  });

  it.each([0, 1, 2, 3, 4])('v%i: all configs of a topic with their sources', async (version) => {
    const stored = storeOf({
      'topics/t1': { 'retention.ms': '5' },
      'brokers/<default>': { 'min.insync.replicas': '2' },
    });
    const { response } = await ask(describeConfigs, version, all(TOPIC, 't1'), stored);
    const configs = new Map(response.results[0]?.configs.map((config) => [config.name, config]));
    expect(configs.size).toBeGreaterThan(30);
    expect(configs.get('retention.ms')).toMatchObject({ value: '5', readOnly: false, isDefault: false });
    expect(configs.get('min.insync.replicas')?.value).toBe('2');
    if (version === 0) {
      expect(configs.get('cleanup.policy')?.isDefault).toBe(true);
      return;
    }
    const source = (name: string): number | undefined => configs.get(name)?.configSource;
    expect([source('retention.ms'), source('min.insync.replicas'), source('cleanup.policy')]).toEqual([
      1, 3, 5,
    ]);
    if (version >= 3) expect(configs.get('retention.ms')?.configType).toBe(5);
  });

  it('synonyms and documentation only when asked for', async () => {
    const stored = storeOf({ 'topics/t1': { 'retention.ms': '5' } });
    const request = all(TOPIC, 't1', ['retention.ms']);
    const bare = await ask(describeConfigs, 4, request, stored);
    expect(bare.response.results[0]?.configs).toMatchObject([{ synonyms: [], documentation: null }]);
    const full = await ask(
      describeConfigs,
      4,
      { ...request, includeSynonyms: true, includeDocumentation: true },
      stored,
    );
    const [config] = full.response.results[0]?.configs ?? [];
    expect(config?.synonyms[0]).toEqual({ name: 'retention.ms', value: '5', source: 1 });
    expect(config?.documentation).not.toBe('');
  });

  it.each([
    [TOPIC, 'unknown', ErrorCode.UNKNOWN_TOPIC_OR_PARTITION],
    [TOPIC, 'a b', ErrorCode.INVALID_TOPIC_EXCEPTION],
    [BROKER, '2', ErrorCode.INVALID_REQUEST],
    [BROKER, 'x', ErrorCode.INVALID_REQUEST],
    [16, 'x', ErrorCode.INVALID_REQUEST],
  ])('type %i, name %o is refused', async (type, name, errorCode) => {
    const { response } = await ask(describeConfigs, 4, all(type, name), storeOf());
    expect(response.results).toMatchObject([{ errorCode, configs: [] }]);
  });

  it('of this broker: everything; with an empty name: what was set for all', async () => {
    const stored = storeOf({ 'brokers/<default>': { 'message.max.bytes': '99' } });
    const own = await ask(describeConfigs, 4, all(BROKER, '1'), stored);
    expect(own.response.results[0]?.configs.length).toBeGreaterThan(150);
    const defaults = await ask(describeConfigs, 4, all(BROKER, ''), stored);
    expect(defaults.response.results[0]?.configs).toMatchObject([
      { name: 'message.max.bytes', value: '99', configSource: 3 },
    ]);
  });
});

describe('IncrementalAlterConfigs', () => {
  it('sets, deletes, appends and subtracts, and leaves the rest alone', async () => {
    const stored = storeOf({
      'topics/t1': {
        'retention.ms': '5',
        'segment.ms': '7',
        'follower.replication.throttled.replicas': '0:1,1:1',
      },
    });
    const request = topic(
      { name: 'flush.ms', configOperation: SET, value: '9' },
      { name: 'retention.ms', configOperation: DELETE, value: null },
      { name: 'cleanup.policy', configOperation: APPEND, value: 'compact,delete' },
      { name: 'follower.replication.throttled.replicas', configOperation: SUBTRACT, value: '0:1' },
    );
    const { response } = await ask(incrementalAlterConfigs, 1, request, stored);
    expect(response.responses).toMatchObject([{ errorCode: 0, resourceType: TOPIC, resourceName: 't1' }]);
    expect(stored.stored('topics/t1')).toEqual({
      'segment.ms': '7',
      'flush.ms': '9',
      'cleanup.policy': 'delete,compact',
      'follower.replication.throttled.replicas': '1:1',
    });
  });

  it.each([
    ['a bad value', { name: 'flush.ms', configOperation: SET, value: 'x' }, ErrorCode.INVALID_CONFIG],
    ['an unknown name', { name: 'nonsense', configOperation: SET, value: 'x' }, ErrorCode.INVALID_CONFIG],
    [
      'an append to what is no list',
      { name: 'flush.ms', configOperation: APPEND, value: '1' },
      ErrorCode.INVALID_CONFIG,
    ],
    ['a null to set', { name: 'flush.ms', configOperation: SET, value: null }, ErrorCode.INVALID_REQUEST],
    ['an unknown operation', { name: 'flush.ms', configOperation: 9, value: '1' }, ErrorCode.INVALID_REQUEST],
    ['a name twice', { name: 'segment.ms', configOperation: SET, value: '6' }, ErrorCode.INVALID_REQUEST],
  ])('%s is refused, and nothing of the resource changes', async (_name, config, errorCode) => {
    const stored = storeOf();
    const good = { name: 'segment.ms', configOperation: SET, value: '5' };
    const { response } = await ask(incrementalAlterConfigs, 1, topic(good, config), stored);
    expect(response.responses).toMatchObject([{ errorCode }]);
    expect(stored.stored('topics/t1')).toEqual({});
  });

  it('a config named twice, and a resource named twice, are refused', async () => {
    const stored = storeOf();
    const set = { name: 'flush.ms', configOperation: SET, value: '1' };
    const twice = await ask(incrementalAlterConfigs, 1, topic(set, set), stored);
    expect(twice.response.responses).toMatchObject([{ errorCode: ErrorCode.INVALID_REQUEST }]);
    const resources = [...topic(set).resources, ...topic(set).resources];
    const both = await ask(incrementalAlterConfigs, 1, { resources }, stored);
    expect(both.response.responses.map(({ errorCode }) => errorCode)).toEqual([42, 42]);
    expect(stored.stored('topics/t1')).toEqual({});
  });

  it('validateOnly judges and writes nothing', async () => {
    const stored = storeOf();
    const request = { ...topic({ name: 'flush.ms', configOperation: SET, value: '1' }), validateOnly: true };
    const { response } = await ask(incrementalAlterConfigs, 1, request, stored);
    expect(response.responses).toMatchObject([{ errorCode: 0 }]);
    expect(stored.stored('topics/t1')).toEqual({});
  });

  const brokerSet = (resourceName: string, name: string, value: string) => ({
    resources: [{ resourceType: BROKER, resourceName, configs: [{ name, configOperation: SET, value }] }],
  });

  it('brokers: what their listeners could not be is refused with its reason, and nothing is written', async () => {
    const seen: unknown[] = [];
    const given = {
      ...storeOf(),
      listenerSecurity: {
        problemOf: async (texts: ReadonlyMap<string, string>) => {
          seen.push(texts.get('listener.name.ssl.ssl.keystore.location'));
          return 'the certificate has expired';
        },
      },
    };
    const request = brokerSet('1', 'listener.name.ssl.ssl.keystore.location', '/new.pem');
    for (const validateOnly of [true, false]) {
      const { response } = await ask(incrementalAlterConfigs, 1, { ...request, validateOnly }, given);
      expect(response.responses).toMatchObject([
        { errorCode: ErrorCode.INVALID_REQUEST, errorMessage: 'the certificate has expired' },
      ]);
    }
    expect(seen).toEqual(['/new.pem', '/new.pem']);
    expect(given.stored('brokers/1')).toEqual({});
    const { response } = await ask(
      incrementalAlterConfigs,
      1,
      brokerSet('1', 'message.max.bytes', '7'),
      given,
    );
    expect(response.responses).toMatchObject([{ errorCode: 0 }]);
  });

  it('brokers: for this one or for all; what is read-only stays', async () => {
    const stored = storeOf();
    await ask(incrementalAlterConfigs, 1, brokerSet('1', 'message.max.bytes', '77'), stored);
    await ask(incrementalAlterConfigs, 1, brokerSet('', 'message.max.bytes', '88'), stored);
    expect(stored.stored('brokers/1')).toEqual({ 'message.max.bytes': '77' });
    expect(stored.stored('brokers/<default>')).toEqual({ 'message.max.bytes': '88' });
    const readOnly = await ask(incrementalAlterConfigs, 1, brokerSet('1', 'log.dirs', '/x'), stored);
    expect(readOnly.response.responses).toMatchObject([{ errorCode: ErrorCode.INVALID_REQUEST }]);
    const other = await ask(incrementalAlterConfigs, 1, brokerSet('2', 'message.max.bytes', '1'), stored);
    expect(other.response.responses).toMatchObject([{ errorCode: ErrorCode.INVALID_REQUEST }]);
  });
});

describe('what tools print of a refusal is what Kafka says:', () => {
  const LOGGER = 8;
  const CLIENT_METRICS = 16;
  const alter = (
    resourceType: number,
    resourceName: string,
    ...operations: [string, number, string | null][]
  ) => {
    const configs = operations.map(([name, configOperation, value]) => ({ name, configOperation, value }));
    return { resources: [{ resourceType, resourceName, configs }] };
  };

  it.each([
    [alter(TOPIC, 't1', ['flush.ms', SET, null]), 42, 'Null value not supported for : flush.ms'],
    [
      alter(TOPIC, 't1', ['flush.ms', SET, '1'], ['flush.ms', SET, '1']),
      42,
      'Error due to duplicate config keys',
    ],
    [
      alter(TOPIC, 't1', ['cleanup.policy', SET, 'compact,shred']),
      40,
      "Invalid config value for resource ConfigResource(type=TOPIC, name='t1'): Invalid value shred for configuration cleanup.policy: String must be one of: compact, delete",
    ],
    [
      alter(TOPIC, 't1', ['min.cleanable.dirty.ratio', SET, '2']),
      40,
      "Invalid config value for resource ConfigResource(type=TOPIC, name='t1'): Invalid value 2.0 for configuration min.cleanable.dirty.ratio: Value must be no more than 1",
    ],
    [
      alter(TOPIC, 't1', ['segment.bytes', SET, '+7']),
      40,
      "Invalid config value for resource ConfigResource(type=TOPIC, name='t1'): Invalid value 7 for configuration segment.bytes: Value must be at least 14",
    ],
    [
      alter(TOPIC, 't1', ['remote.storage.enable', SET, 'true']),
      40,
      "Invalid config value for resource ConfigResource(type=TOPIC, name='t1'): Tiered Storage functionality is disabled in the broker. Topic cannot be configured with remote log storage.",
    ],
    [alter(TOPIC, 't1', ['nonsense', SET, '1']), 40, 'Unknown topic config name: nonsense'],
    [
      alter(BROKER, '9', ['message.max.bytes', SET, '1']),
      42,
      'Unexpected broker id, expected 1, but received 9',
    ],
    [alter(BROKER, 'abc', ['message.max.bytes', SET, '1']), 42, 'Node id must be an integer, but it is: abc'],
    [alter(7, 'x', ['a', SET, '1']), 42, 'Unknown resource type 7'],
    [alter(LOGGER, '1', ['no.such.logger', SET, 'INFO']), 40, 'Logger no.such.logger does not exist!'],
    [
      alter(CLIENT_METRICS, 'x', ['a', SET, '1']),
      42,
      'AlterConfigs is only supported for topics and brokers, but resource type is CLIENT_METRICS',
    ],
  ])('IncrementalAlterConfigs %j', async (request, errorCode, errorMessage) => {
    const { response } = await ask(incrementalAlterConfigs, 1, request, storeOf());
    expect(response.responses).toMatchObject([{ errorCode, errorMessage }]);
  });

  it.each([
    [TOPIC, 'nope', ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, ''],
    [
      TOPIC,
      'a b',
      ErrorCode.INVALID_TOPIC_EXCEPTION,
      "Topic name is invalid: 'a b' contains one or more characters other than ASCII alphanumerics, '.', '_' and '-'",
    ],
    [BROKER, '9', 42, 'Unexpected broker id, expected 1 or empty string, but received 9'],
    [BROKER, 'abc', 42, 'Broker id must be an integer, but it is: abc'],
    [LOGGER, '9', 42, 'Unexpected broker id, expected 1 but received 9'],
    [CLIENT_METRICS, 'x', 42, 'Config type client-metrics is only supported on KRaft clusters'],
    [7, 'x', 42, expect.stringContaining('a request being malformed by the client library')],
  ])('DescribeConfigs of %i %s', async (resourceType, resourceName, errorCode, errorMessage) => {
    const request = { resources: [{ resourceType, resourceName, configurationKeys: null }] };
    const { response } = await ask(describeConfigs, 4, request, storeOf());
    expect(response.results).toMatchObject([{ errorCode, errorMessage }]);
  });

  it('a value that somebody has spoilt in ZooKeeper can be seen, and mended', async () => {
    const stored = storeOf({ 'topics/t1': { 'retention.ms': 'abc' } });
    const request = { resources: [{ resourceType: TOPIC, resourceName: 't1', configurationKeys: null }] };
    const { response } = await ask(describeConfigs, 4, request, stored);
    const shown = response.results[0]?.configs.find(({ name }) => name === 'retention.ms');
    expect(shown).toMatchObject({ value: 'abc' });
    await ask(incrementalAlterConfigs, 1, alter(TOPIC, 't1', ['retention.ms', SET, '5']), stored);
    expect(stored.stored('topics/t1')).toEqual({ 'retention.ms': '5' });
  });
});

describe('AlterConfigs', () => {
  it('replaces all that is stored', async () => {
    const stored = storeOf({ 'topics/t1': { 'retention.ms': '5' } });
    const { response } = await ask(alterConfigs, 1, topic({ name: 'flush.ms', value: '9' }), stored);
    expect(response.responses).toMatchObject([{ errorCode: 0 }]);
    expect(stored.stored('topics/t1')).toEqual({ 'flush.ms': '9' });
  });

  it('of an unknown topic is refused', async () => {
    const request = { resources: [{ resourceType: TOPIC, resourceName: 'nope', configs: [] }] };
    const { response } = await ask(alterConfigs, 2, request, storeOf());
    expect(response.responses).toMatchObject([{ errorCode: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION }]);
  });
});

describe('loggers of the broker', () => {
  const LOGGER = 8;
  const CONTROLLER = 'kafka.controller.KafkaController';
  const setUp = () => {
    const lines: string[] = [];
    const diagnostics = lineDiagnostics(new World().clock, (line) => lines.push(line), 'info');
    // Nothing of it is in ZooKeeper, which may be out of reach when a broker is looked into.
    const store = () => {
      throw new Error('there is no session');
    };
    return { lines, diagnostics, store };
  };
  const alter = async (
    parts: ReturnType<typeof setUp>,
    configs: readonly { name: string; configOperation: number; value?: string | null }[],
    resourceName = '1',
  ) => {
    const resources = [{ resourceType: LOGGER, resourceName, configs }];
    return (await ask(incrementalAlterConfigs, 1, { resources }, parts)).response.responses[0];
  };

  it('are described with the level that counts', async () => {
    const parts = setUp();
    parts.diagnostics.loggers.set(CONTROLLER, 'error');
    const resources = [{ resourceType: LOGGER, resourceName: '1', configurationKeys: null }];
    const { response } = await ask(describeConfigs, 4, { resources, includeSynonyms: true }, parts);
    const configs = response.results[0]?.configs ?? [];
    expect(configs.length).toBeGreaterThan(15);
    expect(configs.find(({ name }) => name === CONTROLLER)).toMatchObject({
      value: 'ERROR',
      configSource: 6,
      readOnly: false,
      isSensitive: false,
      synonyms: [],
      documentation: '',
    });
    expect(configs.find(({ name }) => name === 'root')?.value).toBe('INFO');
  });

  it('are set and reset, and what they write follows', async () => {
    const parts = setUp();
    const controller = parts.diagnostics.named('Controller id=1');
    expect(await alter(parts, [{ name: CONTROLLER, configOperation: SET, value: 'DEBUG' }])).toMatchObject({
      errorCode: ErrorCode.NONE,
    });
    controller.debug('heard');
    await alter(parts, [{ name: CONTROLLER, configOperation: DELETE }]);
    controller.debug('not heard');
    expect(parts.lines.filter((line) => line.endsWith(' heard'))).toHaveLength(1);
  });

  it('change all at once or not at all, and only where they are', async () => {
    const parts = setUp();
    const change = { name: 'root', configOperation: SET, value: 'ERROR' };
    for (const wrong of [
      { name: 'kafka.no.such.Logger', configOperation: SET, value: 'INFO' },
      { name: CONTROLLER, configOperation: SET, value: 'LOUD' },
    ]) {
      const errorCode = ErrorCode.INVALID_CONFIG;
      expect(await alter(parts, [change, wrong])).toMatchObject({ errorCode });
    }
    const errorCode = ErrorCode.INVALID_REQUEST;
    expect(await alter(parts, [change], '2')).toMatchObject({ errorCode });
    expect(await alter(parts, [{ name: 'root', configOperation: DELETE }])).toMatchObject({ errorCode });
    expect(await alter(parts, [{ ...change, configOperation: APPEND }])).toMatchObject({ errorCode });
    expect(await alter(parts, [{ ...change, configOperation: 9 }])).toMatchObject({ errorCode });
    const resources = [{ resourceType: LOGGER, resourceName: '1', configs: [change] }];
    const replaced = await ask(alterConfigs, 2, { resources }, parts);
    expect(replaced.response.responses[0]).toMatchObject({ errorCode });
    expect(parts.diagnostics.loggers.levels().get('root')).toBe('info');
  });
});

describe('a config that is named twice', () => {
  it('is refused, whichever way it is altered', async () => {
    const twice = topic({ name: 'segment.ms', value: '1' }, { name: 'segment.ms', value: '2' });
    for (const handler of [alterConfigs, incrementalAlterConfigs]) {
      const { response } = await ask(handler as typeof alterConfigs, 1, twice, storeOf());
      expect(response.responses[0]).toMatchObject({
        errorCode: ErrorCode.INVALID_REQUEST,
        errorMessage: 'Error due to duplicate config keys',
      });
    }
  });
});
