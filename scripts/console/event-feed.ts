/**
 * The journals of all brokers as one feed, in the order in which they are heard; the newest are kept for pages
 * that come later. Brokers of Apache Kafka keep no journal: then there is none.
 */

import type { Recorded } from '../../broker/platform/event-ring.ts';
import { sentenceOf } from '../../broker/platform/event-sentences.ts';
import { SaslLoginError } from '../../broker/protocol/login.ts';
import type { AdminClient } from '../cli/admin-client.ts';
import { followEvents } from '../cli/events/follow-events.ts';
import { livingEndpoints } from '../cli/events/peer-endpoints.ts';
import type { EventView } from './views.ts';

const MOST_KEPT = 5000;

export class EventFeed {
  readonly #admin: AdminClient;
  readonly #listeners = new Set<(event: EventView) => void>();
  readonly #troubled = new Set<() => void>();
  #kept: EventView[] = [];
  #trouble: string | null = null;

  constructor(admin: AdminClient) {
    this.#admin = admin;
  }

  /** The newest, the oldest of them first. */
  get kept(): readonly EventView[] {
    return this.#kept;
  }

  /** Why what is newer may be missing: the cluster does not take the console's own login any more. */
  get trouble(): string | null {
    return this.#trouble;
  }

  /** Goes on until the process ends. */
  start(): void {
    void followEvents({
      endpoints: () => this.#endpoints(),
      asked: {},
      lastIds: new Map(),
      tell: (_endpoint, told) => {
        if (told.what === 'event') this.#take(viewOf(told.recorded));
        return Promise.resolve();
      },
      note: () => {},
    });
  }

  /** The answer takes the listener away again. */
  listen(listener: (event: EventView) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Told when there is trouble, or none any more. The answer takes the listener away again. */
  onTrouble(listener: () => void): () => void {
    this.#troubled.add(listener);
    return () => this.#troubled.delete(listener);
  }

  async #endpoints(): ReturnType<typeof livingEndpoints> {
    try {
      const found = await livingEndpoints(this.#admin, () => {});
      this.#setTrouble(null);
      return found;
    } catch (error) {
      // While no broker answers, the picture says so.
      if (error instanceof SaslLoginError)
        this.#setTrouble(
          `the console's own login is not taken any more, journals may stand still: ${error.message}`,
        );
      throw error;
    }
  }

  #setTrouble(trouble: string | null): void {
    if (trouble === this.#trouble) return;
    this.#trouble = trouble;
    for (const listener of this.#troubled) listener();
  }

  #take(event: EventView): void {
    this.#kept.push(event);
    if (this.#kept.length > 2 * MOST_KEPT) this.#kept = this.#kept.slice(-MOST_KEPT);
    for (const listener of this.#listeners) listener(event);
  }
}

function viewOf(recorded: Recorded): EventView {
  const { id, causeId, brokerId, wallMs, event } = recorded;
  const { causeBrokerId = brokerId } = recorded;
  return {
    id: `${brokerId}/${id}`,
    causeId: causeId === null ? null : `${causeBrokerId}/${causeId}`,
    brokerId,
    wallMs,
    kind: event.kind,
    sentence: sentenceOf(event),
    partition: 'partition' in event && 'topic' in event ? `${event.topic}-${event.partition}` : null,
  };
}
