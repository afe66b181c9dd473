/** WebSockets keep the contract of channels, answer HTTP beside them, and notice silence. */
import { connect, createServer, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import type { Channel, ChannelListener, HttpRequest, HttpStream } from '../../../broker/platform/channels.ts';
import { webSocketChannels } from '../../../broker/platform/web-socket-channels.ts';
import { eventually } from '../../support/eventually.ts';
import { ChannelWitness, channelsContract } from './channels.contract.ts';

channelsContract('WebSocket', () => ({
  near: webSocketChannels(),
  far: webSocketChannels(),
  host: '127.0.0.1',
  settle: (promise) => promise,
}));

describe('an HTTP answer that is a stream', () => {
  const PIECE = 'x'.repeat(100_000);
  let listener: ChannelListener;
  let made: number;
  let closed: Promise<void>;

  /** Serves pieces as `next` has them, and counts those that were asked for. */
  async function serve(next: () => Promise<string | null>, stallLimitMs = 60_000): Promise<void> {
    made = 0;
    const ended = Promise.withResolvers<void>();
    closed = ended.promise;
    const body: HttpStream = {
      next: () => {
        made++;
        return next();
      },
      close: () => ended.resolve(),
    };
    listener = await webSocketChannels({ stallLimitMs }).listen({
      host: '127.0.0.1',
      port: 0,
      maxMessageBytes: 1000,
      accept: () => {},
      http: async ({ headers }) => ({ status: 200, contentType: headers['accept'] ?? 'none', body }),
    });
  }

  /** Asks, and reads nothing. */
  function ask(method = 'GET'): Socket {
    const socket = connect(listener.port, '127.0.0.1');
    socket.pause();
    socket.write(`${method} / HTTP/1.1\r\nHost: here\r\nAccept: text/event-stream\r\n\r\n`);
    return socket;
  }

  afterEach(() => listener.close());

  it('comes piece by piece, with the headers before the first, and ends with the last', async () => {
    const pieces = ['one ', 'two ', null];
    const first = Promise.withResolvers<void>();
    await serve(() => first.promise.then(() => pieces.shift() ?? null));
    const answer = await fetch(`http://127.0.0.1:${listener.port}/`, { headers: { accept: 'a/b' } });
    expect([answer.status, answer.headers.get('content-type')]).toEqual([200, 'a/b']);
    first.resolve();
    expect(await answer.text()).toBe('one two ');
    await closed;
  });

  it('is not made faster than it is read, and is given up when nothing of it is taken for long', async () => {
    await serve(async () => PIECE, 500);
    const socket = ask();
    await closed;
    // Of what is endless, no more was made than the system keeps for a socket.
    expect(made).toBeGreaterThan(1);
    expect(made * PIECE.length).toBeLessThan(100_000_000);
    socket.destroy();
  });

  it('is closed when its reader goes while it waits for the next piece', async () => {
    await serve(() => closed.then(() => null));
    const socket = ask();
    await new Promise((resolve) => socket.once('connect', resolve));
    socket.on('data', () => socket.destroy());
    socket.resume();
    await closed;
    expect(made).toBe(1);
  });

  it('is not made at all for HEAD', async () => {
    await serve(async () => PIECE);
    const socket = ask('HEAD');
    await closed;
    expect(made).toBe(0);
    socket.destroy();
  });
});

describe('the HTTP server of the channels', () => {
  let listener: ChannelListener;
  let accepted: Channel[];
  let asked: HttpRequest | null;
  let sent: string[];

  beforeEach(async () => {
    accepted = [];
    asked = null;
    sent = [];
    listener = await webSocketChannels().listen({
      host: '127.0.0.1',
      port: 0,
      maxMessageBytes: 1000,
      accept: (channel) => accepted.push(channel),
      http: async (request) => {
        const { path } = request;
        asked = request;
        if (path === '/broken') throw new Error('secret detail');
        if (path === '/body') {
          const body = String(await request.body(10).catch(({ message }) => message));
          return {
            status: 200,
            contentType: 'text/plain',
            body,
            location: '/there',
            sent: () => sent.push(body),
          };
        }
        return path === '/metrics?x=1'
          ? { status: 200, contentType: 'text/plain; version=0.0.4', body: 'up 1 é\n' }
          : { status: 404, contentType: 'text/plain', body: 'nothing\n' };
      },
    });
  });

  afterEach(() => listener.close());

  const get = (path: string, method = 'GET') =>
    fetch(`http://127.0.0.1:${listener.port}${path}`, { method, headers: { connection: 'close' } });

  it('answers other requests as it is told', async () => {
    const metrics = await get('/metrics?x=1');
    expect([metrics.status, metrics.headers.get('content-type'), await metrics.text()]).toEqual([
      200,
      'text/plain; version=0.0.4',
      'up 1 é\n',
    ]);
    expect((await get('/nothing')).status).toBe(404);
  });

  it('hands on who asks, how, and a body up to a limit; and says when the answer has left', async () => {
    const url = `http://127.0.0.1:${listener.port}/body`;
    const post = (body: string) =>
      fetch(url, { method: 'PUT', body, headers: { origin: 'http://page', connection: 'close' } });
    const answer = await post('0123456789');
    expect([await answer.text(), answer.headers.get('location')]).toEqual(['0123456789', '/there']);
    expect(asked).toMatchObject({
      ...{ method: 'PUT', path: '/body', remoteAddress: '127.0.0.1' },
      headers: { host: `127.0.0.1:${listener.port}`, origin: 'http://page' },
    });
    await eventually('it has left', () => sent.length === 1);
    expect(await (await post('0123456789x')).text()).toBe('a body has at most 10 bytes');
    expect(await (await post('x'.repeat(1_000_000))).text()).toBe('a body has at most 10 bytes');
  });

  it('tells nothing of its failures', async () => {
    const broken = await get('/broken');
    expect([broken.status, await broken.text()]).toEqual([500, 'the answer could not be made\n']);
  });

  it('upgrades on /peer only', async () => {
    const refused = new WebSocket(`ws://127.0.0.1:${listener.port}/elsewhere`);
    const error = await new Promise<Error>((resolve) => refused.once('error', resolve));
    expect(error.message).toContain('404');
    expect(accepted).toEqual([]);
  });

  it('refuses web pages, whose browsers say where they come from', async () => {
    for (const origin of ['http://elsewhere.example', `http://127.0.0.1:${listener.port}`, 'null']) {
      const page = new WebSocket(`ws://127.0.0.1:${listener.port}/peer`, { origin });
      const error = await new Promise<Error>((resolve) => {
        page.once('error', resolve);
        page.once('open', () => resolve(new Error('was let in')));
      });
      expect(error.message).toContain('403');
      page.terminate();
    }
    expect(accepted).toEqual([]);
  });

  it('closes at the header of a frame that would be too large, and does not wait for its bytes', async () => {
    const client = new WebSocket(`ws://127.0.0.1:${listener.port}/peer`);
    const upgraded = new Promise<Socket>((resolve) =>
      client.once('upgrade', ({ socket }) => resolve(socket)),
    );
    await new Promise((resolve) => client.once('open', resolve));
    const [channel] = accepted;
    if (channel === undefined) throw new Error('nothing was accepted');
    const witness = new ChannelWitness(channel);
    const header = Buffer.from('82ff0000000000100000', 'hex'); // 1 MiB, masked, and nothing of it
    (await upgraded).write(Buffer.concat([header, Buffer.alloc(4)]));
    expect(await witness.closed()).toContain('Max payload size exceeded');
  });

  it('talks to an ordinary WebSocket client that masks', async () => {
    const client = new WebSocket(`ws://127.0.0.1:${listener.port}/peer`);
    await new Promise((resolve) => client.once('open', resolve));
    const [channel] = accepted;
    if (channel === undefined) throw new Error('nothing was accepted');
    const witness = new ChannelWitness(channel);
    client.send(Buffer.from('masked'));
    await witness.until(() => witness.messages.length === 1);
    expect(witness.messages.map(String)).toEqual(['masked']);
    const answer = new Promise((resolve) => client.once('message', resolve));
    channel.send([Buffer.from('in '), Buffer.from('parts')]);
    expect(String(await answer)).toBe('in parts');
    client.terminate();
    await witness.closed();
  });
});

describe('a link that carries nothing any more', () => {
  it('is noticed at both ends, while a quiet one stays', async () => {
    const channels = webSocketChannels({ silenceLimitMs: 900 });
    const accepted: Channel[] = [];
    const listener = await channels.listen({
      host: '127.0.0.1',
      port: 0,
      maxMessageBytes: 1000,
      accept: (channel) => accepted.push(channel),
      http: async () => ({ status: 404, contentType: 'text/plain', body: '' }),
    });
    const relay = await startRelay(listener.port);
    const near = await channels.dial({
      host: '127.0.0.1',
      port: relay.port,
      timeoutMs: 20_000,
      maxMessageBytes: 1000,
    });
    const [far] = accepted;
    if (far === undefined) throw new Error('nothing was accepted');
    const [one, other] = [new ChannelWitness(near), new ChannelWitness(far)];
    await new Promise((resolve) => setTimeout(resolve, 2500));
    expect([near.open, far.open]).toEqual([true, true]);
    relay.cut();
    expect(await one.closed()).toBe('nothing heard for 900 ms');
    expect(await other.closed()).toBe('nothing heard for 900 ms');
    relay.close();
    await listener.close();
  });

  it('is given up by a dial in time', async () => {
    const mute = createServer(() => {});
    await new Promise<void>((resolve) => mute.listen(0, '127.0.0.1', resolve));
    const address = mute.address();
    const port = typeof address === 'object' ? (address?.port ?? 0) : 0;
    const dialled = webSocketChannels().dial({ host: '127.0.0.1', port, timeoutMs: 50, maxMessageBytes: 10 });
    await expect(dialled).rejects.toMatchObject({ code: 'ETIMEDOUT' });
    mute.close();
  });
});

/** Passes bytes on until it is told to swallow them. */
async function startRelay(target: number): Promise<{ port: number; cut: () => void; close: () => void }> {
  let passing = true;
  const sockets: Socket[] = [];
  const server = createServer((inner) => {
    const outer = connect(target, '127.0.0.1');
    sockets.push(inner, outer);
    for (const [from, to] of [
      [inner, outer],
      [outer, inner],
    ] as const) {
      from.on('data', (data) => {
        if (passing) to.write(data);
      });
      from.on('error', () => {});
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  return {
    port: typeof address === 'object' ? (address?.port ?? 0) : 0,
    cut: () => {
      passing = false;
    },
    close: () => {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}
