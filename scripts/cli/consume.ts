/** `odradek consume`: records of a topic on standard output, as with Kafka's console consumer. */
import { randomUUID } from 'node:crypto';
import type { KafkaMessage } from 'kafkajs';
import { toInt64 } from '../../broker/int64.ts';
import { untilSignalled } from '../cluster/ending.ts';
import type { Arguments, CommandSpec } from './arguments.ts';
import { clientOptions, jsonOption } from './bootstrap.ts';
import { kafkaClient } from './client.ts';
import { clientSecurity } from './client-security.ts';
import { jsonLine } from './json-line.ts';
import { print, untilOutputFails, watchReader } from './output.ts';

export const consumeCommand: CommandSpec = {
  name: 'consume',
  summary: 'Writes the values of records, one a line, until Ctrl-C.',
  options: [
    ...clientOptions,
    { name: 'topic', value: 'NAME', help: 'the topic', required: true },
    {
      name: 'from-beginning',
      help: 'where the group has no committed offset: from the first record, not the next',
    },
    { name: 'group', value: 'ID', help: 'the consumer group (otherwise one of its own)' },
    { name: 'max-messages', value: 'N', kind: 'integer', min: 1, help: 'end after so many records' },
    {
      name: 'timeout-ms',
      value: 'MS',
      kind: 'integer',
      min: 1,
      help: 'end when no record has come for so long',
    },
    { name: 'print-key', help: 'key, a tab, then the value; null is none' },
    jsonOption,
  ],
  outlivesOutput: true,
  run,
};

async function run(given: Arguments): Promise<number> {
  const own = given.text('group') === null;
  const groupId = given.text('group') ?? `console-consumer-${randomUUID().slice(0, 8)}`;
  const kafka = kafkaClient(given.needText('bootstrap-server'), await clientSecurity(given));
  // kafkajs leaves only when its fetch has been answered: a short wait makes for a quick end.
  const consumer = kafka.consumer({ groupId, maxWaitTimeInMs: 250 });
  await consumer.connect();
  await consumer.subscribe({ topic: given.needText('topic'), fromBeginning: given.flag('from-beginning') });
  const enough = new Enough(given.integer('max-messages'), given.integer('timeout-ms'));
  await consumer.run({
    eachMessage: async ({ partition, message }) => {
      // What fails here is told by untilOutputFails.
      if (enough.one()) await print(shown(given, partition, message)).catch(() => {});
    },
  });
  watchReader();
  const ended = Promise.race([enough.reached, untilSignalled(), untilOutputFails()]);
  try {
    await ended;
  } finally {
    await consumer.disconnect();
    if (own) await forget(kafka, groupId);
  }
  process.stderr.write(`Processed a total of ${enough.count} messages\n`);
  return 0;
}

function shown(given: Arguments, partition: number, message: KafkaMessage): string {
  const value = message.value?.toString() ?? null;
  const key = message.key?.toString() ?? null;
  const [offset, timestamp] = [Number(message.offset), toInt64(BigInt(message.timestamp))];
  if (given.flag('json')) {
    const headers = Object.entries(message.headers ?? {}).flatMap(([name, one]) =>
      [one].flat().map((each) => ({ key: name, value: each?.toString() ?? null })),
    );
    return jsonLine({ partition, offset, timestamp, key, value, headers });
  }
  return given.flag('print-key') ? `${key}\t${value}` : String(value);
}

/** A group made for one run leaves no trace. */
async function forget(kafka: ReturnType<typeof kafkaClient>, groupId: string): Promise<void> {
  const admin = kafka.admin();
  await admin.connect();
  await admin.deleteGroups([groupId]).catch(() => {});
  await admin.disconnect();
}

/** When to stop: after so many records, or so long without any. */
class Enough {
  count = 0;
  readonly reached: Promise<void>;
  readonly #most: number | null;
  readonly #timeoutMs: number | null;
  #done: () => void = () => {};
  #timer: NodeJS.Timeout | null = null;

  constructor(most: number | null, timeoutMs: number | null) {
    this.#most = most;
    this.#timeoutMs = timeoutMs;
    this.reached = new Promise((resolve) => {
      this.#done = resolve;
    });
    this.#wait();
  }

  /** Counts one record; false when it is one too many. */
  one(): boolean {
    if (this.#most !== null && this.count >= this.#most) return false;
    this.count++;
    this.#wait();
    if (this.count === this.#most) this.#done();
    return true;
  }

  #wait(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    if (this.#timeoutMs !== null) this.#timer = setTimeout(this.#done, this.#timeoutMs);
  }
}
