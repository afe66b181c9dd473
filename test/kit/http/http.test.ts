/** The kit's commands over HTTP, and the program that serves them for as long as its parent lives. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type KitCluster, remoteCluster, startCluster } from '../cluster.ts';
import { COMMANDS } from './commands.ts';
import { type KitServer, serveKit } from './server.ts';

const MAIN = join(import.meta.dirname, '..', '..', '..', 'scripts', 'cli', 'main.ts');

let cluster: KitCluster;
let server: KitServer;

beforeAll(async () => {
  cluster = await startCluster();
  server = await serveKit(cluster);
});
afterAll(async () => {
  server.close();
  await cluster.close();
});

async function ask(command: string, body: unknown = {}, headers: Record<string, string> = {}) {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  const response = await fetch(`${server.url}/${command}`, { method: 'POST', body: text, headers });
  return { status: response.status, body: (await response.json()) as { readonly error: string } };
}

describe('commands over HTTP', () => {
  it('are those of the kit', async () => {
    const inside = [
      'bootstrapServers',
      'security',
      'zookeeper',
      'brokers',
      'clock',
      'close',
      'bootstrapServersOf',
    ];
    const members = Object.keys(cluster).filter((name) => !inside.includes(name));
    expect([...COMMANDS.keys()].sort()).toEqual([...members, 'advance'].sort());
  });

  it('do what the kit does', async () => {
    expect(await ask('createTopics', { topics: ['t', { name: 'u', partitions: 2 }] })).toMatchObject({
      status: 200,
    });
    expect((await ask('produce', { topic: 't', records: ['one', { key: 'k', value: 'two' }] })).body).toEqual(
      [
        { partition: 0, offset: 0 },
        { partition: 0, offset: 1 },
      ],
    );
    const { body } = await ask('consume', { topic: 't', count: 2 });
    expect(body).toMatchObject([{ value: 'one' }, { key: 'k', value: 'two' }]);
    const leader = (await ask('awaitLeader', { topic: 't' })).body;
    await ask('stop', { broker: leader });
    expect((await ask('state', { broker: leader })).body).toBe('stopped');
    await ask('start', { broker: leader });
    expect((await ask('awaitIsr', { topic: 't', isr: 3 })).body).toHaveLength(3);
    await ask('failNext', { api: 'Metadata', error: 'close' });
    await ask('cut', { one: 1, other: 'clients' });
    await ask('heal');
    expect((await ask('events', { kind: 'broker-started' })).body).toHaveLength(4);
    const picture = (await ask('snapshot')).body;
    await ask('reset');
    expect((await ask('restore', picture)).status).toBe(200);
    expect(
      (await ask('expectEveryAcknowledgedRecordOnce', { topic: 't', acknowledged: ['one'] })).status,
    ).toBe(200);
  });

  it.each([
    ['restet', {}, "'restet' is no command: is it reset?"],
    ['stop', {}, 'broker is missing: id of a broker'],
    ['stop', { broker: '1' }, 'broker must be an integer: id of a broker'],
    ['stop', { broker: 9 }, 'there is no broker 9: they are 1 to 3'],
    ['stop', { brokr: 1 }, "'brokr' is no parameter of the command: is it broker?"],
    ['stop', [1], 'the body is no JSON object'],
    ['stop', '{', 'the body is no JSON'],
    ['awaitLeader', { topic: 'x', timeoutMs: 20 }, 'waited 20 ms for a leader of x-0'],
    ['failNext', { api: 'Fetsch', error: 'close' }, 'is it Fetch?'],
    ['advance', { ms: 1 }, 'time can be advanced in a cluster that is started with'],
  ])('%s %j is refused with one line', async (command, body, reason) => {
    const answer = await ask(command, body);
    expect(answer.status).toBe(400);
    expect(answer.body.error).toContain(reason);
    expect(answer.body.error).not.toContain('\n');
  });

  it('are not for pages of browsers', async () => {
    expect((await ask('reset', {}, { origin: 'http://example.org' })).status).toBe(403);
    const { status } = await fetch(`${server.url}/reset`);
    expect(status).toBe(405);
  });

  it('are the members of a remote cluster', async () => {
    const remote = remoteCluster(server.url);
    await remote.reset();
    await remote.createTopics('r', { name: 's', partitions: 2 });
    expect(await remote.produce('r', ['x'], { timeoutMs: 60_000 })).toEqual([{ partition: 0, offset: 0 }]);
    expect((await remote.consume('r', { count: 1 })).map(({ value }) => value)).toEqual(['x']);
    const leader = await remote.awaitLeader('s', 1);
    const to = (leader % 3) + 1;
    await remote.moveLeader('s', 1, to);
    expect(await remote.awaitLeader('s', 1, { leader: to })).toBe(to);
    await remote.awaitIsr('s', 1, [1, 2, 3]);
    await remote.failNext({ api: 'Metadata', error: 'close' });
    await remote.cut(1, 2, { how: 'silent' });
    await remote.heal();
    await remote.limitVersions({ Fetch: [4, 11] });
    expect(await remote.events({ kind: 'session-lost' })).toEqual([]);
    await remote.restore(await remote.snapshot());
    await remote.deleteTopics('r', 's');
    await expect(remote.clock.advance(1)).rejects.toThrow('virtualTime: true');
    await expect(remote.stop(9)).rejects.toThrow('there is no broker 9');
  });

  it('are described', async () => {
    const described = await fetch(`${server.url}/openapi.json`);
    const description = (await described.json()) as { paths: Record<string, { post: Described }> };
    expect(description).toMatchObject({ openapi: '3.1.0', servers: [{ url: server.url }] });
    expect(Object.keys(description.paths)).toEqual([...COMMANDS.keys()].map((name) => `/${name}`));
    const { requestBody } = description.paths['/moveLeader']?.post ?? {};
    expect(requestBody?.content['application/json']?.schema).toMatchObject({
      required: ['topic', 'to'],
      properties: { topic: { type: 'string' }, partition: { type: 'integer' } },
    });
    expect(await (await fetch(server.url)).json()).toEqual({
      bootstrapServers: cluster.bootstrapServers,
      zookeeper: null,
    });
  });
});

interface Described {
  readonly requestBody: { readonly content: Record<string, { readonly schema: object }> };
}

interface Ready {
  readonly bootstrapServers: string;
  readonly zookeeper: string;
  readonly adminUrl: string;
  readonly pid: number;
  readonly security?: { readonly ca: string; readonly caFile: string };
}

async function readyLine(child: { readonly stdout: Readable }): Promise<Ready> {
  const [line] = (await once(createInterface(child.stdout), 'line')) as [string];
  return JSON.parse(line) as Ready;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

describe('odradek cluster --json --exit-with-parent', () => {
  const argv = [MAIN, 'cluster', '--json', '--exit-with-parent', '--brokers', '1', '--topic', 't:2'];

  it('says where everything is, and ends with its standard input', async () => {
    const child = spawn(process.execPath, argv, { stdio: ['pipe', 'pipe', 'inherit'] });
    const ready = await readyLine(child);
    expect(ready).toMatchObject({ pid: child.pid, zookeeper: expect.stringMatching(/^127.0.0.1:\d+$/) });
    const produced = await fetch(`${ready.adminUrl}/produce`, {
      method: 'POST',
      body: JSON.stringify({ topic: 't', records: [{ value: 'x', partition: 1 }] }),
    });
    expect(await produced.json()).toEqual([{ partition: 1, offset: 0 }]);
    child.stdin.end();
    expect(await once(child, 'exit')).toEqual([0, null]);
  });

  it('with users, says what their clients need', async () => {
    const rule = JSON.stringify({ user: 'alice', allow: 'Write', topic: 't' });
    const words = [...argv, '--user', 'alice:se:cret', '--acl', rule];
    const child = spawn(process.execPath, words, { stdio: ['pipe', 'pipe', 'inherit'] });
    const { security } = await readyLine(child);
    expect(security).toMatchObject({ protocol: 'SASL_SSL', users: { alice: 'se:cret' } });
    expect(readFileSync(security?.caFile ?? '', 'utf8')).toBe(security?.ca);
    child.stdin.end();
    expect(await once(child, 'exit')).toEqual([0, null]);
  });

  it('ends when its parent is killed, with nothing left, also where its input tells nothing', async () => {
    // Of its own: clusters of other tests have theirs where all have them.
    const temporary = mkdtempSync(join(tmpdir(), 'odradek-test-'));
    const program = `
      require('node:child_process').spawn(process.execPath, ${JSON.stringify(argv)}, { stdio: ['ignore', 'inherit', 'inherit'] });
      setInterval(() => {}, 1000);
    `;
    const parent = spawn(process.execPath, ['-e', program], {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, TMPDIR: temporary },
    });
    const { pid } = await readyLine(parent);
    const directories = (): string[] =>
      readdirSync(temporary).filter((name) => name.startsWith('odradek-kit-'));
    expect(directories()).toHaveLength(1);
    expect(isAlive(pid)).toBe(true);
    parent.kill('SIGKILL');
    await expect.poll(() => isAlive(pid)).toBe(false);
    await expect.poll(directories).toEqual([]);
    rmSync(temporary, { recursive: true });
  });

  it.skipIf(process.platform !== 'linux')('ends when who has started its shell is killed', async () => {
    const command = [process.execPath, ...argv].map((word) => `'${word}'`).join(' ');
    // The shell stays, as it has something to do afterwards.
    const program = `
      require('node:child_process').spawn('sh', ['-c', ${JSON.stringify(`${command}; true`)}], { stdio: ['ignore', 'inherit', 'inherit'] });
      setInterval(() => {}, 1000);
    `;
    const parent = spawn(process.execPath, ['-e', program], { stdio: ['ignore', 'pipe', 'inherit'] });
    const { pid } = await readyLine(parent);
    parent.kill('SIGKILL');
    await expect.poll(() => isAlive(pid), { timeout: 10_000 }).toBe(false);
  });

  it.each([
    [['--brokers', '0'], '--brokers must be an integer from 1 to 32'],
    [['--override', 'num.partition=3'], 'is it num.partitions?'],
    [['--topic', ':'], "--topic takes NAME or NAME:PARTITIONS, not ':'"],
    [['--user', 'alice'], "--user takes NAME:PASSWORD, not 'alice'"],
    [['--acl', '{'], "--acl takes a rule as JSON, not '{'"],
    [['--acl', '{"user":"a","allow":"Reed","topic":"t"}'], 'is it Read?'],
  ])('%j is refused with one line', async (more, reason) => {
    const child = spawn(process.execPath, [MAIN, 'cluster', '--json', ...more], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    const lines: string[] = [];
    createInterface(child.stderr).on('line', (line) => lines.push(line));
    const [status] = (await once(child, 'close')) as [number];
    expect(status).not.toBe(0);
    expect(lines.filter((line) => line !== '')).toHaveLength(1);
    expect(lines.join('')).toContain(reason);
  });
});
