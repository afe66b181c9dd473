/** Nothing is told to anyone before it is durable: a journal whose disk moves on command. */
import { type AddressInfo, createServer, type Server } from 'node:net';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Connection } from '../../../../coordinator-client/embedded/connection.ts';
import type { Journal } from '../../../../coordinator-client/embedded/journal.ts';
import { resolveOptions } from '../../../../coordinator-client/embedded/options.ts';
import { ServerCore } from '../../../../coordinator-client/embedded/server-core.ts';
import { Opcode } from '../../../../coordinator-client/embedded/wire.ts';
import { ZnodeDatabase } from '../../../../coordinator-client/tree/database.ts';
import { eventually, pause } from '../../../support/eventually.ts';
import { RawClient, type Reply } from './raw-client.ts';

let listener: Server;
let core: ServerCore;
let journal: Journal & { appended: number; durable: number };
const connections: Connection[] = [];

beforeEach(async () => {
  journal = {
    database: new ZnodeDatabase({ lastZxid: 0n, tickMs: 100 }),
    secret: Buffer.alloc(16),
    appended: 0,
    durable: 0,
    sizes: () => ({ snapshotBytes: 0, logBytes: 0 }),
    append: () => {
      journal.appended++;
    },
    close: () => Promise.resolve(),
  };
  const options = resolveOptions({ host: '127.0.0.1', port: 0, tickMs: 100 });
  core = new ServerCore(options, { nowMs: () => 0, wallMs: () => 0 }, journal);
  listener = createServer((socket) => connections.push(new Connection(socket, core)));
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
});
afterEach(() => {
  for (const connection of connections.splice(0)) connection.destroy();
  listener.close();
});

function sync(): void {
  journal.durable = journal.appended;
  core.flush();
}

/** The disk must not move before there is something to write, or that would wait for ever. */
async function appendedAfter(before: number): Promise<void> {
  await eventually('something waits for the disk', () => journal.appended > before);
}

async function session(): Promise<RawClient> {
  const { port } = listener.address() as AddressInfo;
  const before = journal.appended;
  const opened = RawClient.session(port);
  await appendedAfter(before);
  sync();
  return opened;
}

test('an answer, the events it causes and the reads that show it wait for the disk, in order', async () => {
  const [writer, reader] = [await session(), await session()];
  await reader.ask(Opcode.EXISTS, (body) => body.string('/a').boolean(true));
  const arrived: string[] = [];
  const note = (name: string) => (reply: Reply) => arrived.push(`${name} ${reply.xid}`);
  const before = journal.appended;
  const written = writer.create('/a').then(note('answer'));
  await appendedAfter(before);
  await pause(30);
  reader.send(Opcode.EXISTS, (body) => body.string('/a').boolean(false));
  const told = reader.reply().then(note('event'));
  await pause(30);
  expect(arrived).toEqual([]);
  sync();
  await Promise.all([written, told]);
  expect((await reader.reply()).xid).toBe(2);
  expect(arrived.sort()).toEqual(['answer 1', 'event -1']);
});

test('a new session is not granted before it is durable', async () => {
  const { port } = listener.address() as AddressInfo;
  let granted = false;
  const opened = RawClient.session(port).then(() => {
    granted = true;
  });
  await appendedAfter(0);
  await pause(30);
  expect(granted).toBe(false);
  sync();
  await opened;
});
