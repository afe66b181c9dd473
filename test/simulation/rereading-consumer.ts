/**
 * Reads whole partitions from their beginnings, again and again: what has rotted was read by everybody else long
 * since. It believes what matches its checksum, and tells the history.
 */
import { ErrorCode } from '../../broker/errors.ts';
import { sleep } from '../../broker/platform/clock.ts';
import { batchLastOffset, completeBatches } from '../../broker/records/batch.ts';
import { readRecords } from '../../broker/records/record.ts';
import type { ClusterClient } from './cluster-client.ts';
import { fetchFrom } from './committed-reader.ts';
import type { History } from './history.ts';

interface RereadingConsumerOptions {
  readonly client: ClusterClient;
  readonly history: History;
  readonly topic: string;
  readonly partitions: number;
}

const PAUSE_MS = 400;

export class RereadingConsumer {
  readonly #options: RereadingConsumerOptions;
  #stopped = false;

  constructor(options: RereadingConsumerOptions) {
    this.#options = options;
  }

  start(): void {
    void this.#read();
  }

  stop(): void {
    this.#stopped = true;
    this.#options.client.close();
  }

  async #read(): Promise<void> {
    const { client, partitions } = this.#options;
    while (!this.#stopped) {
      await client.refresh();
      for (let partition = 0; partition < partitions; partition++)
        await this.#readPartition(partition).catch(() => {});
      await sleep(client.clock, PAUSE_MS);
    }
  }

  /** Up to its end, or to where it can't be read. */
  async #readPartition(partition: number): Promise<void> {
    const { client, history, topic } = this.#options;
    for (let position = 0; !this.#stopped; ) {
      const topicId = client.leader(topic, partition)?.topicId ?? '';
      const answer = await fetchFrom(client, { topic, partition, position });
      if (answer === null || answer.errorCode !== ErrorCode.NONE || this.#stopped) return;
      const records = answer.records ?? Buffer.alloc(0);
      const before = position;
      for (const at of completeBatches(records)) {
        for (const { offset, value } of readRecords(records, at))
          if (offset >= position) history.consume({ topicId, partition, offset, value: `${value ?? ''}` });
        position = batchLastOffset(records, at) + 1;
      }
      if (position === before) return;
    }
  }
}
