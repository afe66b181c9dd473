/** Checksums and LZ4 where the native modules are broken: done in JavaScript, and the log says so once. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { Broker } from '../../../broker/broker.ts';
import { brokerConfig } from '../../../broker/config/broker-config.ts';
import { systemClock } from '../../../broker/platform/clock.ts';
import { silent } from '../../../broker/platform/diagnostics.ts';
import { WorkerPool } from '../../../broker/platform/worker-pool.ts';
import { buildBatch } from '../../../broker/records/build.ts';
import { crc32c, crc32cInScript } from '../../../broker/records/crc32c.ts';
import { compressLz4, decompressLz4 } from '../../../broker/records/lz4.ts';
import { SEARCH_JOB } from '../../../broker/records/time-search.ts';
import { World } from '../../support/world.ts';

const folder = mkdtempSync(join(tmpdir(), 'odradek-broken-'));
const binary = join(folder, 'broken.node');
writeFileSync(binary, 'no program');
// The loaders of both packages take this in the place of what is installed.
process.env['NAPI_RS_NATIVE_LIBRARY_PATH'] = binary;
afterAll(() => rmSync(folder, { recursive: true }));

/** It can be packed, and is then still so much that native code would be worth its call. */
const BYTES = Buffer.concat([
  Buffer.from(Array.from({ length: 4096 }, (_, at) => (at * at * 31) >> (at % 7))),
  Buffer.alloc(4096),
]);

async function brokerOf(world: World): Promise<Broker> {
  const host = 'broker1';
  const properties = {
    'broker.id': '1',
    'zookeeper.connect': 'tree:2181',
    'log.dirs': '/data',
    listeners: `PLAINTEXT://${host}:9092`,
    'peer.listener': `PEER://${host}:9093`,
  };
  const config = brokerConfig(new Map(Object.entries(properties)));
  const platform = world.platform(host);
  const broker = new Broker({ config, platform, coordinators: world.source(), hostName: host });
  await world.settled(broker.start());
  return broker;
}

it('a broker says once which of them it does without, when it first needs them, and does all the same', async () => {
  const world = new World();
  const broker = await brokerOf(world);
  const said = () => world.lines.filter((line) => line.includes("can't be loaded"));
  expect(said()).toEqual([]);
  const packed = compressLz4(BYTES);
  for (let time = 0; time < 2; time++) {
    expect(crc32c(BYTES)).toBe(crc32cInScript(BYTES));
    expect(decompressLz4(packed, BYTES.length).equals(BYTES)).toBe(true);
  }
  const inJavaScript = [
    `WARN @node-rs/crc32 can't be loaded, so checksums of batches are summed in JavaScript, which is slower: ${binary}`,
    `WARN lz4-napi can't be loaded, so blocks of LZ4 are opened in JavaScript, which is slower: ${binary}`,
  ];
  expect(said()).toEqual(inJavaScript.map((line) => expect.stringContaining(line)));
  // Nor again where a thread of the process finds the same.
  const pool = new WorkerPool({ clock: systemClock, diagnostics: silent, threads: 1, idleMs: 60_000 });
  const batch = new Uint8Array(buildBatch({ codec: 'lz4', records: [{ timestampMs: 7, value: BYTES }] }));
  const limits = { batchBytes: 1e6, batchRecords: 1e6, requestBytes: 1e6, requestRecords: 1e6 };
  const wanted = { timestampMs: 5, fromOffset: 0 };
  const { found } = await pool.run(SEARCH_JOB, () => ({ batch, wanted, limits }), 'a');
  await pool.close();
  expect(found?.timestampMs).toBe(7);
  expect(said()).toHaveLength(2);
  await world.settled(broker.shutdown());
});
