/**
 * Our commands beside Kafka's own tools, on one cluster: what shows something says the same, and what
 * one of them changed the other one sees. Differences in spaces alone are none.
 */
import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type InteropCluster, startInteropCluster } from './interop-cluster.ts';
import { JavaTools, jarsLack } from './java-jars.ts';

const runFile = promisify(execFile);
const MAIN = join(import.meta.dirname, '..', '..', 'scripts', 'cli', 'main.ts');
const VERSION = '3.9.1';
const TOOLS = 'org.apache.kafka.tools';
const TOPIC = `${TOOLS}.TopicCommand`;
const GROUPS = `${TOOLS}.consumer.group.ConsumerGroupCommand`;
const CONFIGS = 'kafka.admin.ConfigCommand';
const REASSIGN = `${TOOLS}.reassign.ReassignPartitionsCommand`;

const lack = jarsLack(VERSION);

describe.skipIf(lack !== null)(`beside Kafka's tools${lack === null ? '' : ` (${lack})`}`, () => {
  let interop: InteropCluster;
  let tools: JavaTools;

  beforeAll(async () => {
    tools = new JavaTools(VERSION);
    interop = await startInteropCluster();
    await ours('topics', '--create', '--topic', 't', '--replica-assignment', '1:2,2:3');
    await ours('groups', '--reset-offsets', '--group', 'g', '--topic', 't', '--to-latest', '--execute');
    await ours(
      'quotas',
      '--alter',
      '--user',
      'u',
      '--client',
      'c',
      '--add-config',
      'producer_byte_rate=20000000',
    );
  }, 120_000);

  afterAll(async () => {
    tools?.close();
    await interop?.close();
  });

  async function ours(...argv: string[]): Promise<string> {
    const words = [MAIN, ...argv, '--bootstrap-server', interop.bootstrap];
    return (await runFile(process.execPath, words)).stdout;
  }

  async function theirs(mainClass: string, ...argv: string[]): Promise<string> {
    const server = ['--bootstrap-server', interop.bootstrap];
    const isFirst = mainClass.endsWith('TransactionsCommand');
    const result = await tools.run(mainClass, isFirst ? [...server, ...argv] : [...argv, ...server]);
    expect(result, argv.join(' ')).toMatchObject({ status: 0 });
    return result.out;
  }

  /** Words of each line that has any, sorted as lists and lines are: neither side promises an order. */
  function words(text: string): string[] {
    const sorted = (word: string): string => word.split(',').sort().join(',');
    const lines = text.split('\n').map((line) => line.trim().split(/\s+/).map(sorted).join(' '));
    return lines.filter((line) => line !== '').sort();
  }

  const SHOWN: readonly (readonly [command: string, mainClass: string, argv: string])[] = [
    ['topics', TOPIC, '--list'],
    ['topics', TOPIC, '--describe --topic t'],
    ['topics', TOPIC, '--describe --under-replicated-partitions'],
    ['topics', TOPIC, '--describe --topic t --at-min-isr-partitions'],
    ['topics', TOPIC, '--describe --topics-with-overrides'],
    ['groups', GROUPS, '--list'],
    ['groups', GROUPS, '--list --state'],
    ['groups', GROUPS, '--list --state --type'],
    ['groups', GROUPS, '--describe --group g'],
    ['groups', GROUPS, '--describe --group g --state'],
    ['groups', GROUPS, '--reset-offsets --group g --topic t --to-current --export --dry-run'],
    ['configs', CONFIGS, '--describe --entity-type brokers --entity-name 2 --all'],
    ['configs', CONFIGS, '--describe --entity-type broker-loggers --entity-name 1'],
    ['configs', CONFIGS, '--describe --entity-type users --entity-type clients'],
    ['get-offsets', `${TOOLS}.GetOffsetShell`, '--topic-partitions t:0-2 --time -2'],
    ['cluster-id', `${TOOLS}.ClusterTool`, ''],
    ['transactions list', `${TOOLS}.TransactionsCommand`, ''],
    ['reassign', REASSIGN, '--list'],
    ['elect-leaders', `${TOOLS}.LeaderElectionCommand`, '--election-type preferred --topic t --partition 0'],
  ];

  it.each(SHOWN)('%s, %s: %s', async (command, mainClass, argv) => {
    const given = argv.split(' ').filter((word) => word !== '');
    const verb = { 'cluster-id': ['cluster-id'], 'transactions list': ['list'] }[command] ?? [];
    const own = await ours(...command.split(' '), ...given);
    expect(words(own)).toEqual(words(await theirs(mainClass, ...verb, ...given)));
  });

  it('configs that the one sets the other shows and deletes', async () => {
    const topic = ['--entity-type', 'topics', '--entity-name', 't'];
    await ours(
      'configs',
      '--alter',
      ...topic,
      '--add-config',
      'retention.ms=1000000,cleanup.policy=[compact,delete]',
    );
    const shown = await theirs(CONFIGS, '--describe', ...topic);
    expect(shown).toContain('cleanup.policy=compact,delete');
    expect(words(await ours('configs', '--describe', '--topic', 't'))).toEqual(words(shown));
    await theirs(CONFIGS, '--alter', ...topic, '--delete-config', 'retention.ms,cleanup.policy');
    expect(words(await ours('configs', '--describe', '--topic', 't'))).toEqual([
      'Dynamic configs for topic t are:',
    ]);
  });

  it('a reassignment that the one begins with a throttle the other verifies', async () => {
    const plan = join(interop.directory, 'plan.json');
    const moved = { topic: 't', partition: 0, replicas: [3, 2] };
    writeFileSync(plan, JSON.stringify({ version: 1, partitions: [moved] }));
    const file = ['--reassignment-json-file', plan];
    await ours('reassign', '--execute', ...file, '--throttle', '10000000');
    const throttled = await theirs(CONFIGS, '--describe', '--entity-type', 'topics', '--entity-name', 't');
    expect(throttled).toContain('leader.replication.throttled.replicas=0:1,0:2 ');
    expect(throttled).toContain('follower.replication.throttled.replicas=0:3 ');
    let verified = '';
    while (!verified.includes('is completed')) verified = await theirs(REASSIGN, '--verify', ...file);
    expect(words(await ours('reassign', '--verify', ...file))).toEqual(words(verified));
    expect(words(await ours('configs', '--describe', '--topic', 't'))).toHaveLength(1);
  });
});
