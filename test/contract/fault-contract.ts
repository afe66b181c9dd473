/** What a coordinator owes its user while the connection is down, and when the session is over. */
import { describe, expect, it } from 'vitest';
import type { Coordinator, SessionState } from '../../coordinator-client/coordinator.ts';
import { eventually } from '../support/eventually.ts';
import { create, failureOf, type MakeBench, parties, put, quiet, textOf } from './bench.ts';

/** Longer than any test takes. */
const HOUR_MS = 3_600_000;

export function describeFaults(makeBench: MakeBench, freshPath: () => string): void {
  const join = parties(makeBench);

  const reaches = (coordinator: Coordinator, state: SessionState): Promise<void> =>
    eventually(`the session is ${state}`, () => coordinator.session === state);

  describe('a suspended session', () => {
    it('says so, and when it is connected again', async () => {
      const { coordinator, faults } = await join();
      const states: SessionState[] = [];
      coordinator.onSession((state) => states.push(state));
      faults.suspend();
      await reaches(coordinator, 'suspended');
      faults.resume();
      await reaches(coordinator, 'connected');
      expect(states).toEqual(['suspended', 'connected']);
    });

    it('refuses commits at once and never applies them later', async () => {
      const { coordinator, faults } = await join();
      const path = freshPath();
      faults.suspend();
      await reaches(coordinator, 'suspended');
      expect(await failureOf(coordinator.commit([create(path)]))).toBe('unavailable');
      expect(await failureOf(coordinator.commit([create(path), put(path, '', 0)]))).toBe('unavailable');
      expect(coordinator.session).toBe('suspended');
      faults.resume();
      await reaches(coordinator, 'connected');
      await coordinator.sync();
      expect(await coordinator.read(path)).toBeNull();
    });

    it('lets reads, children and sync wait, and answers them afterwards', async () => {
      const { coordinator, faults } = await join();
      const path = freshPath();
      await coordinator.commit([create(path, 'here'), create(`${path}/a`)]);
      faults.suspend();
      const early = textOf(coordinator, path); // under way or not when the connection breaks
      await reaches(coordinator, 'suspended');
      const late = Promise.all([textOf(coordinator, path), coordinator.children(path), coordinator.sync()]);
      let answered = false;
      void late.then(() => {
        answered = true;
      });
      await quiet();
      expect(answered).toBe(false);
      faults.resume();
      expect(await early).toBe('here');
      expect((await late).slice(0, 2)).toEqual(['here', ['a']]);
    });

    it('keeps its id and its ephemeral nodes when it comes back in time', async () => {
      const { coordinator, faults } = await join();
      const path = freshPath();
      const id = coordinator.sessionId;
      await coordinator.commit([create(path, '', 'session')]);
      faults.suspend();
      await reaches(coordinator, 'suspended');
      faults.resume();
      await reaches(coordinator, 'connected');
      expect(coordinator.sessionId).toBe(id);
      expect((await coordinator.read(path))?.ephemeralOwner).toBe(id);
      expect((await coordinator.commit([put(path, 'mine', 0)])).ok).toBe(true);
    });

    it('calls every watch once after the reconnect, also without a change', async () => {
      const { coordinator, faults } = await join();
      const other = (await join()).coordinator;
      const path = freshPath();
      await coordinator.commit([create(path), create(`${path}/a`)]);
      const calls = [0, 0, 0, 0];
      const count = (index: number) => (): void => {
        calls[index] = (calls[index] ?? 0) + 1;
      };
      coordinator.watch(path, 'node', count(0));
      coordinator.watch(path, 'children', count(1));
      coordinator.watch(`${path}/none`, 'node', count(2));
      coordinator.watch(`${path}/a`, 'node', count(3));
      await coordinator.sync();
      faults.suspend();
      await reaches(coordinator, 'suspended');
      await other.sync();
      await other.commit([put(`${path}/a`, 'missed', 0)]);
      await quiet();
      expect(calls).toEqual([0, 0, 0, 0]);
      faults.resume();
      await eventually('all are called', () => calls.every((count) => count > 0));
      await quiet();
      expect(calls).toEqual([1, 1, 1, 1]);
      await other.commit([put(path, 'x', 0), create(`${path}/none`), put(`${path}/a`, 'x', 1)]);
      await eventually('all are called again', () => calls.every((count) => count > 1));
    });

    it('keeps a watch that is set meanwhile', async () => {
      const { coordinator, faults } = await join();
      const other = (await join()).coordinator;
      const path = freshPath();
      faults.suspend();
      await reaches(coordinator, 'suspended');
      let calls = 0;
      coordinator.watch(path, 'node', () => calls++);
      const look = coordinator.read(path);
      faults.resume();
      expect(await look).toBeNull();
      const before = calls;
      await other.commit([create(path)]);
      await eventually('the watch is called', () => calls > before);
    });

    it('can be closed', async () => {
      const { coordinator, faults } = await join();
      faults.suspend();
      await reaches(coordinator, 'suspended');
      const waiting = failureOf(coordinator.read('/'));
      await coordinator.close();
      expect(coordinator.session).toBe('closed');
      expect(await waiting).toBe('closed');
      faults.resume();
    });
  });

  describe('a commit whose answer is lost', () => {
    it('has an unknown outcome, is applied once, and the session goes on', async () => {
      const { coordinator, faults } = await join();
      const path = freshPath();
      await coordinator.commit([create(path, 'before')]);
      faults.dropNextAnswer(coordinator);
      expect(await failureOf(coordinator.commit([put(path, 'after', 0)]))).toBe('outcome-unknown');
      await reaches(coordinator, 'connected');
      await coordinator.sync();
      const node = await coordinator.read(path);
      expect(node?.data.toString()).toBe('after');
      expect(node?.version).toBe(1);
    });
  });

  describe('a session that expires', () => {
    it('is lost for good, and everything is answered', async () => {
      const { coordinator, faults, source } = await join();
      const other = (await join()).coordinator;
      const path = freshPath();
      const states: SessionState[] = [];
      coordinator.onSession((state) => states.push(state));
      await coordinator.commit([create(path, '', 'session')]);
      let calls = 0;
      coordinator.watch(`${path}-watched`, 'node', () => calls++);
      await coordinator.sync();
      faults.suspend();
      await reaches(coordinator, 'suspended');
      const waiting = [coordinator.read(path), coordinator.children(path), coordinator.sync()].map(failureOf);
      await faults.expire(coordinator);
      await reaches(coordinator, 'lost');
      expect(await Promise.all(waiting)).toEqual(['session-lost', 'session-lost', 'session-lost']);
      expect(states).toEqual(['suspended', 'lost']);
      expect(await failureOf(coordinator.commit([create(path)]))).toBe('session-lost');
      expect(await failureOf(coordinator.read(path))).toBe('session-lost');
      await other.sync();
      expect(await other.read(path)).toBeNull();
      await other.commit([create(`${path}-watched`)]);

      const next = await source.open(10_000);
      expect(next.sessionId).not.toBe(coordinator.sessionId);
      expect((await next.commit([create(path, '', 'session')])).ok).toBe(true);
      expect(coordinator.session).toBe('lost');
      expect(calls).toBe(0);
      await coordinator.close(); // still allowed
      expect(coordinator.session).toBe('lost');
      await next.close();
    });
  });

  describe('open', () => {
    it('keeps trying, then rejects with unavailable', async () => {
      // Only its own time can end it: everything else has longer than a test may take.
      const { source, faults } = await join(HOUR_MS);
      faults.suspend();
      const caller = new AbortController();
      let isOver = false;
      const endless = failureOf(source.open(HOUR_MS, caller.signal));
      void endless.then(() => {
        isOver = true;
      });
      const startMs = performance.now();
      expect(await failureOf(source.open(300))).toBe('unavailable');
      expect(performance.now() - startMs).toBeGreaterThan(250);
      // What was refused as often, and has the time, goes on.
      expect(isOver).toBe(false);
      caller.abort();
      expect(await endless).toBe('closed');
      faults.resume();
    });

    it('ends at once when it is called off, and does not begin when it was before', async () => {
      const { source, faults } = await join();
      faults.suspend();
      const caller = new AbortController();
      const opening = failureOf(source.open(HOUR_MS, caller.signal));
      await quiet();
      caller.abort();
      expect(await opening).toBe('closed');
      expect(await failureOf(source.open(HOUR_MS, caller.signal))).toBe('closed');
      faults.resume();
    });

    it('succeeds when the servers come within its time', async () => {
      const { source, faults } = await join();
      faults.suspend();
      const opening = source.open(10_000);
      await quiet();
      faults.resume();
      const late = await opening;
      expect(late.session).toBe('connected');
      await late.close();
    });
  });
}
