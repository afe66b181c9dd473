/** What somebody's clients were answered in the course of a drill, as much as there is room for. */
import { DRILL_CLIENT_ID } from './broker-views.ts';

export interface AnsweredRequest {
  /** Kafka's name, such as `Produce`. */
  readonly api: string;
  readonly clientId: string;
  /** When it was asked; milliseconds since 1970. */
  readonly atMs: number;
  readonly tookMs: number;
  /** The first error in the answer by its name; null: there is none. */
  readonly error: string | null;
}

export interface TopicPartition {
  readonly topic: string;
  readonly partition: number;
}

/** In place of an answer. */
export const CONNECTION_LOST = 'connection lost';
/** About 20 MB. */
const MOST_REQUESTS = 200_000;
const MOST_PARTITIONS = 10_000;

export class AnsweredRequests {
  readonly all: AnsweredRequest[] = [];
  /** More came than there is room for: the last ones are not in `all`. */
  isFull = false;
  /** By topic, of each partition how many Produce requests were acknowledged, in the order of the first ones. */
  readonly #acknowledged = new Map<string, Map<number, number>>();
  #partitions = 0;

  /** The drill's own are not counted. */
  add(request: AnsweredRequest): void {
    if (request.clientId === DRILL_CLIENT_ID) return;
    if (this.all.length < MOST_REQUESTS) this.all.push(request);
    else this.isFull = true;
  }

  acknowledged(clientId: string, partitions: readonly TopicPartition[]): void {
    if (clientId === DRILL_CLIENT_ID) return;
    for (const { topic, partition } of partitions) {
      const counts = this.#acknowledged.get(topic) ?? new Map<number, number>();
      if (!counts.has(partition) && this.#partitions++ >= MOST_PARTITIONS) return;
      counts.set(partition, (counts.get(partition) ?? 0) + 1);
      this.#acknowledged.set(topic, counts);
    }
  }

  /** The first topic that anything was acknowledged in; null as long as there is none. */
  get firstTopic(): string | null {
    return this.#acknowledged.keys().next().value ?? null;
  }

  acknowledgedIn(topic: string): readonly number[] {
    return [...(this.#acknowledged.get(topic)?.values() ?? [])];
  }
}
