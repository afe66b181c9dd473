/**
 * The coordinator contract over TLS, with a certificate, a login by SASL and one by digest, on secured nodes of
 * the embedded server. And that it and a real ZooKeeper let in whom they should, and nobody else.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { tcpSockets } from '../../broker/platform/tcp-sockets.ts';
import type { TlsClientEnd } from '../../broker/platform/tls.ts';
import { secureContext } from '../../broker/platform/tls-sockets.ts';
import { dialThrough } from '../../broker/platform/zookeeper-lines.ts';
import { subjectName } from '../../broker/security/tls/certificate-name.ts';
import { startEmbeddedServer } from '../../coordinator-client/embedded/server.ts';
import { OPEN_ACL } from '../../coordinator-client/tree/acl.ts';
import { securedAcl } from '../../coordinator-client/znodes/znode-acls.ts';
import { type ZookeeperOptions, zookeeperSource } from '../../coordinator-client/zookeeper/zookeeper.ts';
import { ensembleLacks, startEnsemble } from '../support/ensemble.ts';
import { freePorts } from '../support/free-ports.ts';
import { AUTHORITY, BROKER, clientCertificate, clientEnd, serverEnd } from '../unit/platform/tls-ends.ts';
import { create, put } from './bench.ts';
import { coordinatorContract } from './coordinator-contract.ts';
import { wireBenches } from './wire-bench.ts';

/** Who is cut off comes back within it, also on a busy machine. */
const SESSION_TIMEOUT_MS = 6000;
/** The first handshake of a JVM takes seconds on a busy machine. */
const OPEN_TIMEOUT_MS = 60_000;
const HOUR_MS = 3_600_000;
const USERS = { kafka: 'kafka "secret"', süd: 'geheim' };
const KAFKA = { user: 'kafka', password: USERS.kafka };
const CERTIFICATE = await clientCertificate('one');
const TLS = clientEnd({ maxVersion: 'TLSv1.2' }, CERTIFICATE);

interface SecureServer {
  readonly port: number;
  readonly securePort: number;
  close(): Promise<void>;
}

async function embedded(): Promise<SecureServer> {
  const server = await startEmbeddedServer({
    host: '127.0.0.1',
    port: 0,
    tickMs: 100,
    maxSessionTimeoutMs: SESSION_TIMEOUT_MS,
    saslUsers: new Map(Object.entries(USERS)),
    secure: {
      host: '127.0.0.1',
      port: 0,
      tls: secureContext(serverEnd()),
      clientAuth: 'requested',
      nameOf: subjectName,
    },
  });
  return { port: server.port, securePort: server.securePort ?? 0, close: () => server.close() };
}

async function real(): Promise<SecureServer> {
  const [securePort = 0] = await freePorts(1);
  const ensemble = await startEnsemble({
    nodes: 1,
    tickMs: 250,
    security: {
      port: securePort,
      shown: BROKER.key + BROKER.certificate,
      trusted: AUTHORITY.certificate,
      users: USERS,
    },
  });
  const [port = 0] = ensemble.ports;
  return { port, securePort, close: () => ensemble.close() };
}

const lacking = ensembleLacks();
if (lacking !== null) console.log(`skipped: a secured real ZooKeeper: ${lacking}`);

describe.each([
  ['the embedded server', embedded, 100],
  ...(lacking === null ? ([['a real ZooKeeper', real, 250]] as const) : []),
] as const)('%s, secured', (name, start, tickMs) => {
  let server: SecureServer;
  beforeAll(async () => {
    server = await start();
  });
  afterAll(() => server.close());

  const dialled = (tls: TlsClientEnd) => dialThrough(tcpSockets(), tls);
  const open = (
    port: number,
    access: Pick<ZookeeperOptions, 'dial' | 'credentials' | 'aclOf'> = {},
    timeoutMs = OPEN_TIMEOUT_MS,
  ) =>
    zookeeperSource({
      connect: `127.0.0.1:${port}`,
      sessionTimeoutMs: timeoutMs,
      connectionTimeoutMs: timeoutMs,
      maxInFlightRequests: 10,
      ...access,
    }).open(timeoutMs);

  // The plain contract runs on a real ensemble too: over TLS that would only take longer.
  if (start === embedded)
    coordinatorContract(
      `${name}, over TLS and with credentials`,
      wireBenches({
        ports: () => [server.securePort],
        sessionTimeoutMs: SESSION_TIMEOUT_MS,
        tickMs,
        access: {
          dial: dialled(TLS),
          credentials: { digest: ['one:1', 'two:2'], sasl: KAFKA },
          aclOf: securedAcl,
        },
      }),
    );

  it('keeps nodes for whoever has logged in', async () => {
    const owner = await open(server.port, { credentials: { digest: [], sasl: KAFKA }, aclOf: securedAcl });
    const outsider = await open(server.port);
    expect(await owner.commit([create('/config', ''), create('/config/users', 'x')])).toMatchObject({
      ok: true,
    });
    await outsider.sync();
    expect(await outsider.children('/config')).toEqual(['users']);
    await expect(outsider.read('/config/users')).rejects.toThrow('noAuth');
    expect(await outsider.commit([put('/config', 'y', 0)])).toMatchObject({ reason: 'denied' });
    expect(await outsider.commit([create('/config/topics', '')])).toMatchObject({ reason: 'denied' });
    expect(await outsider.setAccessList('/config', { acl: OPEN_ACL, version: -1 })).toBe('denied');
    expect(await outsider.accessList('/config/users')).toBe('denied');
    expect(await owner.accessList('/config/users')).toEqual({
      acl: [{ permissions: 31, scheme: 'sasl', id: 'kafka' }],
      version: 0,
    });
    const both = securedAcl('/config');
    expect(await owner.setAccessList('/config/users', { acl: both, version: 7 })).toBe('version');
    expect(await owner.setAccessList('/config/users', { acl: both, version: 0 })).toBeNull();
    expect((await outsider.read('/config/users'))?.data.toString()).toBe('x');
    expect(await owner.accessList('/nowhere')).toBeNull();
    const twice = [...OPEN_ACL, ...OPEN_ACL, { permissions: 1, scheme: 'nothing', id: 'x' }];
    expect(await owner.setAccessList('/config/users', { acl: twice, version: -1 })).toBe('invalid');
    await Promise.all([owner.close(), outsider.close()]);
  });

  it('knows whoever shows a certificate by the name in it', async () => {
    const owner = await open(server.securePort, { dial: dialled(TLS), aclOf: securedAcl });
    const other = await open(server.securePort, { dial: dialled(clientEnd()) });
    await owner.commit([create('/certified', '')]);
    await other.sync();
    expect(await owner.accessList('/certified')).toEqual({
      acl: [
        { permissions: 31, scheme: 'x509', id: 'CN=one,O=Odradek' },
        { permissions: 1, scheme: 'world', id: 'anyone' },
      ],
      version: 0,
    });
    expect(await other.commit([put('/certified', 'y', 0)])).toMatchObject({ reason: 'denied' });
    await Promise.all([owner.close(), other.close()]);
  });

  it.each([
    ['a wrong password', { ...KAFKA, password: 'wrong' }],
    // With the password of another: a real ZooKeeper takes an unknown name that knows that of the last login.
    ['an unknown name', { user: 'nobody', password: 'wrong' }],
  ])('refuses %s at once, and takes nobody for another', async (_what, sasl) => {
    // In vain it would be tried for longer than a test may take.
    const opened = open(server.port, { credentials: { digest: [], sasl } }, HOUR_MS);
    await expect(opened).rejects.toThrow('credentials');
  });

  it('takes names and passwords beyond ASCII', async () => {
    const sasl = { user: 'süd', password: USERS.süd };
    const session = await open(server.port, { credentials: { digest: [], sasl }, aclOf: securedAcl });
    expect(await session.commit([create('/south', '')])).toMatchObject({ ok: true });
    expect(await session.accessList('/south')).toMatchObject({ acl: [{ scheme: 'sasl', id: 'süd' }, {}] });
    await session.close();
  });

  it('is not believed without the authority that it is signed by, nor spoken to in plain', async () => {
    const strangers = clientEnd({ trusted: [CERTIFICATE.certificate] });
    await expect(open(server.securePort, { dial: dialled(strangers) }, 500)).rejects.toThrow('no session');
    await expect(open(server.securePort, {}, 500)).rejects.toThrow('no session');
  });
});
