/**
 * Apache Kafka as the judge of who may do what in ZooKeeper: the access lists that its broker, logged in by SASL,
 * gives its nodes.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { startEmbeddedServer } from '../../coordinator-client/embedded/server.ts';
import type { Acl } from '../../coordinator-client/tree/acl.ts';
import { securedAcl } from '../../coordinator-client/znodes/znode-acls.ts';
import { zookeeperSource } from '../../coordinator-client/zookeeper/zookeeper.ts';
import { freePorts } from '../support/free-ports.ts';
import { APACHE_VERSION, startApacheProcess, stopApacheProcess } from './apache-process.ts';
import { skipped } from './interop-cluster.ts';
import { jarsLack } from './java-jars.ts';

const USER = { user: 'kafka', password: 'secret' };
const skip = skipped("access lists of Apache's broker", jarsLack(APACHE_VERSION));
const TIMEOUT_MS = 90_000;
const SESSION_TIMEOUT_MS = 10_000;
/** ZooKeeper's own. */
const NOT_KAFKAS = /^\/zookeeper|^\/$/;

type Session = Awaited<ReturnType<ReturnType<typeof zookeeperSource>['open']>>;

/** `auth` stands for whoever has logged in. */
function stored(acl: readonly Acl[]): readonly Acl[] {
  return acl.map((entry) => (entry.scheme === 'auth' ? { ...entry, scheme: 'sasl', id: USER.user } : entry));
}

async function listsBelow(session: Session, path: string): Promise<[string, unknown][]> {
  const list = await session.accessList(path);
  const names = (await session.children(path)) ?? [];
  const nested = await Promise.all(
    names.map((name) => listsBelow(session, `${path === '/' ? '' : path}/${name}`)),
  );
  const own: [string, unknown] = [path, list === null || list === 'denied' ? list : list.acl];
  return [own, ...nested.flat()].filter(([name]) => !NOT_KAFKAS.test(name));
}

test.skipIf(skip)(
  "Apache's broker gives its nodes the lists that ours gives them",
  async () => {
    const directory = mkdtempSync(join(tmpdir(), 'odradek-secured-'));
    const server = await startEmbeddedServer({
      host: '127.0.0.1',
      port: 0,
      tickMs: 500,
      saslUsers: new Map([[USER.user, USER.password]]),
    });
    const connect = `127.0.0.1:${server.port}`;
    const session = await zookeeperSource({
      connect,
      sessionTimeoutMs: SESSION_TIMEOUT_MS,
      connectionTimeoutMs: SESSION_TIMEOUT_MS,
      maxInFlightRequests: 50,
      credentials: { digest: [], sasl: USER },
    }).open(SESSION_TIMEOUT_MS);
    const jaas = join(directory, 'jaas');
    const module = 'org.apache.zookeeper.server.auth.DigestLoginModule';
    writeFileSync(
      jaas,
      `Client { ${module} required username="${USER.user}" password="${USER.password}"; };`,
    );
    const [port = 0] = await freePorts(1);
    mkdirSync(join(directory, 'data'));
    const properties = {
      'broker.id': '1',
      listeners: `PLAINTEXT://127.0.0.1:${port}`,
      'log.dirs': join(directory, 'data'),
      'zookeeper.connect': connect,
      'zookeeper.set.acl': 'true',
      'authorizer.class.name': 'kafka.security.authorizer.AclAuthorizer',
      'delegation.token.secret.key': 'key',
    };
    const apache = await startApacheProcess({
      brokerId: 1,
      directory,
      properties: Object.entries(properties)
        .map(([key, value]) => `${key}=${value}`)
        .join('\n'),
      jvm: [`-Djava.security.auth.login.config=${jaas}`],
    });
    try {
      const lists = await listsBelow(session, '/');
      expect(lists.length).toBeGreaterThan(30);
      expect(Object.fromEntries(lists)).toEqual(
        Object.fromEntries(lists.map(([path]) => [path, stored(securedAcl(path))])),
      );
    } finally {
      await stopApacheProcess(apache, 'SIGKILL');
      await session.close();
      await server.close();
      rmSync(directory, { recursive: true, force: true });
    }
  },
  TIMEOUT_MS,
);
