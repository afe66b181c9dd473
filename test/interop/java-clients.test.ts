/** Java's own clients, of Kafka 3.9 and 4.1 (which refuses brokers that lack what 2.1 had), and Kafka's tools. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { eventually } from '../support/eventually.ts';
import {
  CLIENTS,
  expectStep,
  type InteropCluster,
  runSteps,
  type Steps,
  skipped,
  startInteropCluster,
  storedAs,
} from './interop-cluster.ts';
import { JavaTools, jarsLack, javaArguments, type ToolResult } from './java-jars.ts';

const run = promisify(execFile);
const STEPS = [
  'creates and describes a topic',
  'produces and consumes none',
  'produces and consumes gzip',
  'produces and consumes snappy',
  'produces and consumes lz4',
  'produces and consumes zstd',
  'keeps keys, headers and null values',
  'shares a group with a second member and commits',
  'rejoins as a static member without a rebalance',
  'lists, describes and deletes groups',
  'finds offsets by time',
  'describes and alters configs',
  'grows a topic, deletes records and topics',
  'describes the cluster, its logs and its features',
  'moves replicas and elects leaders',
];
const TIMEOUT_MS = 120_000;
const lacks = new Map(['3.9.1', '4.1.0'].map((version) => [version, jarsLack(version)]));

let interop: InteropCluster;
beforeAll(async () => {
  if ([...lacks.values()].includes(null)) interop = await startInteropCluster();
}, TIMEOUT_MS);
afterAll(() => interop?.close());

for (const [version, problem] of lacks) {
  const prefix = `java-${version.replaceAll('.', '-')}`;
  describe.skipIf(skipped(`Java's clients ${version}`, problem))(`Java's clients ${version}`, () => {
    let steps: Steps;
    beforeAll(async () => {
      const program = join(CLIENTS, 'JavaClient.java');
      steps = await runSteps('java', [...javaArguments(version), program, interop.bootstrap, prefix]);
    }, TIMEOUT_MS);

    test.each(STEPS)('%s', (step) => expectStep(steps, step));

    test.each(['none', 'gzip', 'snappy', 'lz4', 'zstd'])('%s is stored as it came', async (codec) => {
      expect(await storedAs(interop, `${prefix}-codec-${codec}`)).toEqual({ magic: 2, codec });
    });
  });
}

describe.skipIf(skipped("Kafka's tools", lacks.get('3.9.1') ?? null))("Kafka's tools", () => {
  let tools: JavaTools;
  beforeAll(() => {
    tools = new JavaTools('3.9.1');
  });
  afterAll(() => tools?.close());

  /** A tool against the cluster, which must not fail. */
  async function tool(mainClass: string, argv: readonly string[], input?: string): Promise<string> {
    const server = mainClass.endsWith('ProducerPerformance') ? [] : ['--bootstrap-server', interop.bootstrap];
    const result: ToolResult = await tools.run(mainClass, [...argv, ...server], input);
    expect(result, mainClass).toMatchObject({ status: 0 });
    return result.out;
  }
  const topics = (...argv: string[]) => tool('org.apache.kafka.tools.TopicCommand', argv);
  const groups = (...argv: string[]) =>
    tool('org.apache.kafka.tools.consumer.group.ConsumerGroupCommand', argv);
  const configs = (...argv: string[]) => tool('kafka.admin.ConfigCommand', argv);

  test('kafka-topics creates, describes, grows, lists and deletes', async () => {
    const sizes = ['--partitions', '3', '--replication-factor', '3', '--config', 'segment.bytes=100000'];
    expect(await topics('--create', '--topic', 'tool-topics', ...sizes)).toContain(
      'Created topic tool-topics.',
    );
    await eventually('it is known', async () => (await topics('--list')).includes('tool-topics'));
    const described = await topics('--describe', '--topic', 'tool-topics');
    expect(described).toContain('PartitionCount: 3\tReplicationFactor: 3\t');
    expect(described).toContain('segment.bytes=100000');
    await topics('--alter', '--topic', 'tool-topics', '--partitions', '4');
    await eventually('there are four partitions', async () =>
      (await topics('--describe', '--topic', 'tool-topics')).includes('PartitionCount: 4'),
    );
    expect(await topics('--describe', '--under-replicated-partitions')).toBe('');
    await topics('--delete', '--topic', 'tool-topics');
    await eventually('it is gone', async () => !(await topics('--list')).includes('tool-topics'));
  });

  test('the console producer and consumer, and kafka-consumer-groups', async () => {
    await topics('--create', '--topic', 'tool-console', '--partitions', '1');
    const parsed = ['--property', 'parse.key=true', '--property', 'key.separator=:'];
    const codec = ['--compression-codec', 'zstd'];
    const input = 'k1:v1\nk2:v2\nk3:v3\n';
    await tool('kafka.tools.ConsoleProducer', ['--topic', 'tool-console', ...parsed, ...codec], input);
    const some = ['--from-beginning', '--max-messages', '3', '--group', 'tool-group'];
    const shown = ['--property', 'print.key=true', '--property', 'print.partition=true'];
    const consume = ['--topic', 'tool-console', ...some, ...shown, '--timeout-ms', '10000'];
    const consumed = await tool('org.apache.kafka.tools.consumer.ConsoleConsumer', consume);
    expect(consumed).toBe('Partition:0\tk1\tv1\nPartition:0\tk2\tv2\nPartition:0\tk3\tv3\n');
    const row = async () => (await groups('--describe', '--group', 'tool-group')).trim().split('\n').at(-1);
    expect((await row())?.split(/\s+/).slice(0, 6)).toEqual([
      'tool-group',
      'tool-console',
      '0',
      '3',
      '3',
      '0',
    ]);
    expect(await groups('--list', '--state')).toMatch(/tool-group\s+(Empty|Stable)/);
    const reset = ['--reset-offsets', '--shift-by', '-2', '--topic', 'tool-console', '--execute'];
    await eventually('the group is empty', async () =>
      /tool-group.*Empty/.test(await groups('--list', '--state')),
    );
    await groups('--group', 'tool-group', ...reset);
    expect((await row())?.split(/\s+/).slice(3, 6)).toEqual(['1', '3', '2']);
    expect(await groups('--group', 'tool-group', '--delete')).toContain('was successful');
  });

  test('kafka-configs describes and sets the loggers of a broker', async () => {
    const ofBroker = ['--entity-type', 'broker-loggers', '--entity-name', '1'];
    const logger = 'kafka.controller.KafkaController';
    const level = async (name: string) =>
      new RegExp(`^ {2}${name}=(\\w+) sensitive=false synonyms=\\{\\}$`, 'm').exec(
        await configs('--describe', ...ofBroker),
      )?.[1];
    expect([await level('root'), await level(logger)]).toEqual(['INFO', 'INFO']);
    await configs('--alter', ...ofBroker, '--add-config', `${logger}=DEBUG,kafka.log.LogCleaner=TRACE`);
    expect([await level(logger), await level('kafka.log.LogCleaner')]).toEqual(['DEBUG', 'TRACE']);
    await configs('--alter', ...ofBroker, '--delete-config', `${logger},kafka.log.LogCleaner`);
    expect([await level(logger), await level('kafka.log.LogCleaner')]).toEqual(['INFO', 'INFO']);
    const unknown = ['--alter', ...ofBroker, '--add-config', 'kafka.no.such.Logger=DEBUG'];
    const server = ['--bootstrap-server', interop.bootstrap];
    const refused = await tools.run('kafka.admin.ConfigCommand', [...unknown, ...server]);
    expect(refused.status).not.toBe(0);
    expect(refused.out + refused.error).toMatch(/kafka\.no\.such\.Logger/);
  });

  test('kafka-configs describes and alters topics and brokers', async () => {
    await topics('--create', '--topic', 'tool-configs', '--partitions', '1');
    await eventually('it is known', async () => (await topics('--list')).includes('tool-configs'));
    const topic = ['--entity-type', 'topics', '--entity-name', 'tool-configs'];
    await configs(
      '--alter',
      ...topic,
      '--add-config',
      'retention.ms=1000000,cleanup.policy=[compact,delete]',
    );
    await eventually('the change is seen', async () =>
      (await configs('--describe', ...topic)).includes('cleanup.policy=compact,delete'),
    );
    await configs('--alter', ...topic, '--delete-config', 'retention.ms');
    await eventually(
      'the change is seen',
      async () => !(await configs('--describe', ...topic)).includes('retention.ms'),
    );
    const all = await configs('--describe', '--entity-type', 'brokers', '--entity-name', '2', '--all');
    expect(all).toContain('broker.id=2 sensitive=false synonyms={STATIC_BROKER_CONFIG:broker.id=2');
  });

  test('the performance tools, kafka-get-offsets, kafka-log-dirs, kafka-cluster', async () => {
    await topics('--create', '--topic', 'tool-load', '--partitions', '3');
    const load = ['--num-records', '5000', '--record-size', '200', '--throughput', '-1'];
    const props = ['--producer-props', `bootstrap.servers=${interop.bootstrap}`, 'compression.type=lz4'];
    const produced = await tool('org.apache.kafka.tools.ProducerPerformance', [
      '--topic',
      'tool-load',
      ...load,
      ...props,
    ]);
    expect(produced).toContain('5000 records sent');
    const consumed = await tool('org.apache.kafka.tools.ConsumerPerformance', [
      '--topic',
      'tool-load',
      '--messages',
      '5000',
      '--group',
      'tool-load',
    ]);
    expect(consumed.trim().split('\n').at(-1)?.split(', ')[4]).toBe('5000');
    const offsets = await tool('org.apache.kafka.tools.GetOffsetShell', [
      '--topic',
      'tool-load',
      '--time',
      '-1',
    ]);
    const ends = offsets.trim().split('\n');
    expect(ends.map((line) => Number(line.split(':')[2])).reduce((a, b) => a + b, 0)).toBe(5000);
    const logs = await tool('org.apache.kafka.tools.LogDirsCommand', [
      '--describe',
      '--topic-list',
      'tool-load',
    ]);
    expect(JSON.parse(logs.trim().split('\n').at(-1) ?? '').brokers).toHaveLength(3);
    expect(await tool('org.apache.kafka.tools.ClusterTool', ['cluster-id'])).toMatch(
      /^Cluster ID: [\w-]{22}\n$/,
    );
    expect(await tool('kafka.admin.BrokerApiVersionsCommand', [])).toContain('Produce(0): 0 to 11');
  });

  /** These say what they did in a shutdown hook, so each has a process of its own. */
  test('the verifiable producer and consumer', async () => {
    await topics('--create', '--topic', 'tool-verified', '--partitions', '1');
    const verifiable = async (mainClass: string, ...argv: string[]) => {
      const common = ['--bootstrap-server', interop.bootstrap, '--topic', 'tool-verified'];
      const limit = ['--max-messages', '20'];
      const tool = [`org.apache.kafka.tools.${mainClass}`, ...common, ...limit, ...argv];
      return (await run('java', [...javaArguments('3.9.1'), ...tool], { timeout: 60_000 })).stdout;
    };
    expect(await verifiable('VerifiableProducer')).toContain('"sent":20,"acked":20');
    const consumed = await verifiable('VerifiableConsumer', '--group-id', 'tool-verified');
    expect(consumed).toContain('"success":true');
    expect(consumed).toContain('"offset":20');
  });
});
