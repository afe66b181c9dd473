/** What the image's health check says of brokers that are well, that are not, and that never answer. */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer as createHttpServer } from 'node:http';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { createServer as createTlsServer } from 'node:tls';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createAuthority, issue } from '../../scripts/cli/certs/authority.ts';
import { askedHealth } from '../../scripts/docker/health.ts';
import { shapeOf } from '../../scripts/docker/kraft-shape.ts';

const DOCKERFILE = join(import.meta.dirname, '..', '..', 'scripts', 'docker', 'Dockerfile');
const DAY_MS = 86_400_000;

const open: Server[] = [];
const sockets = new Set<Socket>();
let authority: string;
let identity: { cert: string; key: string };

beforeAll(async () => {
  const validity = { from: new Date(Date.now() - DAY_MS), to: new Date(Date.now() + DAY_MS) };
  const made = await createAuthority('health', validity);
  const { certificate, key } = await issue(made, { commonName: 'broker', hosts: ['broker'], validity });
  authority = made.certificate;
  identity = { cert: certificate, key };
});

afterEach(() => {
  for (const socket of sockets) socket.destroy();
  for (const server of open.splice(0)) server.close();
});

async function portOf(server: Server): Promise<number> {
  open.push(server);
  server.on('connection', (socket: Socket) => sockets.add(socket));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

function plain(port: number): Map<string, string> {
  return new Map([['peer.listener', `PEER://0.0.0.0:${port}`]]);
}

/** As a container alone has them, which is told of no ZooKeeper. */
function secure(port: number): ReadonlyMap<string, string> {
  return shapeOf(secureSettings(port), new Map([['listeners', 'PLAINTEXT://:9092']])).properties;
}

function secureSettings(port: number): Map<string, string> {
  return new Map([
    ...plain(port),
    ['listener.security.protocol.map', 'PLAINTEXT:PLAINTEXT,PEER:SSL'],
    ['ssl.keystore.type', 'PEM'],
    ['ssl.keystore.certificate.chain', identity.cert],
    ['ssl.keystore.key', identity.key],
    ['ssl.truststore.type', 'PEM'],
    ['ssl.truststore.certificates', authority],
  ]);
}

describe('the health check', () => {
  it.each([
    [200, true],
    [503, false],
  ])('of a broker that answers %i says what it answers', async (status, isHealthy) => {
    const server = createHttpServer((_request, response) => response.writeHead(status).end('{"id":1}\n'));
    expect(await askedHealth(plain(await portOf(server)))).toEqual({ isHealthy, text: '{"id":1}' });
  });

  it('shows the certificate of the broker where peers speak TLS, whoever has issued it', async () => {
    const options = { ...identity, ca: authority, requestCert: true, rejectUnauthorized: true };
    const server = createTlsServer(options, (socket) => {
      socket.end('HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok');
    });
    const settings = secure(await portOf(server));
    const trustless = new Map([...settings].filter(([key]) => !key.startsWith('ssl.truststore')));
    for (const each of [settings, trustless])
      expect(await askedHealth(each)).toEqual({ isHealthy: true, text: 'ok' });
  });

  it.each([
    ['in the clear', plain, () => createServer(), 'no answer'],
    ['before the handshake', secure, () => createServer(), 'no connection'],
    ['after the handshake', secure, () => createTlsServer(identity), 'no answer'],
  ] as const)(
    'gives up on a broker that is silent %s before Docker gives up on the check',
    async (_, properties, server, what) => {
      const { isHealthy, text } = await askedHealth(properties(await portOf(server())));
      expect(isHealthy).toBe(false);
      const [, said, ms] = /: (.*) within (\d+) ms$/.exec(text) ?? [];
      expect(said).toBe(what);
      const [, timeoutS] = /^HEALTHCHECK .*--timeout=(\d+)s/m.exec(readFileSync(DOCKERFILE, 'utf8')) ?? [];
      // A second for Node to start.
      expect(Number(ms)).toBeLessThanOrEqual((Number(timeoutS) - 1) * 1000);
    },
  );

  it('says that nobody is there, and that no port is named', async () => {
    const server = createServer();
    const port = await portOf(server);
    server.close();
    expect(await askedHealth(plain(port))).toEqual({
      isHealthy: false,
      text: `127.0.0.1:${port}/healthz: connect ECONNREFUSED 127.0.0.1:${port}`,
    });
    expect((await askedHealth(new Map())).text).toContain('peer.listener must name a port');
  });
});
