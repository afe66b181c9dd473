/**
 * A cluster of processes for clients that know nothing of us, and what those clients' suites share:
 * programs in other languages that do one step after the other, and a look at what is on the wire.
 */
import { execFile, execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect } from 'vitest';
import { systemPlatform } from '../../broker/platform/system-platform.ts';
import { KafkaConnection } from '../../broker/protocol/client.ts';
import { Fetch } from '../../broker/protocol/messages/01-fetch.ts';
import { batchCodec, batchMagic } from '../../broker/records/batch.ts';
import { LocalCluster } from '../../scripts/cluster/local-cluster.ts';

const run = promisify(execFile);
const SESSION_TIMEOUT_MS = 6000;
const PROGRAM_TIMEOUT_MS = 90_000;
/** confluent-kafka of today, whose librdkafka is years younger than Debian's. */
export const CURRENT_CONFLUENT = '2.16.1';
export const CLIENTS = join(import.meta.dirname, 'clients');

export interface InteropCluster {
  readonly cluster: LocalCluster;
  readonly bootstrap: string;
  readonly directory: string;
  /** A connection of our own to a broker. */
  connect(brokerId?: number, host?: string): Promise<KafkaConnection>;
  close(): Promise<void>;
}

export async function startInteropCluster(
  options: { brokers?: number; properties?: Record<string, string>; sessionTimeoutMs?: number } = {},
): Promise<InteropCluster> {
  const directory = mkdtempSync(join(tmpdir(), 'odradek-interop-'));
  const cluster = await LocalCluster.start({
    brokers: options.brokers ?? 3,
    basePort: 0,
    directory,
    zookeeper: null,
    zookeeperPort: 0,
    sessionTimeoutMs: options.sessionTimeoutMs ?? SESSION_TIMEOUT_MS,
    properties: { 'group.initial.rebalance.delay.ms': '0', ...options.properties },
  });
  const connections: KafkaConnection[] = [];
  return {
    cluster,
    directory,
    bootstrap: cluster.bootstrapServers,
    async connect(brokerId = 1, host = '127.0.0.1') {
      const { port } = cluster.broker(brokerId);
      const to = { host, port, clientId: 'interop', timeoutMs: 20_000 };
      const connection = await KafkaConnection.connect(systemPlatform().sockets, to);
      connections.push(connection);
      return connection;
    },
    async close() {
      for (const each of connections) each.close();
      await cluster.abandon();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

/** What steps a program took and how each ended; the program says so in lines of JSON. */
export type Steps = ReadonlyMap<string, string | null>;

export async function runSteps(command: string, argv: readonly string[]): Promise<Steps> {
  const env = { ...process.env, PYTHONDONTWRITEBYTECODE: '1' };
  const { stdout } = await run(command, [...argv], { timeout: PROGRAM_TIMEOUT_MS, env });
  const lines = stdout.split('\n').filter((line) => line.startsWith('{"step"'));
  return new Map(
    lines.map((line) => {
      const { step, problem } = JSON.parse(line) as { step: string; problem: string | null };
      return [step, problem];
    }),
  );
}

/** The step was taken and went well. */
export function expectStep(steps: Steps, step: string): void {
  expect(steps.has(step) ? steps.get(step) : 'the program did not get there', step).toBeNull();
}

/** One line for the suite of a client that is not here, and whether to skip it. */
export function skipped(client: string, lacks: string | null): boolean {
  if (lacks !== null) console.log(`skipped: ${client}: ${lacks}`);
  return lacks !== null;
}

/** Why a program can't be run here; null when it can. */
export function commandLacks(command: string, argv: readonly string[]): string | null {
  try {
    execFileSync(command, [...argv], { stdio: 'ignore', timeout: 60_000 });
    return null;
  } catch {
    return `'${[command, ...argv].join(' ')}' does not run on this machine`;
  }
}

/** Format and codec of the first batch of partition 0, as it is stored by its leader. */
export async function storedAs(
  interop: InteropCluster,
  topic: string,
): Promise<{ magic: number; codec: string }> {
  for (const { id } of interop.cluster.brokers) {
    const connection = await interop.connect(id);
    const answer = await connection.request(
      Fetch,
      {
        maxWaitMs: 0,
        minBytes: 0,
        topics: [{ topic, partitions: [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 1 << 20 }] }],
      },
      11,
    );
    const records = answer.responses[0]?.partitions[0]?.records;
    if (records !== null && records !== undefined && records.length > 0) {
      return { magic: batchMagic(records, 0), codec: batchCodec(records, 0) };
    }
  }
  throw new Error(`no broker has records of ${topic}`);
}
