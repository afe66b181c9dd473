/**
 * All replication streams that followers have open to this broker: takes new ones, and passes on what
 * happens to the partitions this broker leads.
 */
import type { Channel } from '../../platform/channels.ts';
import type { BrokerId } from '../../types.ts';
import type { Partition } from '../partition.ts';
import { ReplicaStream, type ReplicaStreamContext } from './replica-stream.ts';

export class ReplicaStreams {
  readonly #context: ReplicaStreamContext;
  readonly #streams = new Set<ReplicaStream>();

  constructor(context: ReplicaStreamContext) {
    this.#context = context;
  }

  get count(): number {
    return this.#streams.size;
  }

  all(): Iterable<ReplicaStream> {
    return this.#streams;
  }

  accept(channel: Channel, follower: { readonly id: BrokerId; readonly epoch: number }): void {
    if (follower.epoch < this.#context.knownBrokerEpoch(follower.id)) {
      channel.close('the broker epoch of the follower is stale');
      return;
    }
    const stream = new ReplicaStream(channel, follower.id, this.#context);
    this.#streams.add(stream);
    channel.onClose((reason) => {
      this.#context.diagnostics.info(`Replication stream of follower ${follower.id} ended: ${reason}`);
      this.#streams.delete(stream);
      stream.closed();
    });
  }

  appended(partition: Partition): void {
    for (const stream of this.#streams) stream.appended(partition);
  }

  marksMoved(partition: Partition): void {
    for (const stream of this.#streams) stream.marksMoved(partition);
  }

  leadershipChanged(partition: Partition): void {
    this.#context.reads.forget(partition.key);
    for (const stream of this.#streams) stream.leadershipChanged(partition);
  }

  close(): void {
    for (const stream of [...this.#streams]) stream.close('the broker is shutting down');
  }
}
