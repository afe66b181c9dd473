/** What commands print arrives whole, however slow its reader is; a reader that goes away ends them quietly. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { buildBatch } from '../../../broker/records/build.ts';
import { startEmbeddedServer } from '../../../coordinator-client/embedded/server.ts';
import { freePort } from '../../../scripts/cluster/ports.ts';
import { type KitCluster, startCluster } from '../../kit/cluster.ts';
import { eventually } from '../../support/eventually.ts';
import { endLines, ODRADEK, type Outcome, run } from './command-line.ts';

const RECORDS = 20_000;
const PARTITIONS = 1200;
const LIMIT_MS = 60_000;
/** A reader that begins when the pipe has long been full. */
const SLOW = '(sleep 1; wc -l)';
const CLOSED_OUTPUT_STATUS = 141;

/** Without GNU's tail, consume hears of it at its next record. */
const hasWatcher = spawnSync('tail', ['--version'], { encoding: 'utf8' }).stdout?.includes('GNU') === true;

let directory: string;
let cluster: KitCluster;
let segment: string;

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'odradek-test-'));
  segment = join(directory, '00000000000000000000.log');
  const records = Array.from({ length: 100 }, (_, n) => ({ timestampMs: n, value: Buffer.from(`v-${n}`) }));
  const batches = Array.from({ length: RECORDS / records.length }, (_, n) =>
    buildBatch({ baseOffset: n * records.length, records }),
  );
  writeFileSync(segment, Buffer.concat(batches));
  cluster = await startCluster({ brokers: 1 });
  await run(`${odradek('topics')} --create --topic wide --partitions ${PARTITIONS}`);
  await run(`${odradek('topics')} --create --topic long --partitions 1`);
  await run(`seq 1 ${RECORDS} | ${odradek('produce')} --topic long`);
  await run(`${odradek('topics')} --create --topic short --partitions 1`);
  await run(`seq 1 3 | ${odradek('produce')} --topic short`);
}, 120_000);

afterEach(endLines);

afterAll(async () => {
  await cluster.close();
  rmSync(directory, { recursive: true, force: true });
});

function odradek(command: string): string {
  return `${ODRADEK} ${command} --bootstrap-server ${cluster.bootstrapServers}`;
}

const gone: Outcome = { out: '', err: '', status: CLOSED_OUTPUT_STATUS };

describe('what a slow reader gets', () => {
  it('of log dump is every line', async () => {
    const lines = RECORDS + RECORDS / 100 + 2;
    const { out, status } = await run(`${ODRADEK} log dump --print-data-log ${segment} | ${SLOW}`);
    expect([Number(out), status]).toEqual([lines, 0]);
  });

  it('of a list is every line', async () => {
    const { out, status } = await run(`${odradek('topics')} --describe --topic wide | ${SLOW}`);
    expect([Number(out), status]).toEqual([PARTITIONS + 1, 0]);
  });

  it('of consume is every record', async () => {
    const command = `${odradek('consume')} --topic long --from-beginning --max-messages ${RECORDS}`;
    const { out, status } = await run(`${command} | ${SLOW}`);
    expect([Number(out), status]).toEqual([RECORDS, 0]);
  });
});

describe('a reader that goes away ends', () => {
  it.each([
    ['--help', () => `${ODRADEK} --help`],
    ["a command's --help", () => `${ODRADEK} topics --help`],
    ['log dump', () => `${ODRADEK} log dump --print-data-log ${segment}`],
    ['a list', () => `${odradek('topics')} --describe --topic wide`],
    ['consume of a topic that has more', () => `${odradek('consume')} --topic long --from-beginning`],
    ['consume of a topic that has no more', () => `${odradek('consume')} --topic short --from-beginning`],
  ])('%s quietly', async (_, line) => {
    const { out, ...rest } = await run(`sleep 0.2; ${line()} | true`);
    expect({ ...rest, out }).toEqual(gone);
  });

  it.skipIf(!hasWatcher)('consume after its first record, and its group is gone', async () => {
    const command = `${odradek('consume')} --topic short --from-beginning`;
    expect(await run(`${command} | head -1`)).toEqual({ ...gone, out: '1\n' });
    expect((await run(`${odradek('groups')} --list`)).out).not.toContain('console-consumer');
  });
});

describe('an output that fails otherwise', () => {
  it.skipIf(!existsSync('/dev/full'))('is a failure, and named', async () => {
    const { err, status } = await run(`${ODRADEK} log dump --print-data-log ${segment} > /dev/full`);
    expect(status).toBe(1);
    expect(err).toContain('ENOSPC');
  });
});

describe('a server whose log nobody reads any more', () => {
  it('serves on', async () => {
    const zookeeper = await startEmbeddedServer({ host: '127.0.0.1', port: 0, tickMs: 100 });
    const peerPort = await freePort();
    const file = join(directory, 'server.properties');
    const properties = [
      'broker.id=1',
      'listeners=PLAINTEXT://127.0.0.1:0',
      `peer.listener=PEER://127.0.0.1:${peerPort}`,
      `log.dirs=${join(directory, 'data')}`,
      `zookeeper.connect=127.0.0.1:${zookeeper.port}`,
    ];
    writeFileSync(file, properties.join('\n'));
    const ended = run(`${ODRADEK} broker --config ${file} | true`);
    const health = (): Promise<boolean> =>
      fetch(`http://127.0.0.1:${peerPort}/healthz`).then(
        (answer) => answer.ok,
        () => false,
      );
    await eventually('the broker serves', health, LIMIT_MS);
    endLines();
    await ended;
    await zookeeper.close();
  }, 90_000);
});
