/** What happened, as the brokers' journals have it; each with what it follows from. */
import { useMemo, useState } from 'preact/hooks';
import type { EventView } from '../views.ts';
import { time } from './format.ts';

const MOST_SHOWN = 500;

interface EventsProps {
  readonly events: readonly EventView[];
  /** Only what had happened by then; null: everything. */
  readonly momentMs: number | null;
}

export function Events({ events, momentMs }: EventsProps) {
  const [words, setWords] = useState('');
  const shown = useMemo(() => {
    const wanted = words.toLowerCase();
    const matches = ({ kind, sentence, brokerId }: EventView): boolean =>
      `${kind} broker ${brokerId} ${sentence}`.toLowerCase().includes(wanted);
    return events
      .filter((event) => (momentMs === null || event.wallMs <= momentMs) && matches(event))
      .sort((a, b) => b.wallMs - a.wallMs)
      .slice(0, MOST_SHOWN);
  }, [events, momentMs, words]);
  return (
    <section aria-label="Events">
      <div class="tools">
        <input
          type="search"
          aria-label="Words"
          placeholder="isr-shrunk, broker 2, topic-0"
          value={words}
          onInput={({ currentTarget }) => setWords(currentTarget.value)}
        />
        <span>the newest {shown.length}</span>
      </div>
      {events.length === 0 && <p>No journal has told anything yet.</p>}
      <EventList events={shown} />
    </section>
  );
}

export function EventList({ events }: { readonly events: readonly EventView[] }) {
  return (
    <ol class="events">
      {events.map((event) => (
        <li key={event.id}>
          <time>{time(event.wallMs)}</time> <b title={event.kind}>broker {event.brokerId}</b> {event.sentence}
          <small>
            {' '}
            {event.id}
            {event.causeId === null ? '' : ` because of ${event.causeId}`}
          </small>
        </li>
      ))}
    </ol>
  );
}
