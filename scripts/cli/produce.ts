/** `odradek produce`: lines of standard input become records, as with Kafka's console producer. */
import { createInterface } from 'node:readline';
import { type Arguments, type CommandSpec, UsageError } from './arguments.ts';
import { bootstrapOption, COMPRESSIONS, kafkaClient } from './client.ts';

const BATCH_RECORDS = 1000;
const BATCH_BYTES = 512 * 1024;
/** A terminal's line goes out at once; a file's lines are gathered. */
const LINGER_MS = 20;

interface Message {
  readonly key: string | null;
  readonly value: string;
}

export const produceCommand: CommandSpec = {
  name: 'produce',
  summary: 'Writes each line of standard input as a record.',
  options: [
    bootstrapOption,
    { name: 'topic', value: 'NAME', help: 'the topic', required: true },
    {
      name: 'acks',
      value: '-1|0|1',
      help: 'how many replicas must have a record: all in-sync ones (-1), none, the leader',
      fallback: '-1',
    },
    { name: 'compression-codec', value: 'CODEC', help: 'none, gzip, snappy, lz4 or zstd', fallback: 'none' },
    { name: 'key-separator', value: 'TEXT', help: 'what is before it on a line is the key' },
  ],
  run,
};

async function run(given: Arguments): Promise<number> {
  const acks = given.needText('acks') === 'all' ? -1 : Number(given.needText('acks'));
  if (![-1, 0, 1].includes(acks))
    throw new UsageError(`--acks must be -1 (or all), 0 or 1, not '${given.text('acks')}'`);
  const compression = COMPRESSIONS[given.needText('compression-codec')];
  if (compression === undefined)
    throw new UsageError(`--compression-codec must be one of ${Object.keys(COMPRESSIONS).join(', ')}`);
  const separator = given.text('key-separator');
  const topic = given.needText('topic');
  const producer = kafkaClient(given.needText('bootstrap-server')).producer({ allowAutoTopicCreation: true });
  await producer.connect();
  const send = (messages: Message[]): Promise<unknown> =>
    producer.send({ topic, acks, compression, messages });
  const count = await sendLines(separator, send);
  await producer.disconnect();
  process.stderr.write(`${count} records\n`);
  return 0;
}

async function sendLines(
  separator: string | null,
  send: (messages: Message[]) => Promise<unknown>,
): Promise<number> {
  let gathered: Message[] = [];
  let gatheredBytes = 0;
  let count = 0;
  let sending: Promise<unknown> = Promise.resolve();
  let timer: NodeJS.Timeout | null = null;
  const flush = (): Promise<unknown> => {
    if (timer !== null) clearTimeout(timer);
    timer = null;
    const messages = gathered;
    gathered = [];
    gatheredBytes = 0;
    if (messages.length > 0) sending = sending.then(() => send(messages));
    return sending;
  };
  for await (const line of createInterface({ input: process.stdin, crlfDelay: Number.POSITIVE_INFINITY })) {
    gathered.push(messageOf(line, separator));
    gatheredBytes += line.length;
    count++;
    if (gathered.length >= BATCH_RECORDS || gatheredBytes >= BATCH_BYTES) await flush();
    else timer ??= setTimeout(() => void flush().catch(() => {}), LINGER_MS);
  }
  await flush();
  return count;
}

function messageOf(line: string, separator: string | null): Message {
  if (separator === null) return { key: null, value: line };
  const at = line.indexOf(separator);
  if (at < 0) throw new Error(`no key separator '${separator}' in the line '${line}'`);
  return { key: line.slice(0, at), value: line.slice(at + separator.length) };
}
