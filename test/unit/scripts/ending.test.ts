/** How what runs until it is ended is ended: what goes first, and what somebody who asks again can count on. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { BeforeTheEnd } from '../../../scripts/cluster/before-the-end.ts';
import { untilSignalled } from '../../../scripts/cluster/ending.ts';

const never = (): Promise<void> => new Promise(() => {});

describe('what ends before a cluster', () => {
  it('is ended with it, once', async () => {
    const before = new BeforeTheEnd();
    const work = vi.fn(async () => {});
    before.add(work);
    expect(work).not.toHaveBeenCalled();
    await before.end(1000);
    await before.end(1000);
    expect(work).toHaveBeenCalledOnce();
  });

  it('is ended at once where the cluster is ending already', async () => {
    const before = new BeforeTheEnd();
    await before.end(1000);
    const work = vi.fn(async () => {});
    before.add(work);
    expect(work).toHaveBeenCalledOnce();
  });

  it('ends though something else can not be', async () => {
    const before = new BeforeTheEnd();
    const { promise, resolve } = Promise.withResolvers<void>();
    before.add(() => Promise.reject(new Error('it is broken')));
    before.add(() => promise);
    let hasEnded = false;
    const ending = before.end(1_000_000).then(() => {
      hasEnded = true;
    });
    await Promise.resolve();
    expect(hasEnded).toBe(false);
    resolve();
    await ending;
  });

  it('is not waited for without end', async () => {
    const before = new BeforeTheEnd();
    before.add(never);
    await expect(before.end(1)).resolves.toBeUndefined();
  });
});

describe('a program that is signalled', () => {
  const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  let known: Map<string, readonly unknown[]>;
  let nowMs = 0;

  beforeEach(() => {
    known = new Map(SIGNALS.map((signal) => [signal, process.listeners(signal)]));
    nowMs = 0;
    vi.spyOn(performance, 'now').mockImplementation(() => nowMs);
    vi.spyOn(process, 'exit').mockImplementation((() => {}) as never);
  });
  afterEach(() => {
    for (const signal of SIGNALS)
      for (const listener of process.listeners(signal))
        if (known.get(signal)?.includes(listener) !== true) process.off(signal, listener);
    vi.restoreAllMocks();
  });

  /** Without those who listened before. */
  function signal(name: (typeof SIGNALS)[number], atMs: number): void {
    nowMs = atMs;
    const own = process.listeners(name).filter((listener) => known.get(name)?.includes(listener) !== true);
    for (const listener of own) listener(name);
  }

  it('is told that somebody insists by another Ctrl-C, not by the same one twice', async () => {
    const insisted = vi.fn();
    const signalled = untilSignalled(insisted);
    signal('SIGINT', 0);
    await signalled;
    signal('SIGINT', 300);
    signal('SIGTERM', 900);
    expect(insisted).not.toHaveBeenCalled();
    signal('SIGINT', 1000);
    expect(insisted).toHaveBeenCalledOnce();
    expect(process.exit).not.toHaveBeenCalled();
  });

  it('is ended by a Ctrl-C that comes long after the first signal, whatever it waits for', async () => {
    const signalled = untilSignalled(() => {});
    signal('SIGTERM', 0);
    await signalled;
    signal('SIGINT', 5000);
    expect(process.exit).not.toHaveBeenCalled();
    signal('SIGINT', 16_000);
    expect(process.exit).toHaveBeenCalledWith(130);
  });
});
