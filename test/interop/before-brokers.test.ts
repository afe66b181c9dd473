/**
 * What lies in ZooKeeper before there is a broker: passwords of its listeners and credentials of its first user,
 * set by `odradek configs --zookeeper` for Apache's broker and by kafka-configs --zookeeper for ours. And, as
 * both run then, what each answers to tokens that are no good.
 */
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect as connectTls } from 'node:tls';
import { promisify } from 'node:util';
import kafkajs from 'kafkajs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Broker } from '../../broker/broker.ts';
import { brokerConfig } from '../../broker/config/broker-config.ts';
import { systemPlatform } from '../../broker/platform/system-platform.ts';
import { type EmbeddedServer, startEmbeddedServer } from '../../coordinator-client/embedded/server.ts';
import { zookeeperSource } from '../../coordinator-client/zookeeper/zookeeper.ts';
import { create } from '../contract/bench.ts';
import { freePorts } from '../support/free-ports.ts';
import { bearerBytes, unsecuredToken } from '../unit/security/unsecured-tokens.ts';
import {
  APACHE_VERSION,
  type ApacheBroker,
  startApacheProcess,
  stopApacheProcess,
} from './apache-process.ts';
import { skipped } from './interop-cluster.ts';
import { JavaTools, jarsLack } from './java-jars.ts';
import { answersToTokens } from './raw-login.ts';
import { BEARER_MODULE, SCRAM_MODULE } from './secure-broker.ts';

const MAIN = join(import.meta.dirname, '..', '..', 'scripts', 'cli', 'main.ts');
const STORE = join(import.meta.dirname, '..', 'unit', 'security', 'stores', 'key.p12');
const CONFIG_COMMAND = 'kafka.admin.ConfigCommand';
const TIMEOUT_MS = 120_000;
const SESSION_TIMEOUT_MS = 10_000;
const SASL = 'listener.name.sasl_plaintext';

/** Of both, but for what is set in ZooKeeper: the password of the key store. */
const PROPERTIES = {
  'broker.id': '1',
  'offsets.topic.replication.factor': '1',
  'password.encoder.secret': 'of both',
  'listener.name.ssl.ssl.keystore.type': 'PKCS12',
  'listener.name.ssl.ssl.keystore.location': STORE,
  [`${SASL}.sasl.enabled.mechanisms`]: 'SCRAM-SHA-512,OAUTHBEARER',
  [`${SASL}.scram-sha-512.sasl.jaas.config`]: `${SCRAM_MODULE} required;`,
  [`${SASL}.oauthbearer.sasl.jaas.config`]: `${BEARER_MODULE} required unsecuredLoginStringClaim_sub="broker" unsecuredValidatorRequiredScope="write read";`,
};
const ENCODER = 'password.encoder.secret=of both';
const PASSWORD = `listener.name.ssl.ssl.keystore.password=changeit,${ENCODER}`;
const CREDENTIAL = 'SCRAM-SHA-512=[iterations=8192,password=its,own]';
const SETTINGS = [
  ['--entity-type', 'brokers', '--entity-name', '1', '--add-config', PASSWORD],
  ['--entity-type', 'users', '--entity-name', 'first', '--add-config', CREDENTIAL],
];

interface Running {
  readonly ssl: number;
  readonly sasl: number;
}

const skip = skipped('what is set before brokers run', jarsLack(APACHE_VERSION));

describe.skipIf(skip)('before there is a broker', () => {
  let directory: string;
  let server: EmbeddedServer;
  let broker: Broker | null = null;
  let apache: ApacheBroker | null = null;
  const at: { ours: Running; apaches: Running } = { ours: { ssl: 0, sasl: 0 }, apaches: { ssl: 0, sasl: 0 } };

  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), 'odradek-before-'));
    server = await startEmbeddedServer({ host: '127.0.0.1', port: 0, tickMs: 500 });
    await makeChroots(server.port);
    await Promise.all([
      setByOurs(`127.0.0.1:${server.port}/apache`),
      setByKafkas(`127.0.0.1:${server.port}/ours`),
    ]);
    const ports = await freePorts(4);
    const [ssl = 0, sasl = 0, apacheSsl = 0, apacheSasl = 0] = ports;
    at.ours = { ssl, sasl };
    at.apaches = { ssl: apacheSsl, sasl: apacheSasl };
    const ours = propertiesOf('ours', at.ours);
    broker = new Broker({
      config: brokerConfig(new Map(Object.entries(ours))),
      platform: systemPlatform({ write: () => {} }),
      coordinators: source(`127.0.0.1:${server.port}/ours`),
      hostName: 'localhost',
    });
    const lines = Object.entries(propertiesOf('apache', at.apaches)).map(
      ([key, value]) => `${key}=${value}\n`,
    );
    [apache] = await Promise.all([
      startApacheProcess({ brokerId: 1, directory, properties: lines.join('') }),
      broker.start(),
    ]);
  }, TIMEOUT_MS);
  afterAll(async () => {
    if (apache !== null) await stopApacheProcess(apache, 'SIGKILL');
    await broker?.shutdown();
    await server?.close();
    rmSync(directory, { recursive: true, force: true });
  });

  function propertiesOf(name: string, { ssl, sasl }: Running): Record<string, string> {
    mkdirSync(join(directory, name));
    return {
      ...PROPERTIES,
      listeners: `SASL_PLAINTEXT://localhost:${sasl},SSL://localhost:${ssl}`,
      'inter.broker.listener.name': 'SASL_PLAINTEXT',
      'sasl.mechanism.inter.broker.protocol': 'OAUTHBEARER',
      'log.dirs': join(directory, name),
      'zookeeper.connect': `127.0.0.1:${server.port}/${name}`,
    };
  }

  test.each(['ours', 'apaches'] as const)(
    '%s opens its key store by the password from ZooKeeper',
    async (whose) => {
      expect(await shownAt(at[whose].ssl)).toMatch(/^CN=/);
      expect(await shownAt(at.ours.ssl)).toBe(await shownAt(at.apaches.ssl));
    },
  );

  test.each(['ours', 'apaches'] as const)('%s lets the first user in', async (whose) => {
    const client = new kafkajs.Kafka({
      brokers: [`localhost:${at[whose].sasl}`],
      sasl: { mechanism: 'scram-sha-512', username: 'first', password: 'its,own' },
      logLevel: kafkajs.logLevel.NOTHING,
    });
    const admin = client.admin();
    await admin.connect();
    await admin.disconnect();
  });

  const inAnHour = () => Math.round(Date.now() / 1000) + 3600;
  const token = (claims: object = {}, header: unknown = { alg: 'none' }, signature = '') =>
    unsecuredToken({ sub: 'alice', exp: inAnHour(), scope: ['read', 'write'], ...claims }, header, signature);
  const UNDERSTOOD = Buffer.from('\x01');

  test.each<[string, () => readonly Buffer[]]>([
    ['that is good', () => [bearerBytes(token())]],
    ['of a name that is another', () => [bearerBytes(token(), { authorizationId: 'bob' })]],
    ['of the same name', () => [bearerBytes(token(), { authorizationId: 'alice' })]],
    ['with an extension', () => [bearerBytes(token(), { more: 'traceId=7\x01' })]],
    ['that has expired', () => [bearerBytes(token({ exp: 1 })), UNDERSTOOD]],
    ['without an end', () => [bearerBytes(token({ exp: null })), UNDERSTOOD]],
    ['whose end is a text', () => [bearerBytes(token({ exp: 'soon' })), UNDERSTOOD]],
    ['issued in the future', () => [bearerBytes(token({ iat: inAnHour() - 60 })), UNDERSTOOD]],
    ['issued after its end', () => [bearerBytes(token({ iat: inAnHour() + 60 })), UNDERSTOOD]],
    ['of nobody', () => [bearerBytes(token({ sub: ' ' })), UNDERSTOOD]],
    ['whose name is a number', () => [bearerBytes(token({ sub: 7 })), UNDERSTOOD]],
    ['of too small a scope', () => [bearerBytes(token({ scope: ['read'] })), UNDERSTOOD]],
    ['of a scope in one text', () => [bearerBytes(token({ scope: 'read write' })), UNDERSTOOD]],
    ['of no scope', () => [bearerBytes(token({ scope: null })), UNDERSTOOD]],
    ['that is signed', () => [bearerBytes(token({}, { alg: 'RS256' }, 'c2ln')), UNDERSTOOD]],
    ['that is signed by nothing', () => [bearerBytes(token({}, { alg: 'none' }, 'c2ln')), UNDERSTOOD]],
    ['of two parts', () => [bearerBytes('e30.e30'), UNDERSTOOD]],
    ['of four parts', () => [bearerBytes(`${token()}.e30`), UNDERSTOOD]],
    ['that is no JSON', () => [bearerBytes('AAAA.AAAA.'), UNDERSTOOD]],
    ['in a message without one', () => [Buffer.from('n,,\x01other=x\x01\x01')]],
    [
      'in a message with two',
      () => [Buffer.from(`n,,\x01auth=Bearer ${token()}\x01auth=Bearer ${token()}\x01\x01`)],
    ],
    ['of a scheme in capitals', () => [Buffer.from(`n,,\x01auth=BEARER ${token()}\x01\x01`)]],
    ['in a message with a wrong extension', () => [bearerBytes(token(), { more: 'a1=x\x01' })]],
    ['in a message that is cut', () => [bearerBytes(token()).subarray(0, -1)]],
    ['in a message that is none', () => [Buffer.from('hello')]],
    ['in an empty message', () => [Buffer.alloc(0)]],
  ])('a token %s is answered alike', async (_what, tokens) => {
    const said = tokens();
    const ours = await answersToTokens(at.ours.sasl, 'OAUTHBEARER', said);
    expect(ours).toEqual(await answersToTokens(at.apaches.sasl, 'OAUTHBEARER', said));
  });

  const refused = { errorCode: 58, token: '', lasts: false };
  const INVALID = '{"status":"invalid_token"}';
  const told = { ...refused, errorCode: 0, errorMessage: '', token: INVALID };

  // Where Kafka lets a connection try tokens until one is good, or gives no answer at all.
  test.each<[string, () => readonly Buffer[], unknown, unknown]>([
    [
      'after one that had expired',
      () => [bearerBytes(token({ exp: 1 })), bearerBytes(token())],
      [told, { ...refused, errorMessage: INVALID }],
      [told, { ...refused, errorCode: 0, errorMessage: '', lasts: true }],
    ],
    [
      'that is a text',
      () => [bearerBytes('ImEi.ImEi.'), UNDERSTOOD],
      [told, { ...refused, errorMessage: INVALID }],
      ['closed'],
    ],
    [
      'of another scheme',
      () => [Buffer.from(`n,,\x01auth=Basic ${token()}\x01\x01`)],
      [
        {
          ...refused,
          errorMessage:
            'Authentication failed during authentication due to invalid credentials with SASL mechanism OAUTHBEARER',
        },
      ],
      ['closed'],
    ],
  ])('a token %s is answered otherwise', async (_what, tokens, ours, apaches) => {
    const said = tokens();
    expect(await answersToTokens(at.ours.sasl, 'OAUTHBEARER', said)).toEqual(ours);
    expect(await answersToTokens(at.apaches.sasl, 'OAUTHBEARER', said)).toEqual(apaches);
  });
});

function source(connect: string) {
  return zookeeperSource({
    connect,
    sessionTimeoutMs: SESSION_TIMEOUT_MS,
    connectionTimeoutMs: SESSION_TIMEOUT_MS,
    maxInFlightRequests: 10,
  });
}

async function makeChroots(port: number): Promise<void> {
  const session = await source(`127.0.0.1:${port}`).open(SESSION_TIMEOUT_MS);
  for (const chroot of ['/ours', '/apache']) await session.commit([create(chroot, '')]);
  await session.close();
}

async function setByOurs(zookeeper: string): Promise<void> {
  for (const words of SETTINGS)
    await promisify(execFile)(process.execPath, [
      MAIN,
      'configs',
      '--zookeeper',
      zookeeper,
      '--alter',
      ...words,
    ]);
}

async function setByKafkas(zookeeper: string): Promise<void> {
  const tools = new JavaTools(APACHE_VERSION);
  try {
    for (const words of SETTINGS) {
      const outcome = await tools.run(CONFIG_COMMAND, ['--zookeeper', zookeeper, '--alter', ...words]);
      expect(outcome).toMatchObject({ status: 0 });
    }
  } finally {
    tools.close();
  }
}

/** The name in the certificate that a listener shows. */
function shownAt(port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connectTls({ port, host: 'localhost', rejectUnauthorized: false }, () => {
      resolve(socket.getPeerX509Certificate()?.subject ?? '');
      socket.destroy();
    });
    socket.once('error', reject);
  });
}
