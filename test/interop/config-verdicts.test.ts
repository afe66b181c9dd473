/**
 * Kafka 3.9.1 as the judge of properties: what its broker starts with, ours does too, and what it refuses
 * we refuse, for every config with values at all edges of its type, and for whole files.
 */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { BROKER_CONFIGS, brokerConfig } from '../../broker/config/broker-config.ts';
import { TOPIC_CONFIGS } from '../../broker/config/definitions/topic.ts';
import { topicDefaults } from '../../broker/config/effective.ts';
import { parseProperties } from '../../broker/config/java-properties.ts';
import { ConfigError, type PropertyTable } from '../../broker/config/property.ts';
import { validateTopicOverrides } from '../../broker/config/topic-config.ts';
import { isRefused, isWithoutEffect } from '../../broker/config/without-effect.ts';
import { PUBLIC_PROPERTIES } from '../unit/config/public-properties.ts';
import { CLIENTS, skipped } from './interop-cluster.ts';
import { jarsLack, javaArguments } from './java-jars.ts';

const VERSION = '3.9.1';
const skip = skipped("Kafka's verdicts on properties", jarsLack(VERSION));
const TIMEOUT_MS = 120_000;
const ZOOKEEPER = 'zookeeper.connect=localhost:2181';

const WHOLE_NUMBERS = [
  ...['', '-3', '-2', '-1', '0', '1', '2', '13', '14', '100', '1024', '\\ 5 ', '+5', '007', '0x10', '1L'],
  ...['1.5', '32767', '32768', '2147483647', '2147483648', 'x', '1_000', '1,000'],
  ...['9223372036854775807', '9223372036854775808', '-9223372036854775808'],
];
const EDGES: Readonly<Record<string, readonly string[]>> = {
  BOOLEAN: ['', 'true', 'FALSE', '\\ True ', 'yes', '1'],
  SHORT: WHOLE_NUMBERS,
  INT: WHOLE_NUMBERS,
  LONG: WHOLE_NUMBERS,
  DOUBLE: ['', '0', '1', '.5', '1.', '-1', '1e3', '1.5f', '2d', 'Infinity', 'x', '1e400'],
  STRING: ['', '\\ ', 'x', 'x,y', 'PLAINTEXT', '-1', 'none', 'delete', 'producer', 'GZIP', 'zstd', '3.9'],
  LIST: ['', '\\ ', 'a', 'a,b,', ',a', '\\ a , b ', 'delete', 'compact,delete', 'compact,', '0:1', '*'],
  CLASS: ['', 'java.lang.String'],
  PASSWORD: ['', 'x'],
};

interface Case {
  readonly kind: 'broker' | 'topic';
  readonly text: string;
}

function edgesOf(kind: Case['kind'], table: PropertyTable): Case[] {
  return Object.entries(table).flatMap(([name, { type }]) =>
    (EDGES[type] ?? []).map((value) => ({ kind, text: `${name}=${value}` })),
  );
}

const TWO_LISTENERS = 'listener.security.protocol.map=A:PLAINTEXT,B:PLAINTEXT\ninter.broker.listener.name=A';
const FILES = [
  ...Object.values(PUBLIC_PROPERTIES),
  'listeners=PLAINTEXT://:9092,',
  'listeners=,',
  'listeners=PLAINTEXT://h:9092/',
  'listeners=PLAINTEXT://[::1]:9092',
  'listeners=PLAINTEXT://::1:9092',
  'listeners=PLAINTEXT://0.0.0.0:9092\nadvertised.listeners=PLAINTEXT://h:9092',
  'advertised.listeners=PLAINTEXT://0.0.0.0:9092',
  `listeners=A://h:1,B://h:2\n${TWO_LISTENERS}`,
  `listeners=A://h:1,B://h:1\n${TWO_LISTENERS}`,
  `listeners=A://127.0.0.1:1,B://[::1]:1\n${TWO_LISTENERS}`,
  `listeners=A://h:1,B://h:2\n${TWO_LISTENERS}\ncontrol.plane.listener.name=B`,
  `listeners=A://h:1,B://h:2\n${TWO_LISTENERS}\ncontrol.plane.listener.name=A`,
  `listeners=A://h:1,B://h:2\nadvertised.listeners=B://h:2\n${TWO_LISTENERS}`,
  'log.dirs=/a,,/b,',
  'log.dirs=,',
  'max.connections.per.ip.overrides=127.0.0.1:5,',
  'max.connections.per.ip.overrides=h:x',
  'max.connections.per.ip=0\nmax.connections.per.ip.overrides=h:1',
  'log.cleaner.enable=false\nlog.cleaner.dedupe.buffer.size=100',
  'log.local.retention.ms=-1\nlog.retention.ms=5',
  'message.max.bytes=2000000000\nsocket.request.max.bytes=1000',
  'min.insync.replicas=3\ndefault.replication.factor=2',
  'broker.id=5\nnode.id=6',
  'broker.id=1001\nbroker.id.generation.enable=false',
];
const TOPICS = [
  'retention.ms=3600000\nlocal.retention.ms=86400000',
  'retention.bytes=1000000\nlocal.retention.bytes=2000000',
  'min.compaction.lag.ms=9\nmax.compaction.lag.ms=8',
  'remote.storage.enable=true',
  'leader.replication.throttled.replicas=0:1,1',
];

const CASES: readonly Case[] = [
  ...edgesOf('broker', kafkasOwn()),
  ...edgesOf('topic', TOPIC_CONFIGS),
  ...FILES.map((text): Case => ({ kind: 'broker', text })),
  ...TOPICS.map((text): Case => ({ kind: 'topic', text })),
];

/** The configs that Kafka has as well. */
function kafkasOwn(): PropertyTable {
  const ours =
    /^(peer|journal|zookeeper\.(digest|sasl)|fault\.api|authorizer\.(cache|log)|client\.quota\.max|compressed\.batch|request\.max)\.|\.elements$|\.converted\.|\.cache\.partitions$|\.max\.tokens$|^group\.max\.protocols$|^transaction\.(max\.ids|completion\.wait\.ms)$|^queued\.max\.response\.bytes$|^tls\.|^worker\.|^queued\.produce\.max\.bytes$/;
  return Object.fromEntries(
    Object.entries(BROKER_CONFIGS).filter(([name, { hidden }]) => !ours.test(name) && hidden !== true),
  );
}

const DEFAULTS = topicDefaults(brokerConfig(parseProperties(ZOOKEEPER)), new Map(), new Map());

function ourVerdict({ kind, text }: Case): string {
  try {
    if (kind === 'topic') return validateTopicOverrides(parseProperties(text), DEFAULTS)?.message ?? '';
    brokerConfig(parseProperties(`${ZOOKEEPER}\n${text}`));
    return '';
  } catch (error) {
    if (error instanceof ConfigError) return error.message;
    throw error;
  }
}

function kafkaVerdicts(): string[] {
  const lines = CASES.map(({ kind, text }) => {
    const whole = kind === 'broker' ? `${ZOOKEEPER}\n${text}` : text;
    return `${kind} ${Buffer.from(whole).toString('base64')}\n`;
  });
  const argv = [...javaArguments(VERSION), join(CLIENTS, 'ConfigVerdicts.java')];
  const { stdout } = spawnSync('java', argv, {
    input: lines.join(''),
    encoding: 'utf8',
    timeout: TIMEOUT_MS,
  });
  return stdout
    .trimEnd()
    .split('\n')
    .map((line) => Buffer.from(line, 'base64').toString());
}

/** The texts that only one of the two takes. */
function takenOnlyBy(taker: readonly string[], other: readonly string[]): string[] {
  return CASES.filter((_, at) => taker[at] === '' && other[at] !== '').map(({ text }) => text);
}

const nameOf = (text: string): string => text.slice(0, text.indexOf('='));

describe.skipIf(skip)('every config, at the edges of its type', () => {
  let verdicts: readonly string[];
  let ours: readonly string[];
  beforeAll(() => {
    verdicts = kafkaVerdicts();
    ours = CASES.map(ourVerdict);
  }, TIMEOUT_MS);

  test('is judged by Kafka', () => {
    expect(verdicts.length).toBe(CASES.length);
    expect(verdicts.filter((verdict) => verdict === '').length).toBeGreaterThan(1000);
  });

  test('starts our broker where it starts Kafka’s, but for what would be dangerous to ignore', () => {
    const stricter = takenOnlyBy(verdicts, ours).filter((text) => !isRefused(nameOf(text)));
    // Kafka's broker gives up a step later, when it dials nobody.
    expect(stricter).toEqual(['zookeeper.connect=', 'zookeeper.connect=\\ ']);
  });

  test('is refused for topics in Kafka’s words', () => {
    const other = CASES.flatMap(({ kind, text }, at) => {
      const [we, they] = [ours[at] ?? '', (verdicts[at] ?? '').replace(/^\w+: /, '')];
      return kind === 'broker' || we === they ? [] : [{ text, we, they }];
    });
    expect(other).toEqual([]);
  });

  test('stops our broker where it stops Kafka’s, unless it has no effect here', () => {
    const laxer = takenOnlyBy(ours, verdicts).filter((text) => {
      const name = nameOf(text);
      return !isWithoutEffect(name) && !isRefused(name);
    });
    expect(laxer).toEqual([]);
  });
});
