/** `kafka-configs --zookeeper`, as Testcontainers' module for Node sets the password of its user. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Kafka, logLevel } from 'kafkajs';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type KitCluster, startCluster } from '../kit/cluster.ts';

const TOOLS = join(import.meta.dirname, '..', '..', 'scripts', 'docker', 'tools', 'kafka-tools.ts');
const USER = ['--alter', '--entity-type', 'users', '--entity-name', 'app'];

let cluster: KitCluster;
beforeAll(async () => {
  cluster = await startCluster({ brokers: 1, zookeeperPort: 0, security: { protocol: 'SASL_PLAINTEXT' } });
});
afterAll(() => cluster?.close());

async function kafkaConfigs(...argv: string[]): Promise<{ status: number; said: string }> {
  const program = `const { runKafkaTool } = await import(process.argv[1]); await runKafkaTool('kafka-configs', process.argv.slice(2));`;
  const words = [
    '--input-type=module',
    '-e',
    program,
    TOOLS,
    '--zookeeper',
    cluster.zookeeper ?? '',
    ...argv,
  ];
  try {
    const { stdout } = await promisify(execFile)(process.execPath, words);
    return { status: 0, said: stdout };
  } catch (error) {
    const { code, stderr } = error as { readonly code: number; readonly stderr: string };
    return { status: code, said: stderr };
  }
}

it('a user gets in by the password that was set', async () => {
  const set = await kafkaConfigs(...USER, '--add-config', 'SCRAM-SHA-512=[iterations=8192,password=a,b]');
  expect(set).toEqual({ status: 0, said: "Completed updating config for entity: user-principal 'app'.\n" });
  const admin = new Kafka({
    brokers: [cluster.bootstrapServers],
    sasl: { mechanism: 'scram-sha-512', username: 'app', password: 'a,b' },
    logLevel: logLevel.NOTHING,
  }).admin();
  await expect.poll(() => admin.connect().then(() => 'in')).toBe('in');
  await admin.disconnect();
});

it.each([
  [['--add-config', 'SCRAM-SHA-1=[password=x]'], '--add-config takes MECHANISM=[iterations=N,password=TEXT]'],
  [['--add-config', 'SCRAM-SHA-512=[iterations=1,password=x]'], 'iterations must be from 4096'],
  [['--add-config', 'retention.ms=1'], '--add-config takes MECHANISM'],
])('%j is refused with one line', async (words, reason) => {
  const { status, said } = await kafkaConfigs(...USER, ...words);
  expect(status).toBe(2);
  expect(said.trim().split('\n')).toHaveLength(1);
  expect(said).toContain(reason);
});
