/** The embedded server as a program: it survives kill -9, and ends orderly when told to. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Opcode } from '../../../../coordinator-client/embedded/wire.ts';
import { RawClient, writeCreate } from './raw-client.ts';

const SERVER = new URL('../../../../coordinator-client/embedded/server.ts', import.meta.url).href;

let dataDir: string;
const children: ChildProcess[] = [];

beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'odradek-process-'));
});
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  rmSync(dataDir, { recursive: true });
});

async function start(): Promise<{ child: ChildProcess; port: number }> {
  const options = JSON.stringify({ host: '127.0.0.1', port: 0, tickMs: 500, dataDir });
  const program = `import { runEmbedded } from ${JSON.stringify(SERVER)}; process.exit(await runEmbedded(${options}));`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  children.push(child);
  let said = '';
  for await (const text of child.stderr?.setEncoding('utf8') ?? []) {
    said += text;
    const port = /listening on 127\.0\.0\.1:(\d+)/.exec(said)?.[1];
    if (port !== undefined) return { child, port: Number(port) };
  }
  throw new Error(`the server did not start: ${said}`);
}

test('kill -9 loses nothing that was answered, and leaves no lock behind that matters', async () => {
  const first = await start();
  const client = await RawClient.session(first.port, { timeoutMs: 10_000 });
  for (let i = 0; i < 20; i++) client.send(Opcode.CREATE, (writer) => writeCreate(writer, `/n-${i}`));
  for (let i = 0; i < 20; i++) expect((await client.reply()).code).toBe(0);
  first.child.kill('SIGKILL');
  await once(first.child, 'exit');
  const second = await start();
  const again = await RawClient.session(second.port, client.welcome);
  expect(again.welcome.sessionId).toBe(client.welcome.sessionId);
  expect(await again.names('/')).toHaveLength(21);
});

test('SIGTERM ends it with code 0', async () => {
  const { child } = await start();
  child.kill('SIGTERM');
  expect(await once(child, 'exit')).toEqual([0, null]);
});
