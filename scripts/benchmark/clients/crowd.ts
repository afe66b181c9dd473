/**
 * A thousand clients in one process, which no foreign client can be on a machine of two cores: each is a
 * connection of its own that speaks the protocol, the same for both systems. A program:
 *   crowd consumers PORT TOPIC PARTITIONS CLIENTS RECORDS PER_SECOND
 *   crowd producers PORT TOPIC PARTITIONS CLIENTS RECORDS
 * Consumers each read one partition as its records come, which one more connection sends at that rate: how
 * long each takes to each of them is measured, once all wait. Producers each send a record of 100 B, wait
 * for its acknowledgement, and send the next. Prints a line of JSON; the first error ends it.
 */

import { systemPlatform } from '../../../broker/platform/system-platform.ts';
import { KafkaConnection } from '../../../broker/protocol/client.ts';
import { Produce } from '../../../broker/protocol/messages/00-produce.ts';
import { Fetch } from '../../../broker/protocol/messages/01-fetch.ts';
import { batchLastOffset, completeBatches } from '../../../broker/records/batch.ts';
import { buildBatch } from '../../../broker/records/build.ts';
import { pause } from '../systems/wire.ts';

const RECORD_BYTES = 100;
const CONNECT_TIMEOUT_MS = 30_000;
const REQUEST_TIMEOUT_MS = 30_000;
/** As clients have it. */
const FETCH_WAIT_MS = 500;
const FETCH_BYTES = 1024 * 1024;
/** Topics by name: the newest version that both have. */
const FETCH_VERSION = 11;
const PRODUCE_VERSION = 9;
const DIALLED_AT_ONCE = 50;
/** Until all of them wait at the broker. */
const SETTLE_MS = 2000;

const [kind = '', ...words] = process.argv.slice(2);
const [portWord, topic = '', partitionsWord, clientsWord, recordsWord, rateWord] = words;
const [port, partitions, clients, records, perSecond] = [
  portWord,
  partitionsWord,
  clientsWord,
  recordsWord,
  rateWord,
].map(Number) as [number, number, number, number, number];
const { sockets } = systemPlatform();

function connect(): Promise<KafkaConnection> {
  const to = { host: '127.0.0.1', port, clientId: 'crowd', timeoutMs: CONNECT_TIMEOUT_MS };
  return KafkaConnection.connect(sockets, to);
}

async function crowd(): Promise<KafkaConnection[]> {
  const made: KafkaConnection[] = [];
  while (made.length < clients) {
    const count = Math.min(DIALLED_AT_ONCE, clients - made.length);
    made.push(...(await Promise.all(Array.from({ length: count }, connect))));
  }
  return made;
}

async function send(connection: KafkaConnection, index: number): Promise<number> {
  const value = Buffer.alloc(RECORD_BYTES, 'x');
  const batch = buildBatch({ records: [{ timestampMs: Date.now(), value }] });
  const answer = await connection.request(
    Produce,
    {
      acks: 1,
      timeoutMs: REQUEST_TIMEOUT_MS,
      topicData: [{ name: topic, partitionData: [{ index, records: batch }] }],
    },
    PRODUCE_VERSION,
  );
  const [partition] = answer.responses[0]?.partitionResponses ?? [];
  if (partition?.errorCode !== 0) throw new Error(`produce: error ${partition?.errorCode}`);
  return partition.baseOffset;
}

async function fetched(connection: KafkaConnection, partition: number, fetchOffset: number): Promise<number> {
  const asked = { partition, fetchOffset, partitionMaxBytes: FETCH_BYTES };
  const answer = await connection.request(
    Fetch,
    {
      maxWaitMs: FETCH_WAIT_MS,
      minBytes: 1,
      maxBytes: FETCH_BYTES,
      topics: [{ topic, partitions: [asked] }],
    },
    FETCH_VERSION,
  );
  const [read] = answer.responses[0]?.partitions ?? [];
  if (read === undefined || read.errorCode !== 0) throw new Error(`fetch: error ${read?.errorCode}`);
  const bytes = read.records;
  if (bytes === null) return fetchOffset;
  let next = fetchOffset;
  for (const at of completeBatches(bytes, 0, bytes.length)) next = batchLastOffset(bytes, at) + 1;
  return next;
}

/** From the moment each record is due to that at which each consumer has it. */
async function consumers(): Promise<number[]> {
  const latencies: number[] = [];
  const dueMs: number[][] = Array.from({ length: partitions }, () => []);
  const each = Math.floor(records / partitions);
  const all = await crowd();
  const reading = all.map(async (connection, at) => {
    const partition = at % partitions;
    for (let offset = 0; offset < each; ) {
      const next = await fetched(connection, partition, offset);
      const nowMs = performance.now();
      for (; offset < next; offset++) latencies.push(nowMs - (dueMs[partition]?.[offset] ?? Number.NaN));
    }
  });
  await Promise.race([pause(SETTLE_MS), ...reading]);
  const producer = await connect();
  const beginMs = performance.now();
  const sent: Promise<number>[] = [];
  for (let number = 0; number < each * partitions; number++) {
    const at = beginMs + (number * 1000) / perSecond;
    await pause(Math.max(0, at - performance.now()));
    dueMs[number % partitions]?.push(at);
    sent.push(send(producer, number % partitions));
  }
  await Promise.all(sent);
  await Promise.all(reading);
  return latencies;
}

async function producers(): Promise<number[]> {
  const latencies: number[] = [];
  const all = await crowd();
  beganMs = performance.now();
  let left = records;
  await Promise.all(
    all.map(async (connection, at) => {
      while (left > 0) {
        left -= 1;
        const beginMs = performance.now();
        await send(connection, at % partitions);
        latencies.push(performance.now() - beginMs);
      }
    }),
  );
  return latencies;
}

/** When all were connected. */
let beganMs = performance.now();
const latencies = await (kind === 'consumers' ? consumers() : producers());
const seconds = (performance.now() - beganMs) / 1000;
latencies.sort((a, b) => a - b);
const quantile = (share: number): number => latencies[Math.floor(latencies.length * share)] ?? Number.NaN;
const told = { count: latencies.length, seconds, p50: quantile(0.5), p99: quantile(0.99) };
console.log(JSON.stringify({ ...told, p999: quantile(0.999) }));
process.exit();
