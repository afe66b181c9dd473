/** A server made of zoo.cfg, and its tree secured and opened again, all from the command line. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { jvmProperties } from '../../../broker/security/jvm-options.ts';
import { type EmbeddedServer, startEmbeddedServer } from '../../../coordinator-client/embedded/server.ts';
import { parseCommand } from '../../../scripts/cli/arguments.ts';
import { configsCommand } from '../../../scripts/cli/configs/configs.ts';
import { consoleCommand } from '../../../scripts/cli/console.ts';
import { zkSecurityMigrationCommand } from '../../../scripts/cli/zk/zk-security-migration.ts';
import { zooCfg } from '../../../scripts/cli/zoo-cfg.ts';
import { openZookeeper, zkTlsOption, zookeeperAccessOf } from '../../../scripts/cli/zookeeper-client.ts';
import { create } from '../../contract/bench.ts';
import { AUTHORITY, BROKER, clientCertificate } from '../platform/tls-ends.ts';

const NOBODY = { tls: null, credentials: null, aclOf: null, isIdentified: false };
const MODULE = 'org.apache.zookeeper.server.auth.DigestLoginModule required';
let directory: string;
let server: EmbeddedServer;
let connect: string;

const file = (name: string): string => join(directory, name);
const write = (name: string, lines: readonly string[]): void => writeFileSync(file(name), lines.join('\n'));
const migrate = (...words: string[]): Promise<number> =>
  zkSecurityMigrationCommand.run(
    parseCommand(zkSecurityMigrationCommand, [`--zookeeper.connect=${connect}`, ...words]),
  );
const tlsOptions = () =>
  parseCommand({ ...zkSecurityMigrationCommand, options: [zkTlsOption] }, [
    `--${zkTlsOption.name}=${file('tls')}`,
  ]);

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'odradek-zk-security-'));
  const client = await clientCertificate('admin');
  write('server.pem', [BROKER.key, BROKER.certificate]);
  write('client.pem', [client.key, client.certificate]);
  write('ca.pem', [AUTHORITY.certificate]);
  write('jaas', [`Server { ${MODULE} user_kafka="secret"; };`]);
  write('zoo.cfg', [
    'tickTime=100',
    'clientPort=0',
    'secureClientPort=0',
    'initLimit=5',
    'authProvider.1=org.apache.zookeeper.server.auth.SASLAuthenticationProvider',
    `ssl.keyStore.location=${file('server.pem')}`,
    `ssl.trustStore.location=${file('ca.pem')}`,
  ]);
  write('tls', [
    'zookeeper.ssl.client.enable=true',
    'zookeeper.clientCnxnSocket=org.apache.zookeeper.ClientCnxnSocketNetty',
    `zookeeper.ssl.keystore.location=${file('client.pem')}`,
    `zookeeper.ssl.truststore.location=${file('ca.pem')}`,
  ]);
  const said: string[] = [];
  const options = await zooCfg(
    file('zoo.cfg'),
    jvmProperties(`-Djava.security.auth.login.config=${file('jaas')}`),
    (line) => said.push(line),
  );
  expect(said).toEqual(['initLimit has no effect here']);
  server = await startEmbeddedServer({ host: '', port: null, tickMs: 0, ...options });
  connect = `127.0.0.1:${server.securePort}`;
});
afterAll(async () => {
  await server.close();
  rmSync(directory, { recursive: true });
});

describe('a server made of zoo.cfg', () => {
  it('takes logins of the section Server on its plain port, and demands certificates on the other', async () => {
    const credentials = { digest: [], sasl: { user: 'kafka', password: 'secret' } };
    const plain = `127.0.0.1:${server.port}`;
    await (await openZookeeper(plain, { ...NOBODY, credentials })).close();
    const wrong = { digest: [], sasl: { user: 'kafka', password: 'wrong' } };
    await expect(openZookeeper(plain, { ...NOBODY, credentials: wrong })).rejects.toThrow('credentials');
    const { tls } = await zookeeperAccessOf(tlsOptions());
    const bare = tls === null ? null : { ...tls, identity: null };
    await expect(
      openZookeeper(connect, { ...NOBODY, tls: bare }, { connectionTimeoutMs: 400 }),
    ).rejects.toThrow('no ZooKeeper answered');
  });

  it.each([
    ['clientPort=x', 'clientPort takes a whole number from 0'],
    ['server.1=a:1:2\nclientPort=0', 'server.1 is not supported'],
    ['secureClientPort=0', 'ssl.keystore.location'],
    ['clientPort=0\nauthProvider.1=my.Provider', 'authProvider.1=my.Provider: allowed are'],
    ['clientPort=0\nsessionRequireClientSASLAuth=true', 'need the section Server'],
    ['tickTime=100', 'clientPort or secureClientPort is required'],
  ])('is refused with %j by the name of the key', async (text, complaint) => {
    write('bad.cfg', [text]);
    await expect(zooCfg(file('bad.cfg'), new Map(), () => {})).rejects.toThrow(complaint);
  });

  it('closes sessions that have to log in and do not', async () => {
    write('strict.cfg', ['clientPort=0', 'tickTime=100', 'sessionRequireClientSASLAuth=true']);
    const jvm = jvmProperties(`-Djava.security.auth.login.config=${file('jaas')}`);
    const strict = await startEmbeddedServer({
      host: '',
      port: null,
      tickMs: 0,
      ...(await zooCfg(file('strict.cfg'), jvm, () => {})),
    });
    const session = await openZookeeper(`127.0.0.1:${strict.port}`, NOBODY);
    await expect(session.read('/')).rejects.toThrow('-124');
    await session.close();
    await strict.close();
  });
});

describe('zk-security-migration', () => {
  it('wants to know what to do, and as whom', async () => {
    await expect(migrate('--zookeeper.acl=perhaps')).rejects.toThrow('secure or unsecure');
    await expect(migrate('--zookeeper.acl=secure')).rejects.toThrow('could not tell who we are');
  });

  it("secures the nodes that are Kafka's, and opens them again", async () => {
    const admin = await openZookeeper(connect, {
      ...(await zookeeperAccessOf(tlsOptions())),
      isIdentified: false,
    });
    for (const path of ['/brokers', '/brokers/ids', '/config', '/config/users', '/consumers', '/other']) {
      await admin.commit([create(path, 'x')]);
    }
    const lists = (): Promise<unknown> =>
      Promise.all(
        ['/', '/brokers/ids', '/config/users', '/consumers', '/other', '/kafka-acl'].map(async (path) => {
          const list = await admin.accessList(path);
          return list === null || list === 'denied'
            ? list
            : list.acl.map(({ scheme, permissions }) => scheme + permissions);
        }),
      );
    const before = await lists();
    expect(
      await migrate('--zookeeper.acl=secure', '--enable.path.check', `--zk-tls-config-file=${file('tls')}`),
    ).toBe(1);
    expect(await lists()).toEqual(before);
    expect(await migrate('--zookeeper.acl=secure', `--zk-tls-config-file=${file('tls')}`)).toBe(0);
    const both = ['x50931', 'world1'];
    expect(await lists()).toEqual([both, both, ['x50931'], ['world31'], ['world31'], both]);
    expect(await admin.read('/feature')).toBeNull();
    expect(await migrate('--zookeeper.acl=unsecure', `--zk-tls-config-file=${file('tls')}`)).toBe(0);
    expect(await lists()).toEqual(Array(6).fill(['world31']));
    await admin.close();
  });
});

it('configs --zookeeper keeps the credential that it writes for whoever it is there', async () => {
  const access = await zookeeperAccessOf(tlsOptions());
  const session = await openZookeeper(connect, access);
  const words = ['--alter', '--entity-type=users', '--entity-name=app'];
  const password = '--add-config=SCRAM-SHA-256=[password=x]';
  const tls = `--zk-tls-config-file=${file('tls')}`;
  const given = parseCommand(configsCommand, [`--zookeeper=${connect}`, ...words, password, tls]);
  expect(await configsCommand.run(given)).toBe(0);
  const list = await session.accessList('/config/users/app');
  expect(list).toMatchObject({ acl: [{ scheme: 'x509', permissions: 31 }] });
  await session.close();
});

it('the console comes to a ZooKeeper with TLS by the same file', async () => {
  const nobody = ['--bootstrap-server=127.0.0.1:1', `--zookeeper=${connect}`];
  const started = (...words: string[]) =>
    consoleCommand.run(parseCommand(consoleCommand, [...nobody, ...words]));
  await expect(started()).rejects.toThrow(`no ZooKeeper answered at ${connect}`);
  // It is past ZooKeeper, and asks the cluster, which is not there.
  await expect(started(`--zk-tls-config-file=${file('tls')}`)).rejects.toThrow('127.0.0.1:1');
});
