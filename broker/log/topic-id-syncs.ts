/**
 * The ids of topics become durable behind the first records of their partitions, one after the other and on
 * another thread: thousands of them may be written at once, and each takes the disk some milliseconds. What
 * makes the records of a log durable waits for its id. (What the system writes by itself does not: for the
 * milliseconds that a sync takes, a power failure may leave records without an id. Kafka syncs it at once.)
 */
import { DirectoryQueues } from './directory-queues.ts';
import { syncPartitionMetadata } from './files/partition-metadata.ts';
import { asStorageError, isDiskError, StorageError } from './files/storage-error.ts';
import type { LogState } from './log-state.ts';

export class TopicIdSyncs {
  readonly #queues = new DirectoryQueues();

  /** The id of this log has just been written. */
  add(log: LogState): void {
    log.topicIdSync = this.#queues.add(log.logDirectory, () => makeDurable(log));
  }
}

async function makeDurable(log: LogState): Promise<void> {
  if (log.closed || log.topicIdSync === null) return;
  const { directory } = log;
  try {
    await syncPartitionMetadata(log.disk, directory);
    log.topicIdSync = null;
  } catch (error) {
    if (log.closed) return;
    // The folder was renamed, to take its place or to be deleted.
    if (isDiskError(error) && error.code === 'ENOENT' && log.directory !== directory) return makeDurable(log);
    const failure = asStorageError(log.logDirectory, `writing the topic id of ${log.name}`, error);
    if (failure instanceof StorageError) log.services.onStorageError(failure);
    else log.services.diagnostics.error(`writing the topic id of ${log.name} failed`, failure);
  }
}
