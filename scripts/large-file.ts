/**
 * A large real file through a real cluster: kcat produces it with each codec to a topic of three
 * partitions and three replicas, a kafkajs group of three reads it, and what came out is compared byte
 * for byte. With --kill-leader the leader of a partition dies (kill -9) in the middle.
 */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createReadStream, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Arguments, type CommandSpec, UsageError } from './cli/arguments.ts';
import { COMPRESSIONS, kafkaClient } from './cli/client.ts';
import { untilOutputFails } from './cli/output.ts';
import { runCommand } from './cli/run.ts';
import { clusterOptionSpecs, clusterOptions } from './cluster/cluster-options.ts';
import { LocalCluster } from './cluster/local-cluster.ts';

const PARTITIONS = 3;
const READ_TIMEOUT_MS = 300_000;
const METADATA_ATTEMPTS = 20;
const METADATA_PAUSE_MS = 100;

const largeFile: CommandSpec = {
  name: 'large-file',
  summary: 'Sends a file through a cluster with every codec and compares what comes out.',
  options: [
    { name: 'file', value: 'FILE', help: 'the file; empty lines are left out, as kcat does', required: true },
    { name: 'codecs', value: 'CODEC,…', help: 'which codecs', fallback: Object.keys(COMPRESSIONS).join(',') },
    { name: 'kill-leader', help: 'kill a leader while the file is being produced' },
    ...clusterOptionSpecs.filter(({ name }) => name !== 'data-dir'),
  ],
  outlivesOutput: true,
  run,
};

async function run(given: Arguments): Promise<number> {
  const codecs = given.needText('codecs').split(',');
  for (const codec of codecs)
    if (!(codec in COMPRESSIONS))
      throw new UsageError(`--codecs takes ${Object.keys(COMPRESSIONS).join(', ')}, not '${codec}'`);
  const options = await clusterOptions(given);
  const directory = mkdtempSync(join(tmpdir(), 'odradek-'));
  const parts = split(given.needText('file'), directory);
  const cluster = await LocalCluster.start({ ...options, directory: join(directory, 'cluster') });
  let same = true;
  try {
    for (const codec of codecs)
      same =
        (await Promise.race([
          throughCluster(cluster, codec, parts, given.flag('kill-leader')),
          untilOutputFails(),
        ])) && same;
  } finally {
    await cluster.abandon();
    rmSync(directory, { recursive: true, force: true });
  }
  return same ? 0 : 1;
}

interface Part {
  readonly file: string;
  readonly lines: number;
  readonly sizeBytes: number;
  readonly digest: string;
}

/** The file's lines in as many files as there are partitions. */
function split(file: string, directory: string): Part[] {
  const lines = readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line !== '');
  const each = Math.ceil(lines.length / PARTITIONS);
  return Array.from({ length: PARTITIONS }, (_, index) => {
    const own = lines.slice(index * each, (index + 1) * each);
    const text = own.map((line) => `${line}\n`).join('');
    const target = join(directory, `part-${index}`);
    writeFileSync(target, text);
    return {
      file: target,
      lines: own.length,
      sizeBytes: Buffer.byteLength(text),
      digest: createHash('sha256').update(text).digest('hex'),
    };
  });
}

async function throughCluster(
  cluster: LocalCluster,
  codec: string,
  parts: readonly Part[],
  killLeader: boolean,
): Promise<boolean> {
  const topic = `file-${codec}`;
  const admin = kafkaClient(cluster.bootstrapServers).admin();
  await admin.connect();
  await admin.createTopics({
    waitForLeaders: true,
    topics: [{ topic, numPartitions: PARTITIONS, replicationFactor: 3 }],
  });
  const victim = await leaderOf(admin, topic);
  await admin.disconnect();
  const startedMs = performance.now();
  const producing = Promise.all(
    parts.map((part, partition) => produce(cluster, { topic, codec, partition, file: part.file })),
  );
  if (killLeader) await cluster.broker(victim).child.kill();
  await producing;
  const producedMs = performance.now();
  const digests = await readBack(cluster, topic, parts);
  const readMs = performance.now();
  if (killLeader) await cluster.restart(victim);
  const same = parts.every((part, index) => part.digest === digests[index]);
  const lines = parts.reduce((sum, part) => sum + part.lines, 0);
  const mib = parts.reduce((sum, part) => sum + part.sizeBytes, 0) / 2 ** 20;
  const seconds = (ms: number): string => `${(ms / 1000).toFixed(2)} s`;
  console.log(
    `${codec.padEnd(7)}${same ? 'byte-identical' : 'DIFFERENT'}  ${lines} lines, ${mib.toFixed(1)} MiB: produced in ${seconds(producedMs - startedMs)}, read by a group of three in ${seconds(readMs - producedMs)}${killLeader ? `, broker ${victim} killed in the middle` : ''}`,
  );
  return same;
}

/** The broker asked may hear of the topic a moment after the controller, which has answered already. */
async function leaderOf(
  admin: ReturnType<ReturnType<typeof kafkaClient>['admin']>,
  topic: string,
): Promise<number> {
  for (let attempt = 1; ; attempt++) {
    try {
      // Makes the offsets topic while all brokers are up: with one of three dead it can't be made, as in Kafka.
      await admin.fetchOffsets({ groupId: `${topic}-readers`, topics: [topic] });
      const { topics } = await admin.fetchTopicMetadata({ topics: [topic] });
      return topics[0]?.partitions[0]?.leader ?? 1;
    } catch (error) {
      if (attempt === METADATA_ATTEMPTS) throw error;
      await new Promise((resolve) => setTimeout(resolve, METADATA_PAUSE_MS));
    }
  }
}

function produce(
  cluster: LocalCluster,
  to: { topic: string; codec: string; partition: number; file: string },
): Promise<void> {
  const settings = ['acks=all', 'enable.idempotence=true', 'message.timeout.ms=120000'].flatMap((setting) => [
    '-X',
    setting,
  ]);
  const argv = [
    '-b',
    cluster.bootstrapServers,
    '-P',
    '-t',
    to.topic,
    '-p',
    String(to.partition),
    '-z',
    to.codec,
    '-q',
    ...settings,
  ];
  return new Promise((resolve, reject) => {
    const kcat = spawn('kcat', argv, { stdio: ['pipe', 'ignore', 'pipe'] });
    let words = '';
    kcat.stderr.on('data', (chunk) => {
      words = (words + String(chunk)).slice(-2000);
    });
    kcat.once('error', () => reject(new UsageError('kcat is needed and was not found')));
    kcat.once('exit', (code) =>
      code === 0 ? resolve() : reject(new Error(`kcat ended with ${code}: ${words}`)),
    );
    createReadStream(to.file).pipe(kcat.stdin);
  });
}

/** A digest of each partition as a group of three consumers read it. */
async function readBack(cluster: LocalCluster, topic: string, parts: readonly Part[]): Promise<string[]> {
  const hashes = parts.map(() => createHash('sha256'));
  const left = parts.map((part) => part.lines);
  const kafka = kafkaClient(cluster.bootstrapServers);
  const consumers = parts.map(() =>
    kafka.consumer({ groupId: `${topic}-readers`, maxWaitTimeInMs: 250, maxBytesPerPartition: 1 << 20 }),
  );
  await Promise.all(
    consumers.map(async (consumer) => {
      await consumer.connect();
      await consumer.subscribe({ topic, fromBeginning: true });
    }),
  );
  await new Promise<void>((resolve, reject) => {
    const timer = setTimeout(
      () => reject(new Error(`not read within ${READ_TIMEOUT_MS} ms; missing ${left}`)),
      READ_TIMEOUT_MS,
    );
    for (const consumer of consumers) {
      void consumer.run({
        eachBatch: ({ batch, resolveOffset }) => {
          for (const message of batch.messages) {
            hashes[batch.partition]?.update(`${message.value}\n`);
            left[batch.partition] = (left[batch.partition] ?? 0) - 1;
            resolveOffset(message.offset);
          }
          if (left.every((lines) => lines <= 0)) {
            clearTimeout(timer);
            resolve();
          }
          return Promise.resolve();
        },
      });
    }
  });
  await Promise.all(consumers.map((consumer) => consumer.disconnect()));
  return hashes.map((hash) => hash.digest('hex'));
}

await runCommand(largeFile, './scripts/large-file', process.argv.slice(2));
