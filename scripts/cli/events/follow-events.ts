/**
 * Follows the journals of several brokers as they grow. A broker that ends is asked again until it is back,
 * perhaps elsewhere, and goes on where it was; brokers that come are followed as well.
 */
import { type JournalEndpoint, journalName } from './peer-endpoints.ts';
import { type EventsAsked, eventsOf, type Told } from './read-events.ts';

interface FollowOptions {
  /** Of those that live now. */
  readonly endpoints: () => Promise<readonly JournalEndpoint[]>;
  readonly asked: EventsAsked;
  /** Ids of the last events that were told, by the names of the journals. */
  readonly lastIds: Map<string, number>;
  readonly tell: (endpoint: JournalEndpoint, told: Told) => Promise<void>;
  /** A journal that was read can't be any more, or can again. */
  readonly note: (text: string) => void;
}

const LOOK_AGAIN_MS = 1000;

/** Goes on until the process ends; rejects when what was read can't be told any more. */
export async function followEvents(options: FollowOptions): Promise<never> {
  const { endpoints } = options;
  /** By what tells one journal from another while it is followed. */
  const followed = new Map<string, Promise<unknown>>();
  let failed: unknown = null;
  for (;;) {
    for (const endpoint of await endpoints().catch(() => [])) {
      const name = journalName(endpoint);
      if (followed.has(name)) continue;
      const following = followOne(endpoint, options)
        .catch((error: unknown) => {
          failed = error;
        })
        .finally(() => followed.delete(name));
      followed.set(name, following);
    }
    await new Promise((resolve) => setTimeout(resolve, LOOK_AGAIN_MS));
    if (failed !== null) throw failed;
  }
}

/** Until the broker ends, which is noted; rejects when something can't be told. */
async function followOne(
  endpoint: JournalEndpoint,
  { asked, lastIds, tell, note }: FollowOptions,
): Promise<void> {
  const after = lastIds.get(journalName(endpoint)) ?? 0;
  const journal = eventsOf(endpoint, { ...asked, after, follow: true });
  for (;;) {
    let next: IteratorResult<Told>;
    try {
      next = await journal.next();
    } catch {
      break;
    }
    if (next.done === true) break;
    if (next.value.what === 'event') lastIds.set(journalName(endpoint), next.value.recorded.id);
    await tell(endpoint, next.value);
  }
  note(`the journal of ${journalName(endpoint)} can't be read for now`);
}
