/** The journal of a broker: what it keeps, what it writes into the log, and how others wait for an event. */

import { describe, expect, it } from 'vitest';
import { lineDiagnostics } from '../../../broker/platform/diagnostics.ts';
import type { Recorded } from '../../../broker/platform/event-ring.ts';
import { createJournal } from '../../../broker/platform/journal.ts';
import { type EventsMessage, forwardEvents } from '../../../scripts/cluster/broker-events.ts';
import { World } from '../../support/world.ts';

function setUp(maxEvents = 3) {
  const clock = new World().clock;
  const lines: string[] = [];
  const diagnostics = lineDiagnostics(clock, (line) => lines.push(line.slice(line.indexOf(']') + 2)), 'info');
  const journal = createJournal(clock, diagnostics, maxEvents);
  const deleted = (topic: string) => journal.record({ kind: 'topic-deleted', topic });
  return { clock, lines, journal, deleted };
}

const ids = (events: readonly Recorded[]): number[] => events.map(({ id }) => id);

describe('a journal', () => {
  it('numbers events from 1 on, and tells who recorded them, when, and because of what', async () => {
    const { clock, journal } = setUp();
    const causeId = journal.record({ kind: 'session-lost', sessionId: '0x1' });
    journal.identify(4, 77);
    await clock.runFor(5);
    journal.record({ kind: 'broker-started' }, causeId);
    expect(journal.since(0)).toEqual([
      {
        id: 1,
        causeId: null,
        brokerId: -1,
        brokerEpoch: -1,
        wallMs: clock.wallMs() - 5,
        event: { kind: 'session-lost', sessionId: '0x1' },
      },
      {
        id: 2,
        causeId: 1,
        brokerId: 4,
        brokerEpoch: 77,
        wallMs: clock.wallMs(),
        event: { kind: 'broker-started' },
      },
    ]);
  });

  it('keeps the newest events, as many as it may, in their order', () => {
    const { journal, deleted } = setUp(3);
    expect([journal.lastId, journal.since(0)]).toEqual([0, []]);
    for (const topic of ['a', 'b', 'c', 'd', 'e', 'f', 'g']) deleted(topic);
    expect(ids(journal.since(0))).toEqual([5, 6, 7]);
    expect(ids(journal.since(5))).toEqual([6, 7]);
    expect(ids(journal.since(7))).toEqual([]);
    expect(journal.lastId).toBe(7);
  });

  it('writes the line of an event under the name it is used by, with the error that comes with it', () => {
    const { journal, lines } = setUp();
    const named = journal.named('Controller id=1');
    named.record({ kind: 'topic-deleted', topic: 'a\nb' });
    named.record({ kind: 'groups-resigned', partition: 1, why: 'moved' });
    journal.record({ kind: 'log-directory-failed', directory: '/d', reason: 'EIO' }, null, 'EIO');
    expect(lines).toEqual([
      'INFO [Controller id=1] Topic a\\nb is deleted',
      'ERROR Stopping serving logs in dir /d: EIO',
    ]);
    expect(ids(journal.since(0))).toEqual([1, 2, 3]);
  });

  it('keeps an event whose line nobody wants', () => {
    const clock = new World().clock;
    const journal = createJournal(
      clock,
      lineDiagnostics(clock, () => expect.unreachable(), 'error'),
    );
    journal.record({ kind: 'broker-started' });
    expect(ids(journal.since(0))).toEqual([1]);
  });

  it('tells who listens of each event, until they go', () => {
    const { journal, deleted } = setUp();
    const heard: Recorded[] = [];
    const forget = journal.named('other').onEvent((recorded) => heard.push(recorded));
    deleted('a');
    forget();
    deleted('b');
    expect(ids(heard)).toEqual([1]);
  });
});

describe('an event that is waited for', () => {
  it('may have been recorded already, or comes later', async () => {
    const { journal, deleted } = setUp();
    deleted('a');
    const known = await journal.first('topic-deleted', ({ topic }) => topic === 'a', { timeoutMs: 10 });
    expect(known.id).toBe(1);
    const coming = journal.first('topic-deleted', () => true, { afterId: known.id, timeoutMs: 10 });
    journal.record({ kind: 'broker-started' });
    deleted('b');
    expect((await coming).event).toEqual({ kind: 'topic-deleted', topic: 'b' });
  });

  it('that does not come is told with what came instead', async () => {
    const { clock, journal, deleted } = setUp();
    deleted('a');
    const waiting = journal.first('topic-deleted', ({ topic }) => topic === 'b', { timeoutMs: 10 });
    await clock.runFor(5);
    journal.record({ kind: 'broker-started' });
    const outcome = expect(waiting).rejects.toThrow(
      'no topic-deleted within 10 ms, but topic-deleted, broker-started',
    );
    await clock.runFor(10);
    await outcome;
  });
});

describe('events on their way to another process', () => {
  it('go one message at a time, the next with all that was recorded meanwhile', () => {
    const { journal, deleted } = setUp(10);
    const messages: EventsMessage[] = [];
    let sent = (): void => {};
    deleted('before');
    forwardEvents(journal, (message, called) => {
      messages.push(message);
      sent = called;
    });
    for (const topic of ['a', 'b', 'c']) deleted(topic);
    expect(messages.map(({ events }) => ids(events))).toEqual([[2]]);
    sent();
    expect(messages.map(({ events }) => ids(events))).toEqual([[2], [3, 4]]);
    sent();
    deleted('d');
    expect(messages.map(({ events }) => ids(events))).toEqual([[2], [3, 4], [5]]);
  });

  it('that the other does not take are no more than the journal keeps, and their ids tell the gap', () => {
    const { journal, deleted } = setUp(3);
    const messages: EventsMessage[] = [];
    let sent = (): void => {};
    forwardEvents(journal, (message, called) => {
      messages.push(message);
      sent = called;
    });
    for (let count = 0; count < 20; count++) deleted('t');
    sent();
    expect(messages.map(({ events }) => ids(events))).toEqual([[1], [18, 19, 20]]);
  });
});
