/** What transactions leave in the files of a log, as Kafka's own DumpLogSegments reads it. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { PartitionLog } from '../../broker/log/partition-log.ts';
import { endTransactionMarker } from '../../broker/records/control.ts';
import { append, fixture } from '../unit/log/support.ts';
import { skipped } from './interop-cluster.ts';
import { JavaTools, jarsLack } from './java-jars.ts';

const VERSION = '3.9.1';
const TIMEOUT_MS = 120_000;
const lacks = jarsLack(VERSION);
const home = mkdtempSync(join(tmpdir(), 'odradek-files-'));
const folder = join(home, 'topic-0');

function write(log: PartitionLog, producerId: number, sequence: number, timestampMs: number): void {
  append(log, [`v${sequence}`], {
    producerId,
    producerEpoch: 4,
    baseSequence: sequence,
    transactional: true,
    timestampMs,
  });
}

function end(log: PartitionLog, producerId: number, committed: boolean, timestampMs: number): void {
  const marker = endTransactionMarker({
    committed,
    producerId,
    producerEpoch: 4,
    coordinatorEpoch: 6,
    timestampMs,
  });
  log.appendAsLeader(marker, { leaderEpoch: 0, origin: 'coordinator', apiVersion: 0 });
}

/** Producer 1 aborts, 2 commits, 1 aborts again, 3 stays open; then a clean stop. */
async function makeFiles(): Promise<void> {
  const made = fixture();
  const logs = await made.start();
  const log = logs.create('topic', 0, { isNew: true, topicId: null });
  const nowMs = made.clock.wallMs();
  write(log, 1, 0, nowMs);
  write(log, 2, 0, nowMs);
  end(log, 1, false, nowMs);
  write(log, 1, 1, nowMs);
  end(log, 2, true, nowMs);
  end(log, 1, false, nowMs);
  write(log, 3, 0, nowMs);
  logs.shutdown();
  mkdirSync(folder);
  for (const name of made.disk.list('/data/topic-0')) {
    writeFileSync(join(folder, name), made.disk.readFile(`/data/topic-0/${name}`));
  }
}

describe.skipIf(skipped(`DumpLogSegments of Kafka ${VERSION}`, lacks))('DumpLogSegments', () => {
  let tools: JavaTools;
  beforeAll(async () => {
    await makeFiles();
    tools = new JavaTools(VERSION);
  });
  afterAll(() => {
    tools?.close();
    rmSync(home, { recursive: true, force: true });
  });

  async function dump(name: string): Promise<string[]> {
    const argv = ['--files', join(folder, name)];
    const { status, out } = await tools.run('kafka.tools.DumpLogSegments', argv);
    expect(status).toBe(0);
    return out.split('\n').filter((line) => line !== '');
  }

  test(
    'lists the aborted transactions of our .txnindex',
    async () => {
      expect((await dump('00000000000000000000.txnindex')).slice(1)).toEqual([
        'version: 0 producerId: 1 firstOffset: 0 lastOffset: 2 lastStableOffset: 1',
        'version: 0 producerId: 1 firstOffset: 3 lastOffset: 5 lastStableOffset: 6',
      ]);
    },
    TIMEOUT_MS,
  );

  test(
    'finds the open transaction, and the epochs of the ended ones, in our .snapshot',
    async () => {
      const [, ...producers] = await dump('00000000000000000007.snapshot');
      expect(producers.map((line) => line.slice(0, line.indexOf(' lastTimestamp')))).toEqual([
        'producerId: 1 producerEpoch: 4 coordinatorEpoch: 6 currentTxnFirstOffset: OptionalLong.empty',
        'producerId: 2 producerEpoch: 4 coordinatorEpoch: 6 currentTxnFirstOffset: OptionalLong.empty',
        'producerId: 3 producerEpoch: 4 coordinatorEpoch: -1 currentTxnFirstOffset: OptionalLong[6]',
      ]);
    },
    TIMEOUT_MS,
  );

  test(
    'reads our markers',
    async () => {
      const lines = (await dump('00000000000000000000.log')).filter((line) =>
        line.includes('isControl: true'),
      );
      expect(
        lines.map((line) => line.includes('isTransactional: true') && line.includes('isvalid: true')),
      ).toEqual([true, true, true]);
      const argv = ['--print-data-log', '--files', join(folder, '00000000000000000000.log')];
      const { out } = await tools.run('kafka.tools.DumpLogSegments', argv);
      expect(out.match(/endTxnMarker: \w+ coordinatorEpoch: \d+/g)).toEqual([
        'endTxnMarker: ABORT coordinatorEpoch: 6',
        'endTxnMarker: COMMIT coordinatorEpoch: 6',
        'endTxnMarker: ABORT coordinatorEpoch: 6',
      ]);
    },
    TIMEOUT_MS,
  );
});
