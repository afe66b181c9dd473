/** Watches: "look again", after every change and never lost. */
import { describe, expect, it } from 'vitest';
import { ANY_VERSION, type Coordinator } from '../../coordinator-client/coordinator.ts';
import { eventually } from '../support/eventually.ts';
import { create, type MakeBench, parties, put, quiet, remove, textOf } from './bench.ts';

export function describeWatches(makeBench: MakeBench, freshPath: () => string): void {
  const join = parties(makeBench);

  /** A watch whose calls are counted, and looked for by `next`. */
  function counting(coordinator: Coordinator, path: string, what: 'node' | 'children') {
    let calls = 0;
    let seen = 0;
    const watch = coordinator.watch(path, what, () => calls++);
    return {
      watch,
      calls: () => calls,
      /** Waits for a call since the last `next`. */
      next: async () => {
        await eventually(`the watch on ${path} is called`, () => calls > seen);
        seen = calls;
      },
    };
  }

  describe('a watch on a node', () => {
    it('is called for its creation, each change of its data and its removal', async () => {
      const watcher = (await join()).coordinator;
      const writer = (await join()).coordinator;
      const path = freshPath();
      const counter = counting(watcher, path, 'node');
      expect(await watcher.read(path)).toBeNull();
      await writer.commit([create(path, 'a')]);
      await counter.next();
      expect(await textOf(watcher, path)).toBe('a');
      await writer.commit([put(path, 'b', 0)]);
      await counter.next();
      expect(await textOf(watcher, path)).toBe('b');
      await writer.commit([put(path, 'c', 1)]);
      await counter.next();
      expect(await textOf(watcher, path)).toBe('c');
      await writer.commit([remove(path, 2)]);
      await counter.next();
      expect(await watcher.read(path)).toBeNull();
      await writer.commit([create(path, 'again')]);
      await counter.next();
      expect(await textOf(watcher, path)).toBe('again');
    });

    it('is called by changes of the own session too', async () => {
      const { coordinator } = await join();
      const path = freshPath();
      const counter = counting(coordinator, path, 'node');
      await coordinator.commit([create(path)]);
      await counter.next();
      await coordinator.commit([put(path, 'x', 0)]);
      await counter.next();
    });

    it('is not called by its children, nor without a change', async () => {
      const { coordinator } = await join();
      const path = freshPath();
      await coordinator.commit([create(path)]);
      const counter = counting(coordinator, path, 'node');
      await coordinator.read(path);
      await coordinator.commit([create(`${path}/child`), put(`${path}/child`, 'x', 0)]);
      await coordinator.commit([create(`${path}/child`)]); // refused
      await quiet();
      expect(counter.calls()).toBe(0);
    });

    it('is called when the owner of an ephemeral node ends', async () => {
      const owner = (await join()).coordinator;
      const watcher = (await join()).coordinator;
      const path = freshPath();
      await owner.commit([create(path, '', 'session')]);
      await watcher.sync();
      const counter = counting(watcher, path, 'node');
      expect(await watcher.read(path)).not.toBeNull();
      await owner.close();
      await counter.next();
      expect(await watcher.read(path)).toBeNull();
    });
  });

  describe('a watch on children', () => {
    it('is called when a name comes or goes, and not by their data', async () => {
      const watcher = (await join()).coordinator;
      const writer = (await join()).coordinator;
      const path = freshPath();
      await writer.commit([create(path)]);
      await watcher.sync();
      const counter = counting(watcher, path, 'children');
      expect(await watcher.children(path)).toEqual([]);
      await writer.commit([create(`${path}/a`)]);
      await counter.next();
      expect(await watcher.children(path)).toEqual(['a']);
      const before = counter.calls();
      await writer.commit([put(`${path}/a`, 'x', 0), put(path, 'x', 0)]);
      await quiet();
      expect(counter.calls()).toBe(before);
      await writer.commit([create(`${path}/b`)]);
      await counter.next();
      expect(await watcher.children(path)).toEqual(['a', 'b']);
      await writer.commit([remove(`${path}/a`, ANY_VERSION)]);
      await counter.next();
      expect(await watcher.children(path)).toEqual(['b']);
    });

    it('is called when the node itself appears and vanishes', async () => {
      const watcher = (await join()).coordinator;
      const writer = (await join()).coordinator;
      const path = freshPath();
      const counter = counting(watcher, path, 'children');
      for (let round = 0; round < 3; round++) {
        expect(await watcher.children(path)).toBeNull();
        await writer.commit([create(path)]);
        await counter.next();
        expect(await watcher.children(path)).toEqual([]);
        await writer.commit([create(`${path}/a`)]);
        await counter.next();
        expect(await watcher.children(path)).toEqual(['a']);
        await writer.commit([remove(`${path}/a`, 0)]);
        await counter.next();
        // Without a look in between, one call may stand for both removals.
        expect(await watcher.children(path)).toEqual([]);
        await writer.commit([remove(path, 0)]);
        await eventually('the removal is seen', async () => (await watcher.children(path)) === null);
        await counter.next();
      }
    });
  });

  describe('watches', () => {
    it('may be several on one path, of both kinds; each is told', async () => {
      const { coordinator } = await join();
      const path = freshPath();
      const counters = [
        counting(coordinator, path, 'node'),
        counting(coordinator, path, 'node'),
        counting(coordinator, path, 'children'),
      ];
      await coordinator.commit([create(path)]);
      for (const counter of counters) await counter.next();
      await coordinator.commit([create(`${path}/a`), put(path, 'x', 0)]);
      for (const counter of counters) await counter.next();
      await coordinator.commit([remove(`${path}/a`, 0), remove(path, 1)]);
      for (const counter of counters) await counter.next();
    });

    it('are silent once closed, without disturbing their neighbours', async () => {
      const { coordinator } = await join();
      const path = freshPath();
      const shared = { calls: 0 };
      const changed = (): void => {
        shared.calls++;
      };
      const first = coordinator.watch(path, 'node', changed);
      coordinator.watch(path, 'node', changed);
      const alone = counting(coordinator, `${path}-alone`, 'node');
      await coordinator.read(path);
      first.close();
      first.close();
      alone.watch.close();
      await coordinator.commit([create(path), create(`${path}-alone`)]);
      await quiet();
      expect(shared.calls).toBe(1);
      expect(alone.calls()).toBe(0);
      const again = counting(coordinator, `${path}-alone`, 'node');
      await coordinator.commit([put(`${path}-alone`, 'x', 0)]);
      await again.next();
    });

    it('are called when a read shows the change, not before', async () => {
      const watcher = (await join()).coordinator;
      const writer = (await join()).coordinator;
      const path = freshPath();
      const looks: Promise<boolean>[] = [];
      for (let index = 0; index < 50; index++) {
        watcher.watch(`${path}-${index}`, 'node', () => {
          looks.push(watcher.read(`${path}-${index}`).then((node) => node !== null));
        });
      }
      await watcher.sync();
      for (let index = 0; index < 50; index++) void writer.commit([create(`${path}-${index}`)]);
      await eventually('all are called', () => looks.length >= 50);
      expect(new Set(await Promise.all(looks))).toEqual(new Set([true]));
    });

    it('lose nothing: who looks whenever told ends with the last state', async () => {
      const watcher = (await join()).coordinator;
      const writer = (await join()).coordinator;
      const path = freshPath();
      await writer.commit([create(path, '0')]);
      const seen = { data: '', children: -1 };
      const look = async (): Promise<void> => {
        seen.data = (await textOf(watcher, path)) ?? '';
      };
      const list = async (): Promise<void> => {
        seen.children = (await watcher.children(path))?.length ?? 0;
      };
      watcher.watch(path, 'node', () => void look());
      watcher.watch(path, 'children', () => void list());
      await Promise.all([look(), list()]);
      for (let round = 1; round <= 300; round++) {
        const done = writer.commit([put(path, String(round), ANY_VERSION), create(`${path}/${round}`)]);
        if (round % 7 === 0) await done;
      }
      await eventually('the last state is seen', () => seen.data === '300' && seen.children === 300);
    });
  });
}
