/** The embedded server on the wire: sessions, order, limits, the administrator's words. */
import { afterEach, describe, expect, test } from 'vitest';
import type { EmbeddedServerOptions } from '../../../../coordinator-client/embedded/options.ts';
import { type EmbeddedServer, startEmbeddedServer } from '../../../../coordinator-client/embedded/server.ts';
import { Opcode } from '../../../../coordinator-client/embedded/wire.ts';
import { ZkError } from '../../../../coordinator-client/tree/error-codes.ts';
import { eventually, pause } from '../../../support/eventually.ts';
import { simulatedRandom } from '../../../support/simulated-random.ts';
import { RawClient, writeCreate } from './raw-client.ts';

const servers: EmbeddedServer[] = [];
afterEach(() => Promise.all(servers.splice(0).map((server) => server.close())));

/** Its sessions may be long: nobody here pings, and they are to end when a test says so. */
function start(options: Partial<EmbeddedServerOptions> = {}): Promise<EmbeddedServer> {
  return started({ maxSessionTimeoutMs: 60_000, ...options });
}

async function started(options: Partial<EmbeddedServerOptions>): Promise<EmbeddedServer> {
  const server = await startEmbeddedServer({ host: '127.0.0.1', port: 0, tickMs: 50, ...options });
  servers.push(server);
  return server;
}

describe('a session', () => {
  test('gets a timeout between two and twenty ticks', async () => {
    const { port } = await started({});
    const granted = await Promise.all(
      [1, 400, 99_999].map(
        async (timeoutMs) => (await RawClient.session(port, { timeoutMs })).welcome.timeoutMs,
      ),
    );
    expect(granted).toEqual([100, 400, 1000]);
  });

  test('is granted in the form it was asked for, with or without the readOnly byte', async () => {
    const { port } = await start();
    const [old, young] = [await RawClient.session(port, { readOnly: false }), await RawClient.session(port)];
    expect([old.welcome.hasReadOnly, young.welcome.hasReadOnly]).toEqual([false, true]);
  });

  test('outlives its connection, moves to a new one, and the old one ends', async () => {
    const { port } = await start();
    const first = await RawClient.session(port, { timeoutMs: 60_000 });
    await first.create('/e', 1);
    const second = await RawClient.session(port, first.welcome);
    expect(second.welcome.sessionId).toBe(first.welcome.sessionId);
    await eventually('the first connection ends', () => first.closed);
    expect(await second.names('/')).toContain('e');
  });

  test('is not handed out for a wrong password', async () => {
    const { port } = await start();
    const { sessionId } = (await RawClient.session(port)).welcome;
    const thief = await RawClient.session(port, { sessionId, password: Buffer.alloc(16, 7) });
    expect(thief.welcome).toMatchObject({ sessionId: 0n, timeoutMs: 0 });
    await eventually('the thief is put out', () => thief.closed);
  });

  test('expires when nothing is heard of it, with its ephemeral nodes', async () => {
    const { port } = await start();
    const [brief, patient] = [
      // Long enough to be looked at before it ends.
      await RawClient.session(port, { timeoutMs: 3000 }),
      await RawClient.session(port, { timeoutMs: 60_000 }),
    ];
    await brief.create('/e', 1);
    await patient.ask(Opcode.EXISTS, (writer) => writer.string('/e').boolean(true));
    const event = await patient.reply();
    expect([event.xid, event.body.int(), event.body.int(), event.body.string()]).toEqual([-1, 2, 3, '/e']);
    await eventually('the connection of the expired session ends', () => brief.closed);
  });

  test('ends with closeSession: ephemeral nodes go, the answer comes, the connection ends', async () => {
    const { port } = await start();
    const [one, two] = [await RawClient.session(port), await RawClient.session(port)];
    await one.create('/e', 1);
    expect((await one.ask(Opcode.CLOSE_SESSION)).code).toBe(0);
    await eventually('the connection ends', () => one.closed);
    expect(await two.names('/')).not.toContain('e');
  });

  test('is refused without an answer to a client that has seen a later zxid', async () => {
    const { port } = await start();
    const client = await RawClient.connect(port);
    await expect(client.hello({ lastSeenZxid: 1n << 60n })).rejects.toThrow('closed');
  });
});

describe('requests', () => {
  test('are answered in order, each event before the answer of what caused it', async () => {
    const { port } = await start();
    const client = await RawClient.session(port);
    client.send(Opcode.EXISTS, (writer) => writer.string('/a').boolean(true));
    client.send(Opcode.CREATE, (writer) => writeCreate(writer, '/a'));
    client.send(Opcode.SYNC, (writer) => writer.string('/a'));
    const replies = [await client.reply(), await client.reply(), await client.reply(), await client.reply()];
    expect(replies.map(({ xid, code }) => [xid, code])).toEqual([
      [1, ZkError.NO_NODE],
      [-1, 0],
      [2, 0],
      [3, 0],
    ]);
    expect(replies[1]?.zxid).toBe(replies[2]?.zxid);
  });

  test('of several operations tell for each what became of it', async () => {
    const { port } = await start();
    const client = await RawClient.session(port);
    const reply = await client.ask(Opcode.MULTI, (writer) => {
      writer.int(Opcode.CREATE).boolean(false).int(-1);
      writeCreate(writer, '/m');
      writer.int(Opcode.CHECK).boolean(false).int(-1).string('/m').int(5);
      writer.int(Opcode.DELETE).boolean(false).int(-1).string('/m').int(-1);
      writer.int(-1).boolean(true).int(-1);
    });
    expect(reply.code).toBe(0);
    const results = [0, 1, 2].map(() => {
      const [type, , code] = [reply.body.int(), reply.body.boolean(), reply.body.int()];
      return [type, code, reply.body.int()];
    });
    expect(results).toEqual([
      [-1, 0, 0],
      [-1, ZkError.BAD_VERSION, ZkError.BAD_VERSION],
      [-1, ZkError.RUNTIME_INCONSISTENCY, ZkError.RUNTIME_INCONSISTENCY],
    ]);
    expect(await client.names('/m')).toBe(ZkError.NO_NODE);
  });

  test('to create among several are answered by their own opcode, and a mode that is none spoils all', async () => {
    const { port } = await start();
    const client = await RawClient.session(port);
    const multi = (opcode: number, flags: number) =>
      client.ask(Opcode.MULTI, (writer) => {
        writer.int(Opcode.CREATE).boolean(false).int(-1);
        writeCreate(writer, `/of-${opcode}-${flags}`);
        writer.int(opcode).boolean(false).int(-1).string(`/of-${opcode}-${flags}/x`).buffer(null);
        writer.int(1).int(31).string('world').string('anyone').int(flags);
        writer.int(-1).boolean(true).int(-1);
      });
    const { body } = await multi(Opcode.CREATE2, 0);
    const types = [body.int(), body.boolean(), body.int(), body.string(), body.int()];
    expect(types).toEqual([Opcode.CREATE, false, 0, '/of-15-0', Opcode.CREATE2]);
    expect((await multi(Opcode.CREATE, 9)).code).toBe(ZkError.MARSHALLING);
    expect(await client.names('/of-1-9')).toBe(ZkError.NO_NODE);
  });

  test('that nobody knows are refused, and the connection ends', async () => {
    const { port } = await start();
    const client = await RawClient.session(port);
    expect((await client.ask(77)).code).toBe(ZkError.UNIMPLEMENTED);
    await eventually('the connection ends', () => client.closed);
  });

  test('that are cut short or promise too much are refused, and the connection lives', async () => {
    const { port } = await start();
    const client = await RawClient.session(port);
    expect((await client.ask(Opcode.GET_DATA, (writer) => writer.int(100))).code).toBe(ZkError.MARSHALLING);
    const many = await client.ask(Opcode.SET_WATCHES, (writer) => writer.long(0n).int(0x7fffffff));
    expect(many.code).toBe(ZkError.MARSHALLING);
    expect((await client.create('/a')).code).toBe(0);
  });
});

describe('limits', () => {
  test('a request over the limit ends the connection', async () => {
    const { port } = await start({ maxRequestBytes: 4096 });
    const client = await RawClient.session(port);
    client.frame(Buffer.alloc(4097));
    await eventually('the connection ends', () => client.closed);
  });

  test('a first request that is none, or never comes, ends the connection', async () => {
    const { port } = await start({ handshakeTimeoutMs: 50 });
    const [large, short, silent] = [
      await RawClient.connect(port),
      await RawClient.connect(port),
      await RawClient.connect(port),
    ];
    large.frame(Buffer.alloc(1025));
    short.frame(Buffer.alloc(10));
    await eventually('all three end', () => large.closed && short.closed && silent.closed);
  });

  test('connections are counted, in all and per address', async () => {
    for (const limit of [{ maxConnections: 1 }, { maxConnectionsPerAddress: 1 }]) {
      const { port } = await start(limit);
      const first = await RawClient.session(port);
      await expect(RawClient.session(port)).rejects.toThrow();
      expect((await first.create('/a')).code).toBe(0);
    }
  });

  test('sixty connections of one address are let in unless told otherwise', async () => {
    const { port } = await start();
    const sessions = await Promise.all(Array.from({ length: 60 }, () => RawClient.session(port)));
    await expect(RawClient.session(port)).rejects.toThrow();
    sessions.pop()?.socket.destroy();
    const again = async () => RawClient.session(port).then(Boolean, () => false);
    await eventually('the place of one that has left is free', again);
    const unlimited = await start({ maxConnectionsPerAddress: 0 });
    await Promise.all(Array.from({ length: 70 }, () => RawClient.session(unlimited.port)));
  });

  test('answers beyond any buffer are all delivered, no faster than they are read', async () => {
    const { port } = await start({ maxUnreadBytes: 4 << 20 });
    const client = await RawClient.session(port);
    await client.create('/big', 0, 'x'.repeat(900_000));
    client.socket.pause();
    for (let i = 0; i < 50; i++)
      client.send(Opcode.GET_DATA, (writer) => writer.string('/big').boolean(false));
    await pause(50);
    client.socket.resume();
    for (let i = 0; i < 50; i++) expect((await client.reply()).body.buffer()).toHaveLength(900_000);
  });

  test('reads of several nodes at once are refused when their answer would not be delivered', async () => {
    const { port } = await start({ maxUnreadBytes: 2 << 20 });
    const client = await RawClient.session(port);
    await client.create('/large', 0, 'x'.repeat(500_000));
    const reads = (count: number) =>
      client.ask(Opcode.MULTI_READ, (writer) => {
        for (let left = count; left > 0; left -= 1) {
          writer.int(Opcode.GET_DATA).boolean(false).int(-1).string('/large').boolean(false);
        }
        writer.int(-1).boolean(true).int(-1);
      });
    expect((await reads(2)).code).toBe(ZkError.OK);
    expect((await reads(20_000)).code).toBe(ZkError.MARSHALLING);
    expect((await client.create('/after')).code).toBe(ZkError.OK);
  });

  test('a client may have so many names, and no more', async () => {
    const { port } = await start({ maxIdentitiesPerConnection: 3 });
    const client = await RawClient.session(port);
    const authenticate = (name: string) =>
      client.ask(Opcode.AUTH, (writer) =>
        writer
          .int(0)
          .string('digest')
          .buffer(Buffer.from(`${name}:x`)),
      );
    // Its address is one of them.
    for (const name of ['a', 'b', 'a']) expect((await authenticate(name)).code).toBe(ZkError.OK);
    expect((await authenticate('c')).code).toBe(ZkError.AUTH_FAILED);
    await eventually('the connection ends', () => client.closed);
  });

  test('a client that lets its events pile up is cut off', async () => {
    const { port } = await start({ maxUnreadBytes: 1 << 20 });
    const [idle, busy] = [
      await RawClient.session(port, { timeoutMs: 60_000 }),
      await RawClient.session(port, { timeoutMs: 60_000 }),
    ];
    await busy.create('/d');
    await idle.ask(Opcode.ADD_WATCH, (writer) => writer.string('/d').int(1));
    idle.socket.pause();
    let cut = false;
    for (let round = 0; round < 200 && !cut; round++) {
      const created = await busy.ask(Opcode.MULTI, (writer) => {
        for (let i = 0; i < 200; i++) {
          writer.int(Opcode.CREATE).boolean(false).int(-1);
          writeCreate(writer, `/d/${'n'.repeat(900)}-${round}-${i}`);
        }
        writer.int(-1).boolean(true).int(-1);
      });
      expect(created.code).toBe(0);
      const mine = await busy.ask(Opcode.GET_ALL_CHILDREN_NUMBER, (writer) => writer.string('/d'));
      expect(mine.body.int()).toBe((round + 1) * 200);
      cut = (await connectionsOf(port)) === 1;
    }
    expect(cut).toBe(true);
  });

  test('bytes without sense end a connection at worst', async () => {
    const { port } = await start();
    const random = simulatedRandom(5);
    for (let round = 0; round < 200; round++) {
      const client = await RawClient.session(port);
      for (let i = 0; i < 5; i++)
        client.send(random.int(24) + (random.int(4) === 0 ? 90 : 0), (writer) => {
          writer.int(random.int(12)).raw(random.bytes(random.int(40)));
        });
      client.frame(random.bytes(random.int(60)));
      client.socket.end();
    }
    const client = await RawClient.session(port);
    expect((await client.create('/still-here')).code).toBe(0);
  });
});

/** As the administrator sees it, who is not counted. */
async function connectionsOf(port: number): Promise<number> {
  const client = await RawClient.connect(port);
  client.socket.write('srvr');
  return Number(/Connections: (\d+)/.exec(await client.rest())?.[1]) - 1;
}

test.each([
  ['ruok', /^imok$/],
  ['isro', /^rw$/],
  ['srvr', /Zookeeper version: 3\.9.*Mode: standalone/s],
  ['stat', /Clients:\n \/127\.0\.0\.1:\d+\[1\]/],
  ['mntr', /zk_znode_count\t4\n/],
  ['conf', /clientPort=[1-9]\d*\n.*tickTime=50\n/s],
  ['cons', /sid=0x1/],
  ['dump', /Global Sessions\(1\):/],
  ['envi', /zookeeper\.version=3\.9/],
  ['wchs', /0 connections watching 0 paths/],
])('%s is answered to the administrator', async (word, expected) => {
  const { port } = await start();
  await RawClient.session(port);
  const client = await RawClient.connect(port);
  client.socket.write(word);
  expect(await client.rest()).toMatch(expected);
});
