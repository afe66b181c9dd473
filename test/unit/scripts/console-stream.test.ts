/** What a page is told that does not read for an hour: no more than fits, and everything anew when it wakes. */
import { EventEmitter } from 'node:events';
import type { ServerResponse } from 'node:http';
import { describe, expect, it, vi } from 'vitest';
import { NOTHING } from '../../../scripts/console/picture.ts';
import { streamTo } from '../../../scripts/console/stream.ts';
import type { EventView } from '../../../scripts/console/views.ts';
import type { WatchedListener } from '../../../scripts/console/watched-cluster.ts';

/** A connection whose other end reads only when the test says so. */
class SleepingPage extends EventEmitter {
  writableLength = 0;
  written: string[] = [];
  /** Without the names of the events. */
  told = '';
  writableEnded = false;

  write(text: string): void {
    if (this.writableEnded) throw new Error('write after end');
    this.written.push(text.split('\n')[0] ?? '');
    this.writableLength += text.length;
    if (text.length < 1000) this.told += text;
  }

  wake(): void {
    this.written = [];
    this.writableLength = 0;
    this.emit('drain');
  }

  end(): void {
    this.writableEnded = true;
  }

  /** Its connection is gone, a moment after its end or without one. */
  close(): void {
    this.emit('close');
  }
}

function world(mayDescribe = true) {
  const page = new SleepingPage();
  const listeners = new Set<WatchedListener>();
  const troubled = new Set<() => void>();
  const hearers = new Set<(event: EventView) => void>();
  const end = new AbortController();
  const watched = {
    picture: NOTHING,
    trouble: null,
    listen(listener: WatchedListener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
  const events = {
    trouble: 'the console has been logged out',
    onTrouble(listener: () => void) {
      troubled.add(listener);
      return () => troubled.delete(listener);
    },
    listen(hearer: (event: EventView) => void) {
      hearers.add(hearer);
      return () => hearers.delete(hearer);
    },
  };
  const rights = { known: () => mayDescribe };
  const reader = { watched, events, rights, user: null, ended: end.signal };
  streamTo(page as unknown as ServerResponse, reader as unknown as Parameters<typeof streamTo>[1], false);
  const replicas = Object.fromEntries(
    Array.from({ length: 1000 }, (_, id) => [id, { lag: 0, sizeBytes: 0 }]),
  );
  const progress = (): void => {
    for (const { progressed } of listeners) progressed({ 't-0': { highWatermark: 1, replicas } });
  };
  const happen = (): void => {
    for (const hear of hearers) hear({ id: '1/1' } as EventView);
  };
  const trouble = (): void => {
    for (const tell of troubled) tell();
  };
  return { page, listeners, hearers, troubled, end, progress, happen, trouble };
}

describe('a page that sleeps', () => {
  it('is told no more than fits, and begun anew when it reads again', () => {
    const { page, progress } = world();
    expect(page.written).toEqual(['event: picture']);
    for (let second = 0; second < 300; second++) progress();
    expect(page.writableLength).toBeLessThan(5 * 1024 * 1024);
    const told = page.written.length;
    progress();
    expect(page.written).toHaveLength(told);
    page.wake();
    expect(page.written).toEqual(['event: picture']);
    progress();
    expect(page.written.at(-1)).toBe('event: progress');
    page.close();
  });

  it('hears that its server is there, also when nothing happens', () => {
    vi.useFakeTimers();
    try {
      const { page } = world();
      vi.advanceTimersByTime(40_000);
      expect(page.written).toEqual(['event: picture', 'event: alive', 'event: alive']);
      page.close();
    } finally {
      vi.useRealTimers();
    }
  });

  it('is forgotten when it goes, and gone when its reader has logged out', () => {
    const { page, listeners, hearers, troubled, end, progress } = world();
    end.abort();
    expect(page.writableEnded).toBe(true);
    // What was asked for before comes behind the end.
    progress();
    page.close();
    expect([listeners.size, hearers.size, troubled.size]).toEqual([0, 0, 0]);
  });

  it('is told of the journals only if its reader may see them', () => {
    const [may, mayNot] = [world(), world(false)];
    for (const { happen, trouble } of [may, mayNot]) {
      happen();
      trouble();
    }
    expect(may.page.written).toContain('event: happened');
    expect(mayNot.page.written).not.toContain('event: happened');
    expect(may.page.told).toContain('{"trouble":"the console has been logged out"}');
    expect(mayNot.page.told).toContain('{"trouble":null}');
    for (const each of [may, mayNot]) each.page.close();
  });
});
