/** What users of the package write: one small file for each test runner, and one for the compiler. */

const ROUND_TRIP = `
const { Kafka, logLevel } = require('kafkajs');

/** Starts a cluster, writes a record to it with an ordinary client, and resolves with what is read back. */
exports.roundTrip = async (startCluster) => {
  const cluster = await startCluster({ brokers: 3 });
  const kafka = new Kafka({ brokers: cluster.bootstrapServers.split(','), logLevel: logLevel.NOTHING });
  const producer = kafka.producer();
  await producer.connect();
  await producer.send({ topic: 't', acks: -1, messages: [{ value: 'hello' }] });
  await producer.disconnect();
  const consumer = kafka.consumer({ groupId: 'g', maxWaitTimeInMs: 100 });
  await consumer.connect();
  await consumer.subscribe({ topic: 't', fromBeginning: true });
  const value = await new Promise((resolve) => {
    consumer.run({ eachMessage: async ({ message }) => resolve(String(message.value)) });
  });
  await consumer.disconnect();
  await cluster.close();
  return value;
};
`;

const required = (directory = '.') => `
const { startCluster } = require('odradek/testkit');
const { roundTrip } = require('${directory}/round-trip.cjs');
`;
const imported = (directory = '.') => `
import { startCluster } from 'odradek/testkit';
import { roundTrip } from '${directory}/round-trip.cjs';
`;

export const PROGRAMS: Readonly<Record<string, string>> = {
  'round-trip.cjs': ROUND_TRIP,
  'node-test.mjs': `${imported()}
import { equal } from 'node:assert/strict';
import { test } from 'node:test';
test('round trip', async () => equal(await roundTrip(startCluster), 'hello'));
`,
  'vitest.test.mjs': `${imported()}
import { expect, test } from 'vitest';
test('round trip', async () => expect(await roundTrip(startCluster)).toBe('hello'), 60_000);
`,
  'jest/commonjs.test.js': `${required('..')}
test('round trip', async () => expect(await roundTrip(startCluster)).toBe('hello'), 60_000);
`,
  'jest/modules.test.js': `${imported('..')}
test('round trip', async () => expect(await roundTrip(startCluster)).toBe('hello'), 60_000);
`,
  'jest/.babelrc': '{ "plugins": ["@babel/plugin-transform-modules-commonjs"] }\n',
  'mocha.spec.cjs': `${required()}
const { equal } = require('node:assert/strict');
it('round trip', async () => equal(await roundTrip(startCluster), 'hello')).timeout(60_000);
`,
  'thread.cjs': `
const { dirname, join } = require('node:path');
const { Worker } = require('node:worker_threads');
const [job, batch] = process.argv.slice(2);
const worker = new Worker(join(dirname(require.resolve('odradek/package.json')), 'dist', 'worker.js'));
const limits = { batchBytes: 1e6, batchRecords: 1e6, requestBytes: 1e6, requestRecords: 1e6 };
const wanted = { timestampMs: 5, fromOffset: 0 };
worker.on('message', (report) => {
  console.log(JSON.stringify(report));
  if (report.ready) worker.postMessage({ job, input: { batch: Buffer.from(batch, 'base64'), wanted, limits } });
  else if (!report.line) worker.terminate();
});
`,
  'embedded.mjs': `
import { startBroker, startCluster } from 'odradek';
for (const started of [await startBroker(), await startCluster({ brokers: 1 })]) {
  console.log(started.bootstrapServers);
  await started.close();
}
await startBroker({ properties: { 'num.partition': '1' } }).catch((error) => console.log(error.message));
`,
  'threads.mjs': `
import kafkajs from 'kafkajs';
import { startBroker } from 'odradek';
const lines = [];
const started = await startBroker({ log: (line) => lines.push(line) });
const producer = new kafkajs.Kafka({ brokers: [started.bootstrapServers], logLevel: kafkajs.logLevel.NOTHING }).producer();
await producer.connect();
const [taken] = await producer.send({
  topic: 't',
  compression: kafkajs.CompressionTypes.GZIP,
  messages: [{ value: Buffer.alloc(5_000_000) }],
});
await producer.disconnect();
await started.close();
console.log(taken.errorCode, lines.filter((line) => line.includes('hold up everybody')).length);
`,
  'cache-seen.cjs': `
const vm = require('node:vm');
let seen = 'no cache';
vm.Script = class extends vm.Script {
  constructor(...args) {
    super(...args);
    if (this.cachedDataRejected !== undefined) seen = 'cachedDataRejected: ' + this.cachedDataRejected;
  }
};
exports.seen = () => seen;
`,
  'say-cache-seen.cjs': `
const { seen } = require('./cache-seen.cjs');
process.once('exit', () => console.log(seen()));
`,
  'cache-verdict.cjs': `
const { seen } = require('./cache-seen.cjs');
const { startCluster } = require('odradek/testkit');
console.log(seen() + ', testkit: ' + typeof startCluster);
`,
  'start-and-close.cjs': `
const { startCluster } = require('odradek/testkit');
startCluster({ brokers: 3 }).then((cluster) => cluster.close()).then(() => console.log('closed'));
`,
  'loaded.mjs': `
import { startCluster } from 'odradek/testkit';
const cluster = await startCluster({ brokers: 3 });
const loaded = process.moduleLoadList.map((entry) => /^NativeModule (.*)$/.exec(entry)?.[1]).filter(Boolean);
await cluster.close();
console.log(JSON.stringify(loaded));
`,
  'types/module.mts': `
import { type Started, startBroker } from 'odradek';
import { type BrokerInside, brokerFaults, startCluster } from 'odradek/testkit';
const cluster = await startCluster({ brokers: 1, properties: { 'num.partitions': '3' } });
const inside: BrokerInside | undefined = cluster.brokers[0]?.inside;
const end: number | undefined = inside?.logs.log('t', 0)?.endOffset;
await brokerFaults('http://127.0.0.1:9190').strike('link-cut', { to: 2, forMs: 5000 });
// @ts-expect-error: there is no such parameter
await brokerFaults('http://127.0.0.1:9190').strike('link-cut', { too: 2, forMs: 5000 });
const servers: string = cluster.bootstrapServers;
const started: Started = await startBroker({ log: (line) => console.log(line.length) });
// @ts-expect-error: it is checked at all
await startBroker({ properties: { 'num.partitions': 3 } });
console.log(servers, started.bootstrapServers, end);
`,
  'types/common.cts': `
import { startBroker } from 'odradek';
import { startCluster } from 'odradek/testkit';
export const all = [startBroker, startCluster];
`,
};
