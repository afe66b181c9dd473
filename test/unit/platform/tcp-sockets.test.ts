/** TCP keeps the contract of sockets, read through the slab as well as plainly; so does TLS over it. */
import { networkInterfaces } from 'node:os';
import { describe, expect, it } from 'vitest';
import type { ByteSocket, SocketNetwork } from '../../../broker/platform/sockets.ts';
import { tcpSockets } from '../../../broker/platform/tcp-sockets.ts';
import { socketsContract } from './sockets.contract.ts';
import { clientEnd, serverEnd } from './tls-ends.ts';

for (const reading of ['slab', 'plain'] as const) {
  socketsContract(`TCP, ${reading}`, () => ({
    near: tcpSockets({ reading }),
    far: tcpSockets({ reading }),
    host: '127.0.0.1',
    settle: (promise) => promise,
  }));
}

/** As TCP, with a handshake before everything. */
function overTls(): SocketNetwork {
  const sockets = tcpSockets();
  const tls = { end: () => SERVER, handshakeTimeoutMs: 5000, mostHandshakes: 100, refused() {} };
  return {
    listen: (options) => sockets.listen({ ...options, tls }),
    dial: (options) => sockets.dial({ ...options, tls: clientEnd() }),
  };
}
const SERVER = serverEnd();

socketsContract('TLS', () => ({
  near: overTls(),
  far: overTls(),
  host: '127.0.0.1',
  settle: (promise) => promise,
}));

describe('the shared slab', () => {
  it('is what chunks of all connections lie in', async () => {
    const sockets = tcpSockets();
    const memories = new Set<ArrayBufferLike>();
    const accept = (socket: ByteSocket): void =>
      socket.on({
        data: (chunk) => {
          memories.add(chunk.buffer);
          socket.destroy();
        },
        close: () => {},
      });
    const listener = await sockets.listen({ host: '127.0.0.1', port: 0, backlog: 10, accept });
    for (let index = 0; index < 3; index++) {
      const socket = await sockets.dial({ host: '127.0.0.1', port: listener.port, timeoutMs: 20_000 });
      socket.write([Buffer.from('hello')]);
      await new Promise((resolve) => socket.on({ data: () => {}, close: resolve }));
    }
    await listener.close();
    expect(memories.size).toBe(1);
    expect([...memories][0]?.byteLength).toBe(1024 * 1024);
  });
});

const hasIpv6 = Object.values(networkInterfaces()).some((all) =>
  all?.some(({ address }) => address === '::1'),
);
describe.skipIf(!hasIpv6)('localhost', () => {
  it('is listened on at both loopback addresses, on one port', async () => {
    const sockets = tcpSockets();
    let accepted = 0;
    const accept = (socket: ByteSocket): void => {
      accepted++;
      socket.destroy();
    };
    const listener = await sockets.listen({ host: 'localhost', port: 0, backlog: 10, accept });
    for (const host of ['127.0.0.1', '::1']) {
      const socket = await sockets.dial({ host, port: listener.port, timeoutMs: 20_000 });
      await new Promise((resolve) => socket.on({ data: () => {}, close: resolve }));
    }
    expect(accepted).toBe(2);
    await listener.close();
    for (const host of ['127.0.0.1', '::1']) {
      const dialled = sockets.dial({ host, port: listener.port, timeoutMs: 20_000 });
      await expect(dialled).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    }
  });
});
