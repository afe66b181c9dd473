/** Which value counts and where it comes from. */
import { describe, expect, it } from 'vitest';
import { brokerConfig } from '../../../broker/config/broker-config.ts';
import {
  CONFIG_SOURCE,
  effectiveBrokerConfig,
  effectiveBrokerDefaults,
  effectiveTopicConfig,
} from '../../../broker/config/effective.ts';

const NONE = new Map<string, string>();
const of = (properties: Record<string, string>) => new Map(Object.entries(properties));
const config = (properties: Record<string, string> = {}) =>
  brokerConfig(of({ 'zookeeper.connect': 'localhost:2181', ...properties }));

function topicEntry(name: string, effective: ReturnType<typeof effectiveTopicConfig>) {
  return effective.entries.find((entry) => entry.name === name);
}

describe('a topic’s configuration', () => {
  it('is the override, else what the broker was told, else its file, else the default', () => {
    const levels = (dynamicDefaults = NONE, dynamicBroker = NONE, overrides = NONE) =>
      effectiveTopicConfig(config({ 'log.segment.bytes': '100' }), dynamicDefaults, dynamicBroker, overrides);
    const segmentBytes = (bytes: number) => of({ 'log.segment.bytes': String(bytes) });
    expect(effectiveTopicConfig(config(), NONE, NONE, NONE).log.segmentBytes).toBe(1_073_741_824);
    expect(levels().log.segmentBytes).toBe(100);
    expect(levels(segmentBytes(200)).log.segmentBytes).toBe(200);
    expect(levels(segmentBytes(200), segmentBytes(300)).log.segmentBytes).toBe(300);
    const all = levels(segmentBytes(200), segmentBytes(300), of({ 'segment.bytes': '400' }));
    expect(all.log.segmentBytes).toBe(400);
    expect(topicEntry('segment.bytes', all)).toMatchObject({
      value: '400',
      source: CONFIG_SOURCE.DYNAMIC_TOPIC,
      readOnly: false,
      type: 3,
      synonyms: [
        { name: 'segment.bytes', value: '400', source: CONFIG_SOURCE.DYNAMIC_TOPIC },
        { name: 'log.segment.bytes', value: '300', source: CONFIG_SOURCE.DYNAMIC_BROKER },
        { name: 'log.segment.bytes', value: '200', source: CONFIG_SOURCE.DYNAMIC_DEFAULT_BROKER },
        { name: 'log.segment.bytes', value: '100', source: CONFIG_SOURCE.STATIC_BROKER },
        { name: 'log.segment.bytes', value: '1073741824', source: CONFIG_SOURCE.DEFAULT },
      ],
    });
  });

  it('takes retention and roll times from whichever unit is given', () => {
    const log = (properties: Record<string, string>) =>
      effectiveTopicConfig(config(properties), NONE, NONE, NONE).log;
    expect(log({ 'log.retention.hours': '2' }).retentionMs).toBe(7_200_000);
    expect(log({ 'log.retention.minutes': '3', 'log.retention.hours': '2' }).retentionMs).toBe(180_000);
    expect(log({ 'log.retention.hours': '-1' }).retentionMs).toBe(-1);
    expect(log({ 'log.roll.ms': '5' }).segmentMs).toBe(5);
  });

  it('has typed values', () => {
    const { log } = effectiveTopicConfig(
      config(),
      NONE,
      NONE,
      of({
        'cleanup.policy': 'compact',
        'message.timestamp.difference.max.ms': '9',
        'min.cleanable.dirty.ratio': '0.25',
      }),
    );
    expect(log).toMatchObject({
      cleanupPolicy: { compact: true, delete: false },
      messageTimestampBeforeMaxMs: 9,
      messageTimestampAfterMaxMs: 9,
      minCleanableDirtyRatio: 0.25,
      flushMessages: Number.MAX_SAFE_INTEGER,
    });
    const newer = effectiveTopicConfig(config(), NONE, NONE, of({ 'message.timestamp.before.max.ms': '4' }));
    expect(newer.log.messageTimestampBeforeMaxMs).toBe(4);
  });

  it('describes 2^63-1 as Kafka writes it, and a default in other units without synonyms', () => {
    const effective = effectiveTopicConfig(config(), NONE, NONE, NONE);
    expect(effective.entries).toHaveLength(36);
    expect(topicEntry('flush.messages', effective)?.value).toBe('9223372036854775807');
    expect(topicEntry('retention.ms', effective)).toMatchObject({
      value: '604800000',
      source: CONFIG_SOURCE.DEFAULT,
      synonyms: [],
    });
  });
});

describe('a broker’s configuration', () => {
  const entry = (name: string, entries: ReturnType<typeof effectiveBrokerConfig>) =>
    entries.find((one) => one.name === name);

  it('says where each value comes from and whether it may change', () => {
    const entries = effectiveBrokerConfig(
      config({ 'log.retention.hours': '5' }),
      of({ 'log.retention.ms': '7' }),
      NONE,
    );
    expect(entry('num.partitions', entries)).toMatchObject({
      value: '1',
      source: CONFIG_SOURCE.DEFAULT,
      readOnly: true,
    });
    expect(entry('log.retention.ms', entries)).toMatchObject({
      value: '7',
      source: CONFIG_SOURCE.DYNAMIC_DEFAULT_BROKER,
      readOnly: false,
    });
    expect(entry('log.retention.hours', entries)).toMatchObject({
      value: '5',
      source: CONFIG_SOURCE.STATIC_BROKER,
    });
    expect(entry('broker.rack', entries)).toMatchObject({ value: null, synonyms: [] });
  });

  it('keeps secrets, and what nobody knows might be one', () => {
    const entries = effectiveBrokerConfig(
      config({ 'ssl.key.password': 'hush', 'my.key': 'hush' }),
      NONE,
      NONE,
    );
    for (const name of ['ssl.key.password', 'my.key']) {
      expect(entry(name, entries)).toMatchObject({ value: null, sensitive: true });
    }
    expect(JSON.stringify(entries)).not.toContain('hush');
  });

  it('shows no default of a throttle, which Kafka’s definition of a broker does not hold', () => {
    const rate = 'leader.replication.throttled.rate';
    const shown = effectiveBrokerConfig(config(), of({ [rate]: '2' }), of({ [rate]: '1' }));
    expect(shown.find(({ name }) => name === rate)).toMatchObject({
      value: '1',
      source: CONFIG_SOURCE.DYNAMIC_BROKER,
      readOnly: true,
      synonyms: [
        { name: rate, value: '1', source: CONFIG_SOURCE.DYNAMIC_BROKER },
        { name: rate, value: '2', source: CONFIG_SOURCE.DYNAMIC_DEFAULT_BROKER },
      ],
    });
  });

  it('of all brokers is only what was set for all', () => {
    expect(effectiveBrokerDefaults(of({ 'log.retention.ms': '7' }))).toMatchObject([
      { name: 'log.retention.ms', value: '7', source: CONFIG_SOURCE.DYNAMIC_DEFAULT_BROKER },
    ]);
  });
});
