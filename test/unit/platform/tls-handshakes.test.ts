/** Handshakes that go wrong, by many at once too, and an end that is replaced while it listens. */
import { connect } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ByteSocket, SocketListener } from '../../../broker/platform/sockets.ts';
import { tcpSockets } from '../../../broker/platform/tcp-sockets.ts';
import type { TlsClientEnd, TlsServerEnd } from '../../../broker/platform/tls.ts';
import { subjectName } from '../../../broker/security/tls/certificate-name.ts';
import { createAuthority, issue } from '../../../scripts/cli/certs/authority.ts';
import { eventually } from '../../support/eventually.ts';
import { clientCertificate, clientEnd, EXPIRED, NOT_YET, serverEnd, VALID } from './tls-ends.ts';

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
  return sockets.dial({ host, port: listener.port, timeoutMs: 5000, tls });
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

describe('versions', () => {
  it('that are not enabled find nobody', async () => {
    end = serverEnd({ minVersion: 'TLSv1.3' });
    expect(await isServed(clientEnd({ maxVersion: 'TLSv1.2' }))).toBe(false);
    expect(await isServed(clientEnd())).toBe(true);
  });
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

  it('by the thousand and silently takes a bounded number of places, and others are served at once', async () => {
    const silent = Array.from({ length: 1000 }, () => {
      const socket = connect(listener.port, '127.0.0.1');
      socket.on('error', () => {});
      return socket;
    });
    await eventually('those beyond the bound are given up', () => refused.length >= 1000 - MOST_HANDSHAKES);
    expect(await isServed(clientEnd())).toBe(true);
    for (const socket of silent) socket.destroy();
  }, 40_000);

  it('and says nothing is cut off when its time is over', async () => {
    const socket = connect(listener.port, '127.0.0.1');
    await new Promise((resolve) => socket.once('close', resolve));
    expect(refused).toHaveLength(1);
  });
});
