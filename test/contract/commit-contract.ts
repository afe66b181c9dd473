/** Commits: what they answer, what they refuse, and that they are all or nothing and in order. */
import { describe, expect, it } from 'vitest';
import { ANY_VERSION, type Change, type Coordinator } from '../../coordinator-client/coordinator.ts';
import { check, create, type MakeBench, parties, put, remove, textOf } from './bench.ts';

export function describeCommits(makeBench: MakeBench, freshPath: () => string): void {
  const join = parties(makeBench);

  describe('the result of', () => {
    it('a create is its path, version 0 and the czxid of the node', async () => {
      const { coordinator } = await join();
      const path = freshPath();
      const outcome = await coordinator.commit([create(path)]);
      const node = await coordinator.read(path);
      expect(outcome).toEqual({ ok: true, results: [{ path, version: 0, czxid: node?.czxid }] });
    });

    it('a put is the version after it and the czxid of the node', async () => {
      const { coordinator } = await join();
      const path = freshPath();
      await coordinator.commit([create(path)]);
      const czxid = (await coordinator.read(path))?.czxid;
      const outcome = await coordinator.commit([put(path, 'a', 0)]);
      expect(outcome).toEqual({ ok: true, results: [{ path, version: 1, czxid }] });
    });

    it('a remove is version -1 and no czxid', async () => {
      const { coordinator } = await join();
      const path = freshPath();
      await coordinator.commit([create(path)]);
      const outcome = await coordinator.commit([remove(path, 0)]);
      expect(outcome).toEqual({ ok: true, results: [{ path, version: -1, czxid: 0n }] });
      expect(await coordinator.read(path)).toBeNull();
    });

    it('a check is the checked version and no czxid', async () => {
      const { coordinator } = await join();
      const path = freshPath();
      await coordinator.commit([create(path), put(path, 'a', 0)]);
      const outcome = await coordinator.commit([check(path, 1)]);
      expect(outcome).toEqual({ ok: true, results: [{ path, version: 1, czxid: 0n }] });
    });

    it('several changes comes in their order, with the zxid of one commit', async () => {
      const { coordinator } = await join();
      const path = freshPath();
      await coordinator.commit([create(path), create(`${path}/old`)]);
      const oldCzxid = (await coordinator.read(`${path}/old`))?.czxid;
      const outcome = await coordinator.commit([
        check(path, 0),
        create(`${path}/a`),
        put(`${path}/old`, 'x', 0),
        create(`${path}/b`),
        put(`${path}/b`, 'x', 0),
        remove(path.concat('/a'), 0),
      ]);
      const czxid = (await coordinator.read(`${path}/b`))?.czxid;
      expect(outcome).toEqual({
        ok: true,
        results: [
          { path, version: 0, czxid: 0n },
          { path: `${path}/a`, version: 0, czxid },
          { path: `${path}/old`, version: 1, czxid: oldCzxid },
          { path: `${path}/b`, version: 0, czxid },
          { path: `${path}/b`, version: 1, czxid },
          { path: `${path}/a`, version: -1, czxid: 0n },
        ],
      });
    });

    it('nothing is nothing', async () => {
      const { coordinator } = await join();
      expect(await coordinator.commit([])).toEqual({ ok: true, results: [] });
    });

    it('concurrent creates carries each its own czxid', async () => {
      const sessions = await Promise.all([join(), join(), join()]);
      const path = freshPath();
      await sessions[0].coordinator.commit([create(path)]);
      await Promise.all(
        sessions.map(async ({ coordinator }, who) => {
          const paths = Array.from({ length: 30 }, (_, index) => `${path}/${who}-${index}`);
          const outcomes = await Promise.all(
            paths.map((name, index) =>
              coordinator.commit(index % 2 === 0 ? [create(name)] : [check(path, 0), create(name)]),
            ),
          );
          const czxids = outcomes.map((outcome) => (outcome.ok ? outcome.results.at(-1)?.czxid : undefined));
          const nodes = await Promise.all(paths.map((name) => coordinator.read(name)));
          expect(czxids).toEqual(nodes.map((node) => node?.czxid));
        }),
      );
    });
  });

  describe('a sequential create', () => {
    it('appends ten digits, higher each time, alone and among others', async () => {
      const { coordinator } = await join();
      const path = freshPath();
      await coordinator.commit([create(path)]);
      const sequential: Change = {
        op: 'create',
        path: `${path}/n-`,
        data: Buffer.alloc(0),
        lifetime: 'persistent',
        sequential: true,
      };
      const paths: string[] = [];
      for (const changes of [
        [sequential],
        [check(path, 0), sequential],
        [{ ...sequential, lifetime: 'session' as const }],
      ]) {
        const outcome = await coordinator.commit(changes);
        if (outcome.ok) paths.push(outcome.results.at(-1)?.path ?? '');
      }
      expect(paths).toEqual([`${path}/n-0000000000`, `${path}/n-0000000001`, `${path}/n-0000000002`]);
      expect(await coordinator.children(path)).toEqual(['n-0000000000', 'n-0000000001', 'n-0000000002']);
      expect((await coordinator.read(`${path}/n-0000000002`))?.ephemeralOwner).toBe(coordinator.sessionId);
    });
  });

  describe('a version', () => {
    it('of 0 is a version: it refuses a node at version 1, alone and in a transaction', async () => {
      const { coordinator } = await join();
      const path = freshPath();
      await coordinator.commit([create(path), put(path, 'one', 0)]);
      const refused = { ok: false, reason: 'version' };
      expect(await coordinator.commit([put(path, 'x', 0)])).toMatchObject(refused);
      expect(await coordinator.commit([remove(path, 0)])).toMatchObject(refused);
      expect(await coordinator.commit([check(path, 0)])).toMatchObject(refused);
      for (const change of [put(path, 'x', 0), remove(path, 0), check(path, 0)]) {
        const outcome = await coordinator.commit([create(`${path}/child`), change]);
        expect(outcome).toEqual({ ok: false, index: 1, reason: 'version' });
      }
      expect(await textOf(coordinator, path)).toBe('one');
    });

    it('is not compared when ANY_VERSION is written', async () => {
      const { coordinator } = await join();
      const path = freshPath();
      await coordinator.commit([create(path), put(path, 'one', 0)]);
      expect((await coordinator.commit([put(path, 'two', ANY_VERSION)])).ok).toBe(true);
      expect((await coordinator.commit([check(path, ANY_VERSION), put(path, '3', ANY_VERSION)])).ok).toBe(
        true,
      );
      expect((await coordinator.commit([remove(path, ANY_VERSION)])).ok).toBe(true);
    });
  });

  describe('a refused commit names the reason', () => {
    /** Alone, and behind two changes that would have been fine. */
    async function refusal(coordinator: Coordinator, path: string, change: Change): Promise<string> {
      const alone = await coordinator.commit([change]);
      const among = await coordinator.commit([create(`${path}/fine`), check(path, 0), change]);
      expect(alone).toMatchObject({ ok: false, index: 0 });
      expect(among).toMatchObject({ ok: false, index: 2 });
      expect(await coordinator.read(`${path}/fine`)).toBeNull();
      const reasons = [alone, among].map((outcome) => (outcome.ok ? '' : outcome.reason));
      expect(reasons[0]).toBe(reasons[1]);
      return reasons[0] ?? '';
    }
    const cases: readonly [string, string, (path: string) => Change][] = [
      ['exists', 'a create of what is there', (path) => create(`${path}/full`)],
      ['missing', 'a create below nothing', (path) => create(`${path}/none/child`)],
      ['missing', 'a put', (path) => put(`${path}/none`, '', 0)],
      ['missing', 'a remove', (path) => remove(`${path}/none`, 0)],
      ['missing', 'a check', (path) => check(`${path}/none`, 0)],
      ['version', 'a put', (path) => put(`${path}/full`, '', 4)],
      ['version', 'a remove', (path) => remove(`${path}/full/child`, 4)],
      ['version', 'a check', (path) => check(`${path}/full`, 4)],
      ['not-empty', 'a remove of a parent', (path) => remove(`${path}/full`, 0)],
      ['ephemeral-parent', 'a create below an ephemeral node', (path) => create(`${path}/mine/child`)],
      ['invalid', 'a path without a slash', () => create('nowhere')],
      ['invalid', 'a path with an empty name', (path) => create(`${path}//a`)],
      ['invalid', 'a path with a dot for a name', (path) => create(`${path}/..`)],
      ['invalid', 'a path that ends with a slash', (path) => create(`${path}/a/`)],
      ['invalid', 'more data than ZooKeeper takes', (path) => create(`${path}/big`, 'x'.repeat(2 ** 20))],
    ];
    for (const [reason, what, change] of cases) {
      it(`${reason}: ${what}`, async () => {
        const { coordinator } = await join();
        const path = freshPath();
        await coordinator.commit([create(path), create(`${path}/full`), create(`${path}/full/child`)]);
        await coordinator.commit([create(`${path}/mine`, '', 'session')]);
        expect(await refusal(coordinator, path, change(path))).toBe(reason);
        expect(coordinator.session).toBe('connected');
      });
    }
  });

  describe('commits', () => {
    it('are all or nothing', async () => {
      const { coordinator } = await join();
      const path = freshPath();
      await coordinator.commit([create(path), create(`${path}/a`, 'before')]);
      const outcome = await coordinator.commit([
        put(`${path}/a`, 'after', 0),
        create(`${path}/b`),
        create(`${path}/a`),
        remove(`${path}/none`, 0),
      ]);
      expect(outcome).toEqual({ ok: false, index: 2, reason: 'exists' });
      expect(await textOf(coordinator, `${path}/a`)).toBe('before');
      expect(await coordinator.children(path)).toEqual(['a']);
    });

    it('let later changes see earlier ones', async () => {
      const { coordinator } = await join();
      const path = freshPath();
      const outcome = await coordinator.commit([
        create(path),
        create(`${path}/a`),
        put(`${path}/a`, 'x', 0),
        put(`${path}/a`, 'y', 1),
        check(`${path}/a`, 2),
        remove(`${path}/a`, 2),
      ]);
      expect(outcome.ok).toBe(true);
      expect(await coordinator.children(path)).toEqual([]);
    });

    it('of a few hundred changes work', async () => {
      const { coordinator } = await join();
      const path = freshPath();
      await coordinator.commit([create(path)]);
      const names = Array.from({ length: 400 }, (_, index) => `${path}/${index}`);
      const created = await coordinator.commit(names.map((name) => create(name, 'x'.repeat(100))));
      expect(created.ok && created.results.map((result) => result.path)).toEqual(names);
      const removed = await coordinator.commit(names.map((name) => remove(name, 0)));
      expect(removed.ok).toBe(true);
      expect(await coordinator.children(path)).toEqual([]);
    });

    it('are refused when together they are too large, at the change that is too much', async () => {
      const { coordinator } = await join();
      const path = freshPath();
      const changes = Array.from({ length: 4 }, (_, index) =>
        create(`${path}-${index}`, 'x'.repeat(400_000)),
      );
      expect(await coordinator.commit(changes)).toEqual({ ok: false, index: 2, reason: 'invalid' });
      expect(await coordinator.read(`${path}-0`)).toBeNull();
    });

    it('are applied in the order of the calls, without waiting for each other', async () => {
      const { coordinator } = await join();
      const path = freshPath();
      const commits = [coordinator.commit([create(path, '-1')])];
      for (let version = 0; version < 200; version++) {
        const change = put(path, String(version), version);
        commits.push(coordinator.commit(version % 3 === 0 ? [check(path, version), change] : [change]));
      }
      const outcomes = await Promise.all(commits);
      expect(outcomes.every((outcome) => outcome.ok)).toBe(true);
      expect(await textOf(coordinator, path)).toBe('199');
    });

    it('of two sessions for one node have one winner', async () => {
      const sessions = await Promise.all([join(), join(), join()]);
      for (let round = 0; round < 10; round++) {
        const path = freshPath();
        const outcomes = await Promise.all(
          sessions.map(({ coordinator }, who) => coordinator.commit([create(path, String(who), 'session')])),
        );
        const winners = outcomes.flatMap((outcome, who) => (outcome.ok ? [String(who)] : []));
        expect(winners).toHaveLength(1);
        expect(await textOf(sessions[0].coordinator, path)).toBeOneOf([winners[0], null]);
        await sessions[0].coordinator.sync();
        expect(await textOf(sessions[0].coordinator, path)).toBe(winners[0]);
      }
    });
  });
}
