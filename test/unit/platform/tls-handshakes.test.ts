/** Handshakes that go wrong, by many at once too, and an end that is replaced while it listens. */
import { X509Certificate } from 'node:crypto';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { type TLSSocket, connect as tlsConnect } from 'node:tls';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ByteSocket, SocketListener } from '../../../broker/platform/sockets.ts';
import { tcpSockets } from '../../../broker/platform/tcp-sockets.ts';
import type { TlsClientEnd, TlsServerEnd } from '../../../broker/platform/tls.ts';
import { TlsDoor } from '../../../broker/platform/tls-sockets.ts';
import { subjectName } from '../../../broker/security/tls/certificate-name.ts';
import { createAuthority, issue } from '../../../scripts/cli/certs/authority.ts';
import { eventually } from '../../support/eventually.ts';
import {
  AUTHORITY,
  BROKER,
  clientCertificate,
  clientEnd,
  EXPIRED,
  NOT_YET,
  serverEnd,
  VALID,
} from './tls-ends.ts';

const MOST_HANDSHAKES = 50;
const HANDSHAKE_TIMEOUT_MS = 2000;

const sockets = tcpSockets();
let listener: SocketListener;
let end: TlsServerEnd;
let accepted: ByteSocket[];
let refused: string[];

beforeEach(async () => {
  end = serverEnd();
  accepted = [];
  refused = [];
  listener = await sockets.listen({
    host: '127.0.0.1',
    port: 0,
    backlog: 2000,
    accept(socket) {
      accepted.push(socket);
      socket.on({ data: (chunk) => socket.write([Buffer.from(chunk)]), close() {} });
    },
    tls: {
      end: () => end,
      handshakeTimeoutMs: HANDSHAKE_TIMEOUT_MS,
      mostHandshakes: MOST_HANDSHAKES,
      refused: (_host, reason) => refused.push(reason),
    },
  });
});

afterEach(async () => {
  for (const socket of accepted) socket.destroy();
  await listener.close();
});

function dial(tls: TlsClientEnd, host = '127.0.0.1'): Promise<ByteSocket> {
  return sockets.dial({ host, port: listener.port, timeoutMs: 20_000, tls });
}

/** Whether the other end is there and answers. */
async function isServed(tls: TlsClientEnd): Promise<boolean> {
  let socket: ByteSocket;
  try {
    socket = await dial(tls);
  } catch {
    return false;
  }
  return new Promise((resolve) => {
    socket.on({
      data() {
        resolve(true);
        socket.destroy();
      },
      close: () => resolve(false),
    });
    socket.write([Buffer.from('hello')]);
  });
}

describe('a client’s certificate', () => {
  it('says who it is', async () => {
    end = serverEnd({ clientAuth: 'required' });
    expect(await isServed(clientEnd({}, await clientCertificate('alice')))).toBe(true);
    const [socket] = accepted;
    expect(subjectName(socket?.peerCertificate ?? Buffer.alloc(0))).toBe('CN=alice,O=Odradek');
  });

  it('is not needed where it is only asked for, and nobody is asked where it is not', async () => {
    end = serverEnd({ clientAuth: 'requested' });
    expect(await isServed(clientEnd())).toBe(true);
    end = serverEnd({ clientAuth: 'none' });
    expect(await isServed(clientEnd({}, await clientCertificate('alice')))).toBe(true);
    expect(accepted.map(({ peerCertificate }) => peerCertificate)).toEqual([null, null]);
  });

  it.each([
    ['that is missing', 'required', null, 'no certificate'],
    ['that has expired', 'required', () => clientCertificate('alice', EXPIRED), 'EXPIRED'],
    ['that is not good yet', 'required', () => clientCertificate('alice', NOT_YET), 'NOT_YET_VALID'],
    [
      'that has expired, and was only asked for',
      'requested',
      () => clientCertificate('alice', EXPIRED),
      'EXPIRED',
    ],
    ['of another authority', 'required', strangers, ''],
  ] as const)('%s (%s) is refused, in one line', async (_what, clientAuth, shown, reason) => {
    end = serverEnd({ clientAuth });
    expect(await isServed(clientEnd({}, shown === null ? null : await shown()))).toBe(false);
    expect(refused).toEqual([expect.stringContaining(reason)]);
    expect(accepted).toEqual([]);
  });
});

async function strangers() {
  const other = await createAuthority('another', VALID);
  return issue(other, { commonName: 'alice', hosts: [], validity: VALID });
}

describe('a broker’s certificate', () => {
  it('must be of the host that is dialled, unless nobody looks', async () => {
    end = serverEnd({}, await clientCertificate('elsewhere'));
    await expect(dial(clientEnd())).rejects.toThrow(/altnames|does not match/i);
    expect(await isServed(clientEnd({ verifiesHost: false }))).toBe(true);
  });

  it('must be of an authority that is trusted', async () => {
    const { certificate } = await createAuthority('another', VALID);
    await expect(dial(clientEnd({ trusted: [certificate] }))).rejects.toThrow();
  });

  it('is replaced for those who come later', async () => {
    const before = await dial(clientEnd());
    end = serverEnd({}, await clientCertificate('new broker'));
    const after = await dial(clientEnd({ verifiesHost: false }));
    expect(subjectName(before.peerCertificate ?? Buffer.alloc(0))).toBe('CN=broker,O=Odradek');
    expect(subjectName(after.peerCertificate ?? Buffer.alloc(0))).toBe('CN=new broker,O=Odradek');
    expect(before.open).toBe(true);
    before.destroy();
    after.destroy();
  });
});

it('serial numbers are positive and written in the shortest way, or nobody would read the certificate', async () => {
  for (const { certificate } of [AUTHORITY, BROKER, await clientCertificate('alice')]) {
    expect(new X509Certificate(certificate).serialNumber).toMatch(
      /^(0[1-9A-F]|[1-7][0-9A-F])([0-9A-F]{2})+$/,
    );
  }
});

it('addresses are those of hosts in every way they are written', async () => {
  const hosts = ['10.0.0.1', '::1', '2001:db8::7', '::ffff:1.2.3.4', 'localhost'];
  const { certificate } = await issue(AUTHORITY, { commonName: 'broker', hosts, validity: VALID });
  expect(new X509Certificate(certificate).subjectAltName).toBe(
    'IP Address:10.0.0.1, IP Address:0:0:0:0:0:0:0:1, IP Address:2001:DB8:0:0:0:0:0:7, IP Address:1.2.3.4, DNS:localhost',
  );
});

it('nobody shakes hands twice on a connection', async () => {
  const socket = tlsConnect({
    port: listener.port,
    host: '127.0.0.1',
    ca: AUTHORITY.certificate,
    maxVersion: 'TLSv1.2',
  });
  await new Promise((resolve) => socket.once('secureConnect', resolve));
  const outcome = await new Promise<Error | null>((resolve) => {
    socket.on('error', resolve);
    socket.renegotiate({}, resolve);
    socket.write('hello');
  });
  expect(outcome?.message).toMatch(/renegotiation/i);
  socket.destroy();
  expect(await isServed(clientEnd())).toBe(true);
});

describe('versions', () => {
  it('that are not enabled find nobody', async () => {
    end = serverEnd({ minVersion: 'TLSv1.3' });
    expect(await isServed(clientEnd({ maxVersion: 'TLSv1.2' }))).toBe(false);
    expect(await isServed(clientEnd())).toBe(true);
  });
});

describe('handshakes of many at once', () => {
  it('that say hello in the same turn of the event loop are all answered', async () => {
    const hello = await clientHello();
    const sockets = await Promise.all(Array.from({ length: MOST_HANDSHAKES }, () => connected()));
    // The server takes one connection in a turn.
    for (let passed = 0; passed < 10 * MOST_HANDSHAKES; passed++)
      await new Promise((resolve) => setImmediate(resolve));
    try {
      const answered = sockets.map((socket) => new Promise((resolve) => socket.once('data', resolve)));
      // The server's end of all of them is read from in the next turn.
      for (const socket of sockets) socket.write(hello);
      await Promise.all(answered);
    } finally {
      for (const socket of sockets) socket.destroy();
    }
  });

  function connected(): Promise<Socket> {
    return new Promise((resolve) => {
      const socket = connect(listener.port, '127.0.0.1', () => resolve(socket));
      socket.on('error', () => {});
    });
  }

  /** As a client says it. */
  function clientHello(): Promise<Buffer> {
    return new Promise((resolve) => {
      const server = createServer((socket) => {
        socket.on('error', () => {});
        socket.once('data', (first) => {
          resolve(first);
          socket.destroy();
          server.close();
        });
      });
      server.listen(0, '127.0.0.1', () => {
        const { port } = server.address() as { port: number };
        tlsConnect({ port, host: '127.0.0.1' }).on('error', () => {});
      });
    });
  }
});

describe('who does not speak TLS', () => {
  it('is cut off, in one line', async () => {
    const socket = connect(listener.port, '127.0.0.1');
    socket.on('error', () => {});
    socket.write(Buffer.from('\0\0\0\x10\0\x12\0\x03 no TLS at all'));
    await new Promise((resolve) => socket.once('close', resolve));
    expect(refused).toHaveLength(1);
    expect(accepted).toEqual([]);
  });

  it('by the thousand, silent or in the middle of a hello, takes a bounded number of places, and others are served at once', async () => {
    const silent = Array.from({ length: 1000 }, (_, at) => {
      const socket = connect(listener.port, '127.0.0.1');
      socket.on('error', () => {});
      if (at % 2 === 0) socket.write(Buffer.from([22, 3, 1, 2, 0, 1, 0, 1]));
      return socket;
    });
    await eventually('those beyond the bound are given up', () => refused.length >= 1000 - MOST_HANDSHAKES);
    expect(await isServed(clientEnd())).toBe(true);
    for (const socket of silent) socket.destroy();
  });

  it('and says nothing is cut off when its time is over', async () => {
    const socket = connect(listener.port, '127.0.0.1');
    await new Promise((resolve) => socket.once('close', resolve));
    expect(refused).toHaveLength(1);
  });
});

describe('handshakes of very many at once', () => {
  it('begin a few in each turn, so that nobody else waits for all of them', async () => {
    const begunByTurn: number[] = [];
    let begun = 0;
    const secure: TLSSocket[] = [];
    const door = new TlsDoor(
      {
        end: () => {
          begun += 1;
          return end;
        },
        handshakeTimeoutMs: HANDSHAKE_TIMEOUT_MS,
        mostHandshakes: MOST_HANDSHAKES,
        refused: (_host, reason) => refused.push(reason),
      },
      (socket) => secure.push(socket),
    );
    const newcomers: Socket[] = [];
    const server = createServer({ pauseOnConnect: true }, (socket) => newcomers.push(socket));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const clients = Array.from({ length: 40 }, () =>
      tlsConnect({ host: '127.0.0.1', port, rejectUnauthorized: false }).on('error', () => {}),
    );
    try {
      await eventually('all have come', () => newcomers.length === clients.length);
      // One that goes while it waits is nobody's.
      newcomers.at(-1)?.destroy();
      for (const socket of newcomers) door.take(socket);
      begunByTurn.push(begun);
      while (begun < clients.length - 1 && begunByTurn.length < 100) {
        const before = begun;
        await new Promise((resolve) => setImmediate(resolve));
        begunByTurn.push(begun - before);
      }
      expect(Math.max(...begunByTurn)).toBeLessThanOrEqual(8);
      await eventually('all others are secure', () => secure.length === clients.length - 1);
      expect(refused).toEqual([]);
    } finally {
      for (const socket of [...clients, ...secure]) socket.destroy();
      server.close();
    }
  });
});
