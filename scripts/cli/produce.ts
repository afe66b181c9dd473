/** `odradek produce`: lines of standard input become records, as with Kafka's console producer. */
import { createInterface } from 'node:readline';
import { type Arguments, type CommandSpec, UsageError } from './arguments.ts';
import { clientOptions } from './bootstrap.ts';
import { COMPRESSIONS, kafkaClient, reasonOfFailure } from './client.ts';
import { clientSecurity } from './client-security.ts';
import { LINE_PROPERTIES, LineReader } from './lines.ts';

const BATCH_RECORDS = 1000;
const BATCH_BYTES = 512 * 1024;
/** A terminal's line goes out at once; a file's lines are gathered. */
const LINGER_MS = 20;

interface Message {
  readonly key: string | null;
  readonly value: string | null;
  readonly headers: Record<string, string[]>;
}

export const produceCommand: CommandSpec = {
  name: 'produce',
  summary: 'Writes each line of standard input as a record.',
  options: [
    ...clientOptions,
    { name: 'topic', value: 'NAME', help: 'the topic', required: true },
    {
      name: 'acks',
      value: '-1|0|1',
      help: 'how many replicas must have a record: all in-sync ones (-1), none, the leader',
      fallback: '-1',
    },
    { name: 'compression-codec', value: 'CODEC', help: 'none, gzip, snappy, lz4 or zstd', fallback: 'none' },
    {
      name: 'key-separator',
      value: 'TEXT',
      help: 'what is before it on a line is the key: short for parse.key=true and key.separator=TEXT',
    },
    {
      name: 'property',
      value: 'KEY=VALUE',
      repeats: true,
      help: `how lines are read, as by Kafka's console producer: ${LINE_PROPERTIES}`,
    },
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
  const short = separator === null ? [] : ['parse.key=true', `key.separator=${separator}`];
  const reader = new LineReader([...short, ...given.all('property')]);
  const topic = given.needText('topic');
  const producer = kafkaClient(given.needText('bootstrap-server'), await clientSecurity(given)).producer({
    allowAutoTopicCreation: true,
  });
  await producer.connect();
  const send = (messages: Message[]): Promise<unknown> =>
    producer.send({ topic, acks, compression, messages });
  const count = await sendLines(reader, send).catch((error: unknown) => {
    throw reasonOfFailure(error);
  });
  await producer.disconnect();
  process.stderr.write(`${count} records\n`);
  return 0;
}

async function sendLines(
  reader: LineReader,
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
  try {
    for await (const line of createInterface({ input: process.stdin, crlfDelay: Number.POSITIVE_INFINITY })) {
      const { key, value, headers } = reader.record(line);
      gathered.push({ key, value, headers: Object.fromEntries([...headers].map(([k, v]) => [k, [...v]])) });
      gatheredBytes += line.length;
      count++;
      if (gathered.length >= BATCH_RECORDS || gatheredBytes >= BATCH_BYTES) await flush();
      else timer ??= setTimeout(() => void flush().catch(() => {}), LINGER_MS);
    }
  } finally {
    // Also when a line can't be read: those before it are sent.
    await flush();
  }
  return count;
}
