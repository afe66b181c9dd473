/** Why something came to be, as `odradek explain` tells it, for the page. */
import type { AdminClient } from '../cli/admin-client.ts';
import { Journals } from '../cli/events/causes.ts';
import { partitionOption } from '../cli/events/event-text.ts';
import { livingEndpoints } from '../cli/events/peer-endpoints.ts';
import { aboutBroker, aboutController, aboutPartition } from '../cli/events/questions.ts';
import { wholeJournal } from '../cli/events/read-events.ts';
import { standingOf } from '../cli/events/standing.ts';
import { type Choice, storyOf } from '../cli/events/story.ts';
import type { TopicPartition } from '../cli/partitions.ts';

const MOST_STEPS = 30;

/** What a story can be about. */
export type Subject =
  | { readonly what: 'partition'; readonly name: string }
  | { readonly what: 'broker'; readonly id: number }
  | { readonly what: 'controller' };

/** Its lines; none when the journals tell nothing of it. */
export async function storyAbout(admin: AdminClient, subject: Subject): Promise<readonly string[]> {
  const endpoints = await livingEndpoints(admin, () => {});
  // Of a broker that can't be read the story itself says so.
  const told = await Promise.all(
    endpoints.map((endpoint) => wholeJournal(endpoint, { details: true }).catch(() => [])),
  );
  const events = told.flat().flatMap((one) => (one.what === 'event' ? [one.recorded] : []));
  const { choice, focus } = questionOf(subject);
  const story = storyOf(new Journals(events), choice, { focus, most: MOST_STEPS });
  const standing = focus === null || story.length === 0 ? null : standingOf(events, focus);
  return standing === null ? story : [...story, standing];
}

function questionOf(subject: Subject): { readonly choice: Choice; readonly focus: TopicPartition | null } {
  switch (subject.what) {
    case 'partition': {
      const focus = partitionOption(subject.name);
      return { choice: aboutPartition(focus), focus };
    }
    case 'broker':
      return { choice: aboutBroker(subject.id), focus: null };
    case 'controller':
      return { choice: aboutController(), focus: null };
  }
}
