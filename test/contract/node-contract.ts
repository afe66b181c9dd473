/** Sessions, reads, children, sync and close. */
import { describe, expect, it } from 'vitest';
import { ANY_VERSION } from '../../coordinator-client/coordinator.ts';
import { eventually } from '../support/eventually.ts';
import {
  check,
  create,
  failureOf,
  type MakeBench,
  OPEN_TIMEOUT_MS,
  parties,
  put,
  quiet,
  textOf,
} from './bench.ts';

export function describeNodes(makeBench: MakeBench, freshPath: () => string): void {
  const join = parties(makeBench);

  describe('a session', () => {
    it('is connected when it is handed out, with an id and a negotiated timeout', async () => {
      const { coordinator } = await join();
      expect(coordinator.session).toBe('connected');
      expect(coordinator.sessionId).not.toBe(0n);
      expect(coordinator.sessionTimeoutMs).toBeGreaterThan(0);
    });

    it('differs from every other, also of the same source', async () => {
      const { coordinator, source } = await join();
      const other = await source.open(OPEN_TIMEOUT_MS);
      expect(other.sessionId).not.toBe(coordinator.sessionId);
      await other.close();
    });
  });

  describe('read', () => {
    it('gives null for a node that is not there', async () => {
      const { coordinator } = await join();
      expect(await coordinator.read(freshPath())).toBeNull();
    });

    it('gives a new node its data, version 0, one zxid and no owner', async () => {
      const { coordinator } = await join();
      const path = freshPath();
      const beforeMs = Date.now();
      await coordinator.commit([create(path, 'data')]);
      const node = await coordinator.read(path);
      expect(node).toMatchObject({ version: 0, childrenCount: 0, ephemeralOwner: 0n });
      expect(node?.data).toEqual(Buffer.from('data'));
      expect(node?.mzxid).toBe(node?.czxid);
      expect(node?.modifiedMs).toBe(node?.createdMs);
      expect(Math.abs((node?.createdMs ?? 0) - beforeMs)).toBeLessThan(60_000);
    });

    it('shows a put by version and mzxid, and keeps czxid', async () => {
      const { coordinator } = await join();
      const path = freshPath();
      await coordinator.commit([create(path, 'one')]);
      const before = await coordinator.read(path);
      await coordinator.commit([put(path, 'two', 0)]);
      const after = await coordinator.read(path);
      expect(after?.data.toString()).toBe('two');
      expect(after?.version).toBe(1);
      expect(after?.czxid).toBe(before?.czxid);
      expect(after?.mzxid).toBeGreaterThan(before?.mzxid ?? 0n);
    });

    it('gives empty data as an empty buffer', async () => {
      const { coordinator } = await join();
      const path = freshPath();
      await coordinator.commit([create(path)]);
      expect((await coordinator.read(path))?.data).toEqual(Buffer.alloc(0));
    });

    it('gives bytes of any value and some length unchanged', async () => {
      const { coordinator } = await join();
      const path = freshPath();
      const data = Buffer.from(Array.from({ length: 300_000 }, (_, index) => (index * 7) % 256));
      await coordinator.commit([{ op: 'create', path, data, lifetime: 'persistent' }]);
      expect((await coordinator.read(path))?.data.equals(data)).toBe(true);
    });

    it('counts the children', async () => {
      const { coordinator } = await join();
      const path = freshPath();
      await coordinator.commit([create(path), create(`${path}/a`), create(`${path}/b`)]);
      expect((await coordinator.read(path))?.childrenCount).toBe(2);
    });
  });

  describe('children', () => {
    it('are names, sorted', async () => {
      const { coordinator } = await join();
      const path = freshPath();
      const names = ['b', '10', 'a', '9', 'B'];
      await coordinator.commit([create(path), ...names.map((name) => create(`${path}/${name}`))]);
      expect(await coordinator.children(path)).toEqual(['10', '9', 'B', 'a', 'b']);
    });

    it('are none below a node without, and null without the node', async () => {
      const { coordinator } = await join();
      const path = freshPath();
      expect(await coordinator.children(path)).toBeNull();
      await coordinator.commit([create(path)]);
      expect(await coordinator.children(path)).toEqual([]);
    });
  });

  describe('sync', () => {
    it("makes everyone's earlier writes visible", async () => {
      const writer = (await join()).coordinator;
      const reader = (await join()).coordinator;
      const path = freshPath();
      await writer.commit([create(path, '0')]);
      for (let round = 1; round <= 20; round++) {
        await writer.commit([put(path, String(round), ANY_VERSION)]);
        await reader.sync();
        expect(await textOf(reader, path)).toBe(String(round));
      }
    });
  });

  describe('the counts of a source', () => {
    it('grow by reads, changes committed (a check is none) and watch firings', async () => {
      const { coordinator, source } = await join();
      const path = freshPath();
      const before = { ...source.counts };
      await coordinator.commit([create(path), create(`${path}/a`)]);
      await coordinator.commit([check(path, 7), create(`${path}/b`)]); // refused
      await coordinator.commit([check(path, 0), create(`${path}/c`)]);
      await coordinator.read(path);
      await coordinator.children(path);
      expect(source.counts.writes - before.writes).toBe(3);
      expect(source.counts.reads - before.reads).toBe(2);
      let fired = false;
      coordinator.watch(path, 'node', () => {
        fired = true;
      });
      await coordinator.commit([put(path, 'x', 0)]);
      await eventually('the watch fires', () => fired);
      expect(source.counts.watchFires - before.watchFires).toBe(1);
    });
  });

  describe('close', () => {
    it('removes the ephemeral nodes of the session at once', async () => {
      const owner = (await join()).coordinator;
      const other = (await join()).coordinator;
      const path = freshPath();
      await owner.commit([create(path, 'here', 'session')]);
      await other.sync();
      expect((await other.read(path))?.ephemeralOwner).toBe(owner.sessionId);
      await owner.close();
      await other.sync();
      expect(await other.read(path)).toBeNull();
    });

    it('is told to the listeners, is final and may be asked for again', async () => {
      const { coordinator } = await join();
      const states: string[] = [];
      coordinator.onSession((state) => states.push(state));
      await Promise.all([coordinator.close(), coordinator.close()]);
      await coordinator.close();
      expect(coordinator.session).toBe('closed');
      expect(states).toEqual(['closed']);
    });

    it('refuses everything afterwards', async () => {
      const { coordinator } = await join();
      const path = freshPath();
      await coordinator.close();
      expect(await failureOf(coordinator.read(path))).toBe('closed');
      expect(await failureOf(coordinator.children(path))).toBe('closed');
      expect(await failureOf(coordinator.sync())).toBe('closed');
      expect(await failureOf(coordinator.commit([create(path)]))).toBe('closed');
    });

    it('ends the watches', async () => {
      const { coordinator } = await join();
      const other = (await join()).coordinator;
      const path = freshPath();
      let calls = 0;
      coordinator.watch(path, 'node', () => calls++);
      await coordinator.read(path);
      await coordinator.close();
      await other.commit([create(path)]);
      await quiet();
      expect(calls).toBe(0);
    });
  });

  describe('onSession', () => {
    it('is not called any more once its watch is closed', async () => {
      const { coordinator } = await join();
      let calls = 0;
      const watch = coordinator.onSession(() => calls++);
      watch.close();
      watch.close();
      await coordinator.close();
      expect(calls).toBe(0);
    });
  });
}
