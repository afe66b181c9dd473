/** A session on a tree of this process behaves like one on ZooKeeper, faults included. */
import { beforeEach, describe, expect, test } from 'vitest';
import {
  type Change,
  type Coordinator,
  CoordinatorError,
} from '../../../../coordinator-client/coordinator.ts';
import type { LocalSource } from '../../../../coordinator-client/local/local.ts';
import type { LocalTree } from '../../../../coordinator-client/local/local-tree.ts';
import { World } from '../../../support/world.ts';

const create = (path: string, lifetime: 'persistent' | 'session' = 'persistent'): Change => ({
  op: 'create',
  path,
  data: Buffer.from('x'),
  lifetime,
});
const put = (path: string, version = -1): Change => ({ op: 'put', path, data: Buffer.from('y'), version });

let world: World;
let tree: LocalTree;
let source: LocalSource;

async function settled<Value>(promise: Promise<Value>, durationMs = 50): Promise<Value | string> {
  const outcome = promise.catch((error: unknown) =>
    error instanceof CoordinatorError ? error.failure : 'other',
  );
  await world.pass(durationMs);
  return Promise.race([outcome, Promise.resolve('pending')]);
}

async function open(from: LocalSource = source): Promise<Coordinator> {
  const opened = from.open(1000);
  await world.pass(20);
  return opened;
}

beforeEach(() => {
  world = new World();
  tree = world.tree;
  source = world.source({ delayMs: 5, sessionTimeoutMs: 1000 });
});

describe('commits', () => {
  test('answer with path, version and czxid of each change', async () => {
    const one = await open();
    const outcome = await settled(
      one.commit([
        create('/a'),
        put('/a', 0),
        { op: 'check', path: '/a', version: 1 },
        { op: 'create', path: '/a/n-', data: Buffer.alloc(0), lifetime: 'session', sequential: true },
        { op: 'remove', path: '/a/n-0000000000', version: 0 },
      ]),
    );
    expect(outcome).toEqual({
      ok: true,
      results: [
        { path: '/a', version: 0, czxid: 2n },
        { path: '/a', version: 1, czxid: 2n },
        { path: '/a', version: 1, czxid: 0n },
        { path: '/a/n-0000000000', version: 0, czxid: 2n },
        { path: '/a/n-0000000000', version: -1, czxid: 0n },
      ],
    });
    expect(await settled(one.commit([]))).toEqual({ ok: true, results: [] });
  });

  test('name the first refused change and its reason', async () => {
    const one = await open();
    await settled(one.commit([create('/a'), create('/e', 'session')]));
    const reasons = await Promise.all(
      (
        [
          create('/a'),
          put('/no'),
          put('/a', 9),
          create('/e/x'),
          { op: 'remove', path: '/zookeeper', version: -1 },
        ] as Change[]
      ).map((change) => settled(one.commit([create('/new'), change]))),
    );
    expect(reasons).toEqual(
      ['exists', 'missing', 'version', 'ephemeral-parent', 'invalid'].map((reason) => ({
        ok: false,
        index: 1,
        reason,
      })),
    );
    const large: Change = { op: 'put', path: '/a', data: Buffer.alloc(1_100_000), version: -1 };
    expect(await settled(one.commit([large]))).toEqual({ ok: false, index: 0, reason: 'invalid' });
  });

  test('are applied in call order and seen by a read that follows', async () => {
    const one = await open();
    const last = [create('/a'), put('/a', 0), put('/a', 1)].map((change) => one.commit([change])).at(-1);
    const read = one.read('/a');
    expect(await settled(last ?? Promise.reject())).toMatchObject({ ok: true });
    expect(await read).toMatchObject({ version: 2, ephemeralOwner: 0n, data: Buffer.from('y') });
  });

  test('a dropped answer leaves the commit applied, the session alive and the outcome unknown', async () => {
    const one = await open();
    const states: string[] = [];
    one.onSession((state) => states.push(state));
    source.dropNextAnswer(one.sessionId);
    const commit = one.commit([create('/a')]);
    const read = one.read('/a');
    expect(await settled(commit)).toBe('outcome-unknown');
    expect(await read).toMatchObject({ version: 0 });
    expect(states).toEqual(['suspended', 'connected']);
  });

  test('a dropped request leaves it undone', async () => {
    const one = await open();
    source.dropNextRequest(one.sessionId);
    expect(await settled(one.commit([create('/a')]))).toBe('outcome-unknown');
    expect(tree.read('/a')).toBeNull();
  });
});

describe('a cut link', () => {
  test('lets reads wait, refuses commits at once, and calls every watch when it is mended', async () => {
    const one = await open();
    let calls = 0;
    one.watch('/a', 'node', () => calls++);
    await world.pass(20);
    source.suspend(one.sessionId);
    expect(one.session).toBe('suspended');
    expect(await settled(one.commit([create('/b')]))).toBe('unavailable');
    const read = one.read('/a');
    tree.commit([create('/a')], 0n, 5);
    expect(await settled(read)).toBe('pending');
    expect(calls).toBe(0);
    source.resume(one.sessionId);
    expect(await settled(read)).toMatchObject({ version: 0 });
    expect([one.session, calls]).toEqual(['connected', 1]);
    tree.commit([put('/a')], 0n, 6);
    await world.pass(20);
    expect(calls).toBe(2);
  });

  test('leaves a commit under way unknown', async () => {
    const one = await open();
    const commit = one.commit([create('/a')]);
    source.suspend(one.sessionId);
    expect(await settled(commit)).toBe('outcome-unknown');
  });

  test('costs the session after its timeout, which the owner learns on reconnecting', async () => {
    const one = await open();
    await settled(one.commit([create('/e', 'session')]));
    source.suspend(one.sessionId);
    await world.pass(999);
    expect(tree.read('/e')).not.toBeNull();
    await world.pass(1);
    expect(tree.read('/e')).toBeNull();
    const read = one.read('/e');
    expect(await settled(read)).toBe('pending');
    expect(one.session).toBe('suspended');
    source.resume(one.sessionId);
    expect(await settled(read)).toBe('session-lost');
    expect(one.session).toBe('lost');
    expect(await settled(one.commit([create('/x')]))).toBe('session-lost');
  });

  test('keeps a partitioned source from opening sessions until it heals', async () => {
    const one = await open();
    source.partition();
    expect(one.session).toBe('suspended');
    const refused = source.open(100);
    expect(await settled(refused, 200)).toBe('unavailable');
    const waiting = source.open(1000);
    await world.pass(100);
    source.heal();
    expect(await settled(waiting)).toMatchObject({ session: 'connected' });
    expect(tree.sessionIds()).toHaveLength(2);
    expect(one.session).toBe('connected');
  });
});

describe('sessions', () => {
  test('end by expiry: ephemeral nodes vanish, the owner is told, watchers of others hear of it', async () => {
    const [one, two] = [await open(), await open()];
    await settled(one.commit([create('/e', 'session')]));
    let calls = 0;
    two.watch('/e', 'node', () => calls++);
    await world.pass(20);
    source.expire(one.sessionId);
    expect(tree.read('/e')).toBeNull();
    await world.pass(20);
    expect([one.session, calls]).toEqual(['lost', 1]);
  });

  test.each(['before', 'after'])('end by close although they expire just %s it', async (when) => {
    const one = await open();
    if (when === 'before') source.expire(one.sessionId);
    const read = settled(one.read('/a'));
    const closing = settled(one.close());
    if (when === 'after') source.expire(one.sessionId);
    expect(await closing).toBeUndefined();
    expect(await read).not.toBe('pending');
    expect(one.session).toBe('closed');
  });

  test('end by close, after the commits before it', async () => {
    const one = await open();
    const commit = one.commit([create('/a'), create('/e', 'session')]);
    const closing = one.close();
    expect(one.session).toBe('closed');
    expect(await settled(one.read('/a'))).toBe('closed');
    expect(await settled(commit)).toMatchObject({ ok: true });
    await Promise.all([closing, one.close()]);
    expect([tree.read('/a')?.version, tree.read('/e'), tree.sessionIds()]).toEqual([0, null, []]);
  });

  test('closing a suspended one ends at once and leaves the rest to the timeout', async () => {
    const one = await open();
    await settled(one.commit([create('/e', 'session')]));
    source.suspend(one.sessionId);
    const read = one.read('/e');
    await one.close();
    expect(await settled(read)).toBe('closed');
    expect(tree.read('/e')).not.toBeNull();
    await world.pass(1000);
    expect(tree.read('/e')).toBeNull();
  });
});

describe('watches', () => {
  test('are told before a read that shows the change is answered, and once for changes in one go', async () => {
    const [one, two] = [await open(), await open()];
    const seen: string[] = [];
    one.watch('/a', 'node', () => seen.push('changed'));
    await world.pass(20);
    void two.commit([create('/a')]);
    void two.commit([put('/a')]);
    await world.pass(5);
    void one.read('/a').then((node) => seen.push(`read ${node?.version}`));
    await world.pass(20);
    expect(seen).toEqual(['changed', 'read 1']);
  });

  test('of children hear of the set of names and of the node itself, not of data', async () => {
    const one = await open();
    let calls = 0;
    const watch = one.watch('/p', 'children', () => calls++);
    for (const change of [create('/p'), create('/p/x'), put('/p'), put('/p/x')])
      await settled(one.commit([change]));
    expect(calls).toBe(2);
    watch.close();
    await settled(one.commit([create('/p/y')]));
    expect(calls).toBe(2);
    expect(source.counts).toEqual({ reads: 0, writes: 5, watchFires: 2 });
  });
});
