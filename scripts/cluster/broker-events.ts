/**
 * The events of a broker that a process has started, on their way to that process over their IPC channel.
 * One message is under way at a time, and the next takes all that has been recorded meanwhile: what waits
 * is in the broker's journal, which is bounded. A gap in the ids tells that the journal ran over.
 */
import type { Recorded } from '../../broker/platform/event-ring.ts';
import type { Journal } from '../../broker/platform/journal.ts';

/** What a broker says to the process that started it. */
export interface EventsMessage {
  readonly type: 'events';
  readonly events: readonly Recorded[];
}

/** Sends on what is recorded from now on; `send` calls back when the message has left. */
export function forwardEvents(
  journal: Pick<Journal, 'since' | 'onEvent' | 'lastId'>,
  send: (message: EventsMessage, sent: () => void) => void,
): void {
  let { lastId } = journal;
  let isSending = false;
  const next = (): void => {
    const events = journal.since(lastId);
    isSending = events.length > 0;
    if (!isSending) return;
    ({ lastId } = journal);
    send({ type: 'events', events }, next);
  };
  journal.onEvent(() => {
    if (!isSending) next();
  });
}
