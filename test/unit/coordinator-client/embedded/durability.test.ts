/** What the embedded server has answered survives: restarts, crashes, torn files. */
import {
  appendFileSync,
  cpSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { EmbeddedServerOptions } from '../../../../coordinator-client/embedded/options.ts';
import { type EmbeddedServer, startEmbeddedServer } from '../../../../coordinator-client/embedded/server.ts';
import { Opcode } from '../../../../coordinator-client/embedded/wire.ts';
import { eventually } from '../../../support/eventually.ts';
import { unreapedProcess } from '../../../support/unreaped.ts';
import { RawClient } from './raw-client.ts';

let home: string;
let dataDir: string;
const servers: EmbeddedServer[] = [];

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'odradek-durability-'));
  dataDir = join(home, 'data');
});
afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.close()));
  rmSync(home, { recursive: true });
});

async function start(options: Partial<EmbeddedServerOptions> = {}): Promise<EmbeddedServer> {
  const server = await startEmbeddedServer({
    host: '127.0.0.1',
    port: 0,
    tickMs: 50,
    maxSessionTimeoutMs: 60_000,
    dataDir,
    ...options,
  });
  servers.push(server);
  return server;
}

/** A directory as it would be found after kill -9 at this moment. */
function crashed(): string {
  // Of one moment: while it is copied the server may still remove what a snapshot has made superfluous.
  for (;;) {
    const before = readdirSync(dataDir);
    const copy = join(home, `copy-${Math.floor(performance.now() * 1000)}`);
    const failure = copied(copy);
    const isSame = readdirSync(dataDir).join() === before.join();
    if (isSame && failure !== null) throw failure;
    if (isSame) return copy;
    rmSync(copy, { recursive: true, force: true });
  }
}

function copied(copy: string): unknown {
  try {
    cpSync(dataDir, copy, { recursive: true });
    return null;
  } catch (error) {
    return error;
  }
}

function files(prefix: string, directory = dataDir): string[] {
  return readdirSync(directory)
    .filter((name) => name.startsWith(prefix))
    .sort();
}

const newest = (prefix: string, directory: string): string =>
  join(directory, files(prefix, directory).at(-1) ?? '');

test('nodes, sessions and ephemeral nodes survive a restart, and zxids go on', async () => {
  const first = await start();
  const before = await RawClient.session(first.port, { timeoutMs: 60_000 });
  await before.create('/a', 0, 'kept');
  await before.create('/a/s-', 2);
  const last = await before.create('/e', 1);
  await first.close();
  const second = await start();
  const after = await RawClient.session(second.port, { ...before.welcome, lastSeenZxid: last.zxid });
  expect(after.welcome.sessionId).toBe(before.welcome.sessionId);
  expect(await after.names('/')).toEqual(['a', 'e', 'zookeeper']);
  expect((await after.create('/a/s-', 2)).body.string()).toBe('/a/s-0000000001');
  const read = await after.ask(Opcode.GET_DATA, (writer) => writer.string('/a').boolean(false));
  expect(read.body.buffer()?.toString()).toBe('kept');
  expect(read.zxid).toBe(last.zxid + 1n);
});

test('a session that nobody takes up again after a restart expires then', async () => {
  const first = await start();
  // Long enough that the node is seen before it goes.
  const owner = await RawClient.session(first.port, { timeoutMs: 3000 });
  await owner.create('/e', 1);
  await first.close();
  const second = await start();
  const watcher = await RawClient.session(second.port, { timeoutMs: 60_000 });
  expect(await watcher.names('/')).toContain('e');
  await eventually('the node goes', async () => !((await watcher.names('/')) as string[]).includes('e'));
});

test('everything answered is there after a crash at any moment', async () => {
  const { port } = await start();
  const clients = await Promise.all([1, 2, 3].map(() => RawClient.session(port, { timeoutMs: 60_000 })));
  const answered: string[] = [];
  let done = false;
  const writing = clients.map(async (client, index) => {
    for (let i = 0; i < 40; i++) {
      await client.create(`/n-${index}-${i}`);
      answered.push(`n-${index}-${i}`);
    }
  });
  const all = Promise.all(writing).then(() => {
    done = true;
  });
  const moments: { directory: string; answered: readonly string[] }[] = [];
  while (!done) {
    // What is answered is noted before the files are looked at, so they must hold at least that.
    const noted = [...answered];
    moments.push({ directory: crashed(), answered: noted });
    await new Promise((resolve) => setTimeout(resolve, 3));
  }
  await all;
  for (const moment of moments.filter((_, index) => index % Math.ceil(moments.length / 4) === 0)) {
    rmSync(join(moment.directory, '.lock'));
    const server = await start({ dataDir: moment.directory });
    const reader = await RawClient.session(server.port);
    expect(await reader.names('/')).toEqual(expect.arrayContaining([...moment.answered]));
  }
});

test.each(['garbage', 'half a record', 'a run of zeros'])(
  'a tail of %s is cut and the server goes on',
  async (tail) => {
    const first = await start();
    const client = await RawClient.session(first.port, { timeoutMs: 60_000 });
    await client.create('/a');
    await client.create('/b');
    await first.close();
    const log = newest('log.', dataDir);
    if (tail === 'garbage') appendFileSync(log, Buffer.from('garbage that is no record'));
    else if (tail === 'a run of zeros') appendFileSync(log, Buffer.alloc(64));
    else truncateSync(log, statSync(log).size - 3);
    const lines: string[] = [];
    const second = await start({ log: (line) => lines.push(line) });
    const after = await RawClient.session(second.port, client.welcome);
    expect(await after.names('/')).toEqual(
      tail === 'half a record' ? ['a', 'zookeeper'] : ['a', 'b', 'zookeeper'],
    );
    expect(lines.join('\n')).toContain('bytes of unfinished transactions');
    await after.create('/c');
    await second.close();
    const third = await start();
    expect(await (await RawClient.session(third.port)).names('/')).toContain('c');
  },
);

test('damage before newer transactions is not skipped: the server refuses to start', async () => {
  const first = await start();
  await (await RawClient.session(first.port, { timeoutMs: 60_000 })).create('/a');
  await first.close();
  const second = await start();
  await (await RawClient.session(second.port, { timeoutMs: 60_000 })).create('/b');
  await second.close();
  const oldest = join(dataDir, files('log.')[0] ?? '');
  const bytes = readFileSync(oldest);
  bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 1;
  writeFileSync(oldest, bytes);
  await expect(start()).rejects.toThrow('damaged');
  rmSync(oldest);
  await expect(start()).rejects.toThrow('lacks transactions');
});

test('snapshots are taken and purged with the logs before them, and an older one serves when the newest is damaged', async () => {
  const { port } = await start({ snapshotTransactions: 10, snapshotsKept: 2 });
  const client = await RawClient.session(port, { timeoutMs: 60_000 });
  for (let i = 0; i < 60; i++) await client.create(`/n-${String(i).padStart(2, '0')}`);
  await eventually('old snapshots go', () => files('snapshot.').length === 2 && files('log.').length <= 3);
  const copy = crashed();
  rmSync(join(copy, '.lock'));
  const snapshot = newest('snapshot.', copy);
  truncateSync(snapshot, statSync(snapshot).size - 5);
  const again = await start({ dataDir: copy });
  const names = await (await RawClient.session(again.port)).names('/');
  expect(names).toHaveLength(61);
});

test('a directory has one owner; what a dead one has left in its lock does not matter', async () => {
  const first = await start();
  await expect(start()).rejects.toThrow('is in use by another');
  await first.close();
  writeFileSync(join(dataDir, '.lock'), JSON.stringify({ pid: process.pid, startedAt: '1' }));
  await start();
});

test.skipIf(!existsSync('/proc'))(
  'the lock of a process that has ended unnoticed is taken over',
  async () => {
    await (await start()).close();
    const dead = await unreapedProcess();
    writeFileSync(join(dataDir, '.lock'), JSON.stringify({ pid: dead.pid, startedAt: dead.startTicks }));
    await start();
    dead.release();
  },
);

test('a taken port is an error, and leaves the directory free', async () => {
  const { port } = await start({ dataDir: join(home, 'other') });
  await expect(start({ port })).rejects.toThrow('EADDRINUSE');
  await start();
});

test('when the disk fails nothing more is answered, and the server closes itself and says so', async () => {
  let failure: unknown = null;
  const server = await start({
    failed: (error) => {
      failure = error;
    },
  });
  rmSync(dataDir, { recursive: true });
  await expect(RawClient.session(server.port)).rejects.toThrow('closed');
  await eventually('it says so', () => failure !== null);
  expect(failure).toMatchObject({ code: 'ENOENT' });
  await expect(RawClient.connect(server.port)).rejects.toThrow();
});

test('a directory that can’t be made is an error at once; one that is missing is made with its parents', async () => {
  if (process.platform === 'linux') {
    await expect(start({ dataDir: '/proc/nobody/data' })).rejects.toThrow('ENOENT');
  }
  await start({ dataDir: join(home, 'some', 'where') });
});

test('the administrator is told how many bytes the files have', async () => {
  const { port } = await start();
  const client = await RawClient.session(port);
  await client.create('/a');
  const admin = await RawClient.connect(port);
  admin.socket.write('dirs');
  const [snapshots, logs] = ['snapshot.', 'log.'].map((prefix) =>
    files(prefix).reduce((total, name) => total + statSync(join(dataDir, name)).size, 0),
  );
  expect(logs).toBeGreaterThan(0);
  expect(await admin.rest()).toBe(`datadir_size: ${snapshots}\nlogdir_size: ${logs}\n`);
});
