/** Clients that ask for heavy work, and the topics that they ask it of. */
import { tcpSockets } from '../../broker/platform/tcp-sockets.ts';
import { KafkaConnection } from '../../broker/protocol/client.ts';
import type { Codec } from '../../broker/records/batch.ts';
import { buildBatch } from '../../broker/records/build.ts';

export interface HeavyWork {
  readonly name: string;
  run(port: number): Promise<void>;
}

export const TIMEOUT_MS = 300_000;
export const NARROW = 1000;
export const WIDE = 4;
export const PARTITIONS = 500;
export const PLAIN = 'plain';
/** So many things are named by one request. */
export const AGAIN = 100_000;

export const narrowNames = (): string[] => Array.from({ length: NARROW }, (_, n) => `narrow-${n}`);
export const wideNames = (): string[] => Array.from({ length: WIDE }, (_, n) => `wide-${n}`);
export const numbers = (count: number): number[] => Array.from({ length: count }, (_, n) => n);

/** All topics of the cases with what `partition` makes of each number. */
export function everywhere<Partition>(partition: (index: number) => Partition) {
  const wide = wideNames().map((name) => ({ name, partitions: numbers(PARTITIONS).map(partition) }));
  return [...wide, ...narrowNames().map((name) => ({ name, partitions: [partition(0)] }))];
}

export async function withClient<T>(port: number, use: (client: KafkaConnection) => Promise<T>): Promise<T> {
  const to = { host: '127.0.0.1', port, clientId: 'hostile', timeoutMs: TIMEOUT_MS };
  const client = await KafkaConnection.connect(tcpSockets(), to);
  try {
    return await use(client);
  } finally {
    client.close();
  }
}

/** `times` of the same request at once over one connection; `isDone` says of an answer that the work was done. */
export function asking<T>(
  name: string,
  times: number,
  ask: (client: KafkaConnection, number: number) => Promise<T>,
  isDone: (answer: T) => boolean = () => true,
): HeavyWork {
  return {
    name,
    run: (port) =>
      withClient(port, async (client) => {
        await client.versions();
        const answers = await Promise.all(numbers(times).map((number) => ask(client, number)));
        if (!answers.every(isDone)) throw new Error(`${name}: refused, so that it was little work`);
      }),
  };
}

/** A valid batch of `count` records of `sizeBytes` zeroes each, with keys. */
export function openingTo(codec: Codec, count: number, sizeBytes: number): Buffer {
  const timestampMs = Date.now();
  const value = Buffer.alloc(sizeBytes);
  const key = Buffer.from('k');
  return buildBatch({ codec, records: Array.from({ length: count }, () => ({ timestampMs, key, value })) });
}

export function topicNames(): string[] {
  return [...narrowNames(), ...wideNames()];
}

export function newTopic(name: string, numPartitions: number) {
  return { name, numPartitions, replicationFactor: 1, assignments: [], configs: [] };
}
