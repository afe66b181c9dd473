/** Kafka's own tools set, show and remove quotas and replication throttles here, and what they set has its effect. */
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { type InteropCluster, skipped, startInteropCluster } from './interop-cluster.ts';
import { JavaTools, jarsLack } from './java-jars.ts';

const TIMEOUT_MS = 120_000;
const skip = skipped("Kafka's tools for quotas and throttles", jarsLack('3.9.1'));

describe.skipIf(skip)("Kafka's tools", () => {
  const directories = mkdtempSync(join(tmpdir(), 'odradek-log-dirs-'));
  const logDirs = [join(directories, 'a'), join(directories, 'b')];
  let interop: InteropCluster;
  let housed: InteropCluster;
  let tools: JavaTools;
  beforeAll(async () => {
    interop = await startInteropCluster();
    housed = await startInteropCluster({ brokers: 1, properties: { 'log.dirs': logDirs.join() } });
    tools = new JavaTools('3.9.1');
  }, TIMEOUT_MS);
  afterAll(async () => {
    tools?.close();
    await interop?.close();
    await housed?.close();
    rmSync(directories, { recursive: true, force: true });
  });

  let target: InteropCluster | null = null;

  async function tool(mainClass: string, ...argv: string[]): Promise<string> {
    const { bootstrap } = target ?? interop;
    const result = await tools.run(mainClass, [...argv, '--bootstrap-server', bootstrap]);
    expect(result, mainClass).toMatchObject({ status: 0 });
    return result.out;
  }
  const topics = (...argv: string[]) => tool('org.apache.kafka.tools.TopicCommand', ...argv);
  const configs = (...argv: string[]) => tool('kafka.admin.ConfigCommand', ...argv);
  const reassign = (...argv: string[]) =>
    tool('org.apache.kafka.tools.reassign.ReassignPartitionsCommand', ...argv);

  async function load(topic: string, records: number): Promise<void> {
    const props = ['--producer-props', `bootstrap.servers=${(target ?? interop).bootstrap}`, 'acks=all'];
    const argv = ['--topic', topic, '--num-records', String(records), '--record-size', '10000'];
    const result = await tools.run('org.apache.kafka.tools.ProducerPerformance', [
      ...argv,
      '--throughput',
      '-1',
      ...props,
    ]);
    expect(result).toMatchObject({ status: 0 });
  }

  function planned(topic: string, replicas: readonly number[], logDirs?: readonly string[]): string {
    const file = join(interop.directory, `${topic}.json`);
    const dirs = logDirs === undefined ? {} : { log_dirs: logDirs };
    writeFileSync(
      file,
      JSON.stringify({ version: 1, partitions: [{ topic, partition: 0, replicas, ...dirs }] }),
    );
    return file;
  }

  test(
    'kafka-configs sets, shows and removes quotas of users, clients and addresses',
    async () => {
      const app = [
        '--entity-type',
        'users',
        '--entity-name',
        'alice',
        '--entity-type',
        'clients',
        '--entity-name',
        'app',
      ];
      await configs('--alter', ...app, '--add-config', 'producer_byte_rate=1024,request_percentage=12.5');
      expect(await configs('--describe', ...app)).toContain(
        "Quota configs for user-principal 'alice', client-id 'app' are",
      );
      const address = ['--entity-type', 'ips', '--entity-name', '10.1.2.3'];
      await configs('--alter', ...address, '--add-config', 'connection_creation_rate=7');
      expect(await configs('--describe', ...address)).toContain('connection_creation_rate=7.0');
      await configs('--alter', ...app, '--delete-config', 'producer_byte_rate,request_percentage');
      expect(await configs('--describe', ...app)).not.toContain('producer_byte_rate');
    },
    TIMEOUT_MS,
  );

  test(
    'kafka-reassign-partitions moves a replica no faster than --throttle says, and cleans up',
    async () => {
      await topics('--create', '--topic', 'moved', '--replica-assignment', '1');
      await load('moved', 500);
      const plan = ['--reassignment-json-file', planned('moved', [2])];
      const executed = await reassign('--execute', ...plan, '--throttle', '400000');
      expect(executed).toContain('The inter-broker throttle limit was set to 400000 B/s');
      const ofTopic = ['--entity-type', 'topics', '--entity-name', 'moved'];
      const throttled = await configs('--describe', ...ofTopic);
      expect(throttled).toContain('leader.replication.throttled.replicas=0:1');
      expect(throttled).toContain('follower.replication.throttled.replicas=0:2');
      expect(await configs('--describe', '--entity-type', 'brokers', '--entity-name', '2')).toContain(
        'follower.replication.throttled.rate=400000',
      );
      expect(await reassign('--verify', ...plan, '--preserve-throttles')).toContain('still in progress');
      await eventually(
        'the replica has moved',
        async () => (await reassign('--verify', ...plan, '--preserve-throttles')).includes('is completed'),
        60_000,
      );
      expect(await reassign('--verify', ...plan)).toContain('Clearing topic-level throttles on topic moved');
      expect(await configs('--describe', ...ofTopic)).not.toContain('throttled');
      expect(await configs('--describe', '--entity-type', 'brokers', '--entity-name', '2')).not.toContain(
        'throttled',
      );
    },
    TIMEOUT_MS,
  );

  test(
    'kafka-reassign-partitions moves a replica to another log directory, and kafka-log-dirs shows both',
    async () => {
      target = housed;
      await topics('--create', '--topic', 'housed', '--replica-assignment', '1');
      await load('housed', 300);
      const from = logDirs.find((path) => existsSync(join(path, 'housed-0'))) ?? '';
      const to = logDirs.find((path) => path !== from) ?? '';
      const plan = ['--reassignment-json-file', planned('housed', [1], [to])];
      const executed = await reassign('--execute', ...plan, '--replica-alter-log-dirs-throttle', '400000');
      expect(executed).toContain(
        `Successfully started moving log directory to ${to} for replica housed-0 with broker 1`,
      );
      const shown = await tool(
        'org.apache.kafka.tools.LogDirsCommand',
        '--describe',
        '--topic-list',
        'housed',
      );
      expect(shown).toContain('"isFuture":true');
      expect(await reassign('--verify', ...plan, '--preserve-throttles')).toContain(
        'Reassignment of replica housed-0-1 is still in progress',
      );
      await eventually(
        'the log has moved',
        async () =>
          (await reassign('--verify', ...plan, '--preserve-throttles')).includes(
            'Reassignment of replica housed-0-1 completed successfully',
          ),
        60_000,
      );
      expect(existsSync(join(to, 'housed-0'))).toBe(true);
      const consumed = await tool(
        'org.apache.kafka.tools.ConsumerPerformance',
        '--topic',
        'housed',
        '--messages',
        '300',
      );
      expect(consumed.trim().split('\n').at(-1)?.split(', ')[4]).toBe('300');
      target = null;
    },
    TIMEOUT_MS,
  );
});
