/**
 * Where requests to replicas wait, each kind of them in its room. What happens to a partition may let any of
 * them be answered. Source: Kafka's DelayedOperations.
 */
import type { Clock } from '../../platform/clock.ts';
import type { PartitionKey } from '../../types.ts';
import { WaitingRoom } from './waiting.ts';

export class WaitingRooms {
  readonly produce: WaitingRoom;
  readonly fetch: WaitingRoom;
  readonly deleteRecords: WaitingRoom;

  constructor(clock: Clock) {
    this.produce = new WaitingRoom(clock);
    this.fetch = new WaitingRoom(clock);
    this.deleteRecords = new WaitingRoom(clock);
  }

  /** Its high watermark has moved, or its role has changed. */
  check(key: PartitionKey): void {
    this.produce.check(key);
    this.fetch.check(key);
    this.deleteRecords.check(key);
  }

  /** Ends every wait as if its deadline had come; at shutdown. */
  expireAll(): void {
    this.produce.expireAll();
    this.fetch.expireAll();
    this.deleteRecords.expireAll();
  }
}
