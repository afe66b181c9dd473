/** The tree's semantics: versions, sequences, kinds of nodes, all-or-nothing, watches, rights. */
import { describe, expect, test } from 'vitest';
import { digestId, OPEN_ACL, Permission } from '../../../../coordinator-client/tree/acl.ts';
import { ZnodeDatabase } from '../../../../coordinator-client/tree/database.ts';
import { ZkError } from '../../../../coordinator-client/tree/error-codes.ts';
import type { NodeKind } from '../../../../coordinator-client/tree/owner.ts';
import { addPersistent, rearm } from '../../../../coordinator-client/tree/set-watches.ts';
import type {
  Actor,
  Applied,
  Operation,
  Transaction,
} from '../../../../coordinator-client/tree/transaction.ts';
import { type Firing, type Watcher, WatchMode } from '../../../../coordinator-client/tree/watches.ts';

const SESSION = 7n;
const actor: Actor = { sessionId: SESSION, identities: [{ scheme: 'ip', id: '10.1.2.3' }] };

const anyone: Watcher = { identities: [] };

function fresh(): ZnodeDatabase {
  const database = new ZnodeDatabase({ lastZxid: 0n, tickMs: 100 });
  database.openSession(SESSION, 1000, { nowMs: 0, timeMs: 0 });
  return database;
}

function create(
  path: string,
  more: { node?: NodeKind; sequential?: boolean; ttlMs?: number } = {},
): Operation {
  const { node = 'persistent', sequential = false, ttlMs = 0 } = more;
  return { kind: 'create', path, data: Buffer.from('x'), acl: OPEN_ACL, node, sequential, ttlMs };
}

const set = (path: string, version = -1): Operation => ({
  kind: 'setData',
  path,
  data: Buffer.from('y'),
  version,
});
const remove = (path: string, version = -1): Operation => ({ kind: 'delete', path, version });
const check = (path: string, version: number): Operation => ({ kind: 'check', path, version });

function run(database: ZnodeDatabase, ...operations: Operation[]): Applied {
  const outcome = database.commit(operations, actor, 500);
  if (!outcome.ok) throw new Error(`refused at ${outcome.index} with ${outcome.code}`);
  return outcome;
}

function code(database: ZnodeDatabase, ...operations: Operation[]): number {
  const outcome = database.commit(operations, actor, 500);
  return outcome.ok ? 0 : outcome.code;
}

function events(firings: readonly Firing[], watcher: Watcher): string[] {
  return firings
    .filter((firing) => firing.watcher === watcher)
    .map(({ event }) => `${event.type} ${event.path}`);
}

describe('nodes', () => {
  test('a sequential name counts creations, not children, and cversion shows both', () => {
    const database = fresh();
    run(database, create('/q'));
    const first = run(database, create('/q/n-', { sequential: true })).results[0]?.path;
    run(database, remove('/q/n-0000000000'));
    const second = run(database, create('/q/n-', { sequential: true })).results[0]?.path;
    expect([first, second]).toEqual(['/q/n-0000000000', '/q/n-0000000001']);
    expect(database.exists('/q', anyone, false)).toMatchObject({
      cversion: 3,
      numChildren: 1,
      version: 0,
      mzxid: 2n,
      pzxid: 5n,
    });
  });

  test('a put moves version, mzxid and mtime only', () => {
    const database = fresh();
    run(database, create('/a'));
    database.commit([set('/a', 0)], actor, 900);
    expect(database.exists('/a', anyone, false)).toMatchObject({
      version: 1,
      czxid: 2n,
      mzxid: 3n,
      pzxid: 2n,
      ctimeMs: 500,
      mtimeMs: 900,
      aversion: 0,
      dataLength: 1,
    });
  });

  test('refusals carry the code that ZooKeeper gives', () => {
    const database = fresh();
    run(database, create('/a'), create('/a/b'), create('/e', { node: 'ephemeral' }));
    expect(code(database, create('/a'))).toBe(ZkError.NODE_EXISTS);
    expect(code(database, create('/no/b'))).toBe(ZkError.NO_NODE);
    expect(code(database, create('/e/b'))).toBe(ZkError.NO_CHILDREN_FOR_EPHEMERALS);
    expect(code(database, remove('/a'))).toBe(ZkError.NOT_EMPTY);
    expect(code(database, remove('/zookeeper'))).toBe(ZkError.BAD_ARGUMENTS);
    expect(code(database, set('/a', 3))).toBe(ZkError.BAD_VERSION);
    expect(code(database, check('/a', 1))).toBe(ZkError.BAD_VERSION);
    for (const path of ['a', '/a/', '/a/./b', '/a/../b', '//b', '/a\u0000', '/a\u001f', '/\ud83d\ude00']) {
      expect(code(database, create(path)), path).not.toBe(0);
    }
  });

  test('closing a session deletes its ephemeral nodes under one zxid', () => {
    const database = fresh();
    run(
      database,
      create('/p'),
      create('/p/e1', { node: 'ephemeral' }),
      create('/p/e2', { node: 'ephemeral' }),
    );
    const closed = database.closeSession(SESSION, 600);
    expect(closed?.transaction.zxid).toBe(3n);
    expect(database.tree.get('/p')?.children.size).toBe(0);
    expect(database.exists('/p', anyone, false)).toMatchObject({ pzxid: 3n });
    expect(database.closeSession(SESSION, 600)).toBeNull();
  });

  test('a container goes when it has been emptied, a TTL node when its time is over', () => {
    const database = fresh();
    run(database, create('/c', { node: 'container' }), create('/t', { node: 'ttl', ttlMs: 100 }));
    expect(database.exists('/c', anyone, false)).toMatchObject({ ephemeralOwner: 0n });
    expect(database.reap(550).transactions).toEqual([]);
    run(database, create('/c/x'));
    run(database, remove('/c/x'));
    database.reap(601);
    expect([database.tree.get('/c'), database.tree.get('/t')]).toEqual([undefined, undefined]);
  });

  test('a session expires at the tick after its timeout unless it is touched', () => {
    const database = fresh();
    expect(database.sessions.expired(1099)).toEqual([]);
    expect(database.sessions.expired(1100)).toEqual([SESSION]);
    database.sessions.touch(SESSION, 500);
    expect(database.sessions.expired(1599)).toEqual([]);
    expect(database.sessions.expired(1600)).toEqual([SESSION]);
  });
});

describe('multi', () => {
  test('later operations see earlier ones, all under one zxid', () => {
    const database = fresh();
    const done = run(database, create('/a'), set('/a', 0), check('/a', 1), create('/a/b'), remove('/a/b'));
    expect(done.results.map(({ stat }) => stat?.version)).toEqual([0, 1, 1, 0, undefined]);
    expect(database.lastZxid).toBe(2n);
  });

  test('a refused one leaves no trace: no node, no version, no figure, no event', () => {
    const database = fresh();
    run(database, create('/a'), create('/a/old'), create('/e', { node: 'ephemeral' }));
    const watcher: Watcher = { identities: [] };
    addPersistent(database, '/a', watcher);
    const picture = pictureOf(database);
    const outcome = database.commit(
      [
        create('/a/s', { sequential: true, node: 'ephemeral' }),
        set('/a'),
        remove('/a/old'),
        create('/a/old'),
        { kind: 'setAcl', path: '/a', acl: [{ permissions: 1, scheme: 'world', id: 'anyone' }], version: -1 },
        remove('/e'),
        check('/a', 99),
        create('/z'),
      ],
      actor,
      700,
    );
    expect(outcome).toEqual({ ok: false, index: 6, code: ZkError.BAD_VERSION });
    expect(pictureOf(database)).toBe(picture);
    expect([...database.tree.ephemeralsOf(SESSION)]).toEqual(['/e']);
    expect(database.lastZxid).toBe(2n);
  });

  test('replaying the transactions gives the same tree', () => {
    const database = fresh();
    const copy = new ZnodeDatabase({ lastZxid: 0n, tickMs: 100 });
    const log: (Transaction | null | undefined)[] = [
      { zxid: 1n, timeMs: 0, edits: [{ kind: 'openSession', sessionId: SESSION, timeoutMs: 1000 }] },
    ];
    log.push(run(database, create('/a'), create('/a/s', { sequential: true })).transaction);
    log.push(run(database, create('/e', { node: 'ephemeral' })).transaction);
    log.push(run(database, set('/a')).transaction);
    log.push(database.closeSession(SESSION, 800)?.transaction);
    for (const transaction of log) if (transaction) copy.replay(transaction, 0);
    expect(pictureOf(copy)).toBe(pictureOf(database));
    expect(copy.lastZxid).toBe(database.lastZxid);
  });
});

describe('watches', () => {
  test('a standard watch fires once, also for a node that did not exist', () => {
    const database = fresh();
    const watcher: Watcher = { identities: [] };
    expect(database.exists('/a', watcher, true)).toBe(ZkError.NO_NODE);
    expect(events(run(database, create('/a')).firings, watcher)).toEqual(['created /a']);
    expect(events(run(database, set('/a')).firings, watcher)).toEqual([]);
  });

  test('a deletion is told once to a watcher of data and children, then the parent hears of it', () => {
    const database = fresh();
    const watcher: Watcher = { identities: [] };
    run(database, create('/a'), create('/a/b'));
    database.getData('/a/b', watcher, true);
    database.getChildren('/a/b', watcher, true);
    database.getChildren('/a', watcher, true);
    expect(events(run(database, remove('/a/b')).firings, watcher)).toEqual([
      'deleted /a/b',
      'childrenChanged /a',
    ]);
    expect(database.watches.countOf(watcher)).toBe(0);
  });

  test('a recursive watch covers everything below, stays, and hears of no children lists', () => {
    const database = fresh();
    const watcher: Watcher = { identities: [] };
    run(database, create('/a'));
    database.watches.add('data', '/a', watcher, WatchMode.RECURSIVE);
    const fired = [create('/a/b'), create('/a/b/c'), set('/a/b/c'), remove('/a/b/c'), create('/ab')].flatMap(
      (operation) => events(run(database, operation).firings, watcher),
    );
    expect(fired).toEqual(['created /a/b', 'created /a/b/c', 'dataChanged /a/b/c', 'deleted /a/b/c']);
  });

  test('modes on one path live side by side', () => {
    const database = fresh();
    const watcher: Watcher = { identities: [] };
    run(database, create('/a'));
    database.getData('/a', watcher, true);
    addPersistent(database, '/a', watcher);
    expect(events(run(database, set('/a')).firings, watcher)).toEqual(['dataChanged /a']);
    expect(events(run(database, set('/a')).firings, watcher)).toEqual(['dataChanged /a']);
    expect(database.watches.remove('data', '/a', watcher, WatchMode.STANDARD)).toBe(false);
    expect(database.watches.remove('data', '/a', watcher, WatchMode.PERSISTENT)).toBe(true);
    expect(events(run(database, set('/a')).firings, watcher)).toEqual([]);
  });

  test('watches named again after a gap fire when something changed in it', () => {
    const database = fresh();
    const watcher: Watcher = { identities: [] };
    run(database, create('/same'), create('/put'), create('/parent'), create('/gone'));
    const lastSeenZxid = database.lastZxid;
    run(database, set('/put'), create('/parent/x'), remove('/gone'), create('/new'));
    const firings = rearm(database, watcher, {
      lastSeenZxid,
      data: ['/same', '/put', '/gone'],
      exist: ['/new', '/not-yet'],
      child: ['/parent', '/same'],
      persistent: [],
      recursive: [],
    });
    expect(events(firings, watcher)).toEqual([
      'dataChanged /put',
      'deleted /gone',
      'created /new',
      'childrenChanged /parent',
    ]);
    expect(events(run(database, create('/not-yet'), set('/same')).firings, watcher)).toEqual([
      'created /not-yet',
      'dataChanged /same',
    ]);
  });

  test('who may not read a node does not hear of it', () => {
    const database = fresh();
    const stranger: Watcher = { identities: [] };
    const owner: Watcher = { identities: [{ scheme: 'digest', id: digestId('me:pw') }] };
    const acl = [{ permissions: Permission.ALL, scheme: 'digest', id: digestId('me:pw') }];
    database.exists('/secret', stranger, true);
    database.exists('/secret', owner, true);
    const { firings } = run(database, {
      kind: 'create',
      path: '/secret',
      data: null,
      acl,
      node: 'persistent',
      sequential: false,
    });
    expect(firings.map((firing) => firing.watcher)).toEqual([owner]);
  });
});

describe('rights', () => {
  test('who may not read a node is refused its figures, and no watch is left', () => {
    const database = fresh();
    const owner: Watcher = { identities: [{ scheme: 'digest', id: digestId('me:pw') }] };
    const all = { permissions: Permission.ALL, scheme: 'digest', id: digestId('me:pw') };
    const secret = { kind: 'create', data: null, node: 'persistent', sequential: false } as const;
    run(database, { ...secret, path: '/secret', acl: [all] });
    expect(database.exists('/secret', anyone, true)).toBe(ZkError.NO_AUTH);
    expect(database.watches.countOf(anyone)).toBe(0);
    expect(database.exists('/secret', owner, false)).toMatchObject({ version: 0 });
    // What may be written but not read.
    const writeOnly = { permissions: Permission.ALL & ~Permission.READ, scheme: 'world', id: 'anyone' };
    run(database, { ...secret, path: '/letterbox', acl: [writeOnly] });
    expect(database.exists('/letterbox', owner, false)).toBe(ZkError.NO_AUTH);
    expect(database.exists('/none', anyone, true)).toBe(ZkError.NO_NODE);
  });

  test('a recursive watch tells nothing of what lies below and may not be read', () => {
    const database = fresh();
    const owner: Watcher = { identities: [{ scheme: 'digest', id: digestId('me:pw') }] };
    const acl = [{ permissions: Permission.READ, scheme: 'digest', id: digestId('me:pw') }];
    run(database, create('/a'));
    for (const watcher of [anyone, owner]) {
      database.watches.add('data', '/a', watcher, WatchMode.RECURSIVE);
      addPersistent(database, '/a', watcher);
    }
    const hidden = { kind: 'create', data: null, node: 'persistent', sequential: false } as const;
    const firings = [
      ...run(database, { ...hidden, path: '/a/hidden', acl }).firings,
      ...run(database, remove('/a/hidden')).firings,
    ];
    expect(events(firings, anyone)).toEqual(['childrenChanged /a', 'childrenChanged /a']);
    expect(events(firings, owner)).toEqual([
      'created /a/hidden',
      'childrenChanged /a',
      'deleted /a/hidden',
      'childrenChanged /a',
    ]);
  });

  const closed = [{ permissions: Permission.READ, scheme: 'ip', id: '10.1.0.0/16' }];

  test('each operation asks for its own permission', () => {
    const database = fresh();
    run(database, {
      kind: 'create',
      path: '/r',
      data: null,
      acl: closed,
      node: 'persistent',
      sequential: false,
    });
    expect(code(database, set('/r'))).toBe(ZkError.NO_AUTH);
    expect(code(database, create('/r/c'))).toBe(ZkError.NO_AUTH);
    expect(code(database, { kind: 'setAcl', path: '/r', acl: OPEN_ACL, version: -1 })).toBe(ZkError.NO_AUTH);
    expect(code(database, check('/r', 0))).toBe(0);
    const elsewhere: Watcher = { identities: [{ scheme: 'ip', id: '10.2.0.1' }] };
    expect(database.getData('/r', elsewhere, false)).toBe(ZkError.NO_AUTH);
  });

  test('auth stands for the digests of the connection; without one it is refused', () => {
    const database = fresh();
    const asked: Operation = {
      kind: 'create',
      path: '/a',
      data: null,
      node: 'persistent',
      sequential: false,
      acl: [{ permissions: Permission.READ, scheme: 'auth', id: '' }],
    };
    expect(code(database, asked)).toBe(ZkError.INVALID_ACL);
    const digest = { scheme: 'digest', id: digestId('bob:secret') };
    expect(database.commit([asked], { sessionId: SESSION, identities: [digest] }, 1).ok).toBe(true);
    expect(database.tree.get('/a')?.acl).toEqual([{ permissions: Permission.READ, ...digest }]);
    expect(database.getAcl('/a', { identities: [digest] })).toMatchObject({ acl: [{ id: 'bob:x' }] });
  });
});

/** Everything about every node, by path: an undone deletion may change the order. */
function pictureOf(database: ZnodeDatabase): string {
  const entries = [...database.tree.entries()].sort(([one], [other]) => (one < other ? -1 : 1));
  return JSON.stringify(entries, bigintText);
}

function bigintText(_key: string, value: unknown): unknown {
  if (typeof value === 'bigint') return `${value}n`;
  return value instanceof Set ? [...value].sort() : value;
}
