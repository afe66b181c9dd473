/**
 * Clients that know nothing of us log in over TLS by each mechanism: kafkajs, librdkafka, Java's tools.
 * SCRAM credentials are Kafka's to the byte: those that we have stored let clients in at Apache's broker, and
 * those that it has stored let them in here.
 */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import kafkajs from 'kafkajs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ClusterStore } from '../../coordinator-client/stores/cluster-store.ts';
import { zookeeperSource } from '../../coordinator-client/zookeeper/zookeeper.ts';
import { freePorts } from '../support/free-ports.ts';
import { unsecuredToken } from '../unit/security/unsecured-tokens.ts';
import { APACHE_VERSION, startApacheProcess, stopApacheProcess } from './apache-process.ts';
import { commandLacks, skipped } from './interop-cluster.ts';
import { JavaTools, jarsLack } from './java-jars.ts';
import {
  BEARER_MODULE,
  PLAIN_MODULE,
  SCRAM_MODULE,
  type SecureBroker,
  securityProperties,
  startSecureBroker,
} from './secure-broker.ts';

const run = promisify(execFile);
const MAIN = join(import.meta.dirname, '..', '..', 'scripts', 'cli', 'main.ts');
const MECHANISMS = [
  ['PLAIN', 'alice', 'secret'],
  ['SCRAM-SHA-256', 'bob', 'bobs'],
  ['SCRAM-SHA-512', 'bob', 'bobs'],
] as const;
const JAVA_TIMEOUT_MS = 180_000;
const TOPIC_COMMAND = 'org.apache.kafka.tools.TopicCommand';
const CONFIG_COMMAND = 'kafka.admin.ConfigCommand';

let secure: SecureBroker;
beforeAll(async () => {
  secure = await startSecureBroker();
  const mechanisms = ['--mechanism', 'SCRAM-SHA-256', '--mechanism', 'SCRAM-SHA-512'];
  await ours('users', '--add', '--user', 'bob', '--password', 'bobs', ...mechanisms);
});
afterAll(() => secure?.close());

async function ours(...argv: string[]): Promise<string> {
  const words = [MAIN, ...argv, '--bootstrap-server', secure.at('PLAINTEXT')];
  return (await run(process.execPath, words)).stdout;
}

describe('kafkajs', () => {
  const options = {
    'SCRAM-SHA-256': 'scram-sha-256',
    'SCRAM-SHA-512': 'scram-sha-512',
    PLAIN: 'plain',
  } as const;

  function client(mechanism: keyof typeof options, username: string, password: string) {
    return new kafkajs.Kafka({
      brokers: [secure.at('SASL_SSL')],
      ssl: { ca: readFileSync(secure.caFile, 'utf8') },
      sasl: { mechanism: options[mechanism] as 'plain', username, password },
      logLevel: kafkajs.logLevel.NOTHING,
      // The first of them makes the topic, and finds no leader yet.
      retry: { retries: 8, initialRetryTime: 100 },
    });
  }

  function bearer(value: string) {
    return new kafkajs.Kafka({
      brokers: [secure.at('SASL_SSL')],
      ssl: { ca: readFileSync(secure.caFile, 'utf8') },
      sasl: { mechanism: 'oauthbearer', oauthBearerProvider: async () => ({ value }) },
      logLevel: kafkajs.logLevel.NOTHING,
      retry: { retries: 8, initialRetryTime: 100 },
    });
  }

  const token = () => unsecuredToken({ sub: 'alice', exp: Math.round(Date.now() / 1000) + 60 });

  test.each(MECHANISMS)('logs in by %s and writes', async (mechanism, user, password) => {
    const producer = client(mechanism, user, password).producer();
    await producer.connect();
    const [sent] = await producer.send({ topic: 'kafkajs', messages: [{ value: 'x' }] });
    expect(sent?.errorCode).toBe(0);
    await producer.disconnect();
  });

  test('logs in by a token and writes', async () => {
    const producer = bearer(token()).producer();
    await producer.connect();
    const [sent] = await producer.send({ topic: 'kafkajs', messages: [{ value: 'x' }] });
    expect(sent?.errorCode).toBe(0);
    await producer.disconnect();
  });

  test('is told that its password is wrong', async () => {
    await expect(client('PLAIN', 'alice', 'wrong').admin().connect()).rejects.toThrow(
      'Invalid username or password',
    );
  });
});

const noKcat = skipped('kcat', commandLacks('kcat', ['-V']));
describe.skipIf(noKcat)('kcat', () => {
  async function kcat(listener: string, more: Readonly<Record<string, string>>): Promise<string> {
    const all = { 'security.protocol': listener, 'ssl.ca.location': secure.caFile, ...more };
    const options = Object.entries(all).flatMap(([name, value]) => ['-X', `${name}=${value}`]);
    return (await run('kcat', ['-b', secure.at(listener), '-L', ...options], { timeout: 60_000 })).stdout;
  }

  test.each(MECHANISMS)('logs in by %s, over TLS and without', async (mechanism, username, password) => {
    const login = { 'sasl.mechanism': mechanism, 'sasl.username': username, 'sasl.password': password };
    for (const listener of ['SASL_SSL', 'SASL_PLAINTEXT']) {
      expect(await kcat(listener, login)).toContain(`broker 1 at ${secure.at(listener)}`);
    }
  });

  test('logs in by a token that it makes itself', async () => {
    const login = {
      'sasl.mechanism': 'OAUTHBEARER',
      'enable.sasl.oauthbearer.unsecure.jwt': 'true',
      'sasl.oauthbearer.config': 'principal=alice extension_traceId=7',
    };
    expect(await kcat('SASL_SSL', login)).toContain(`broker 1 at ${secure.at('SASL_SSL')}`);
  });

  test('shows a certificate where one is required', async () => {
    const { certificate, key } = secure.client;
    const shown = { 'ssl.certificate.location': certificate, 'ssl.key.location': key };
    expect(await kcat('SSL', shown)).toContain(`broker 1 at ${secure.at('SSL')}`);
  });
});

const noJava = skipped("Kafka's tools over TLS", jarsLack(APACHE_VERSION));
describe.skipIf(noJava)('Java', () => {
  let tools: JavaTools;
  beforeAll(() => {
    tools = new JavaTools(APACHE_VERSION);
  });
  afterAll(() => tools?.close());

  const trust = () => ({ 'ssl.truststore.type': 'PEM', 'ssl.truststore.location': secure.caFile });
  const login = (mechanism: string, user: string, password: string) => ({
    'sasl.mechanism': mechanism,
    'sasl.jaas.config': `${mechanism === 'PLAIN' ? PLAIN_MODULE : SCRAM_MODULE} required username="${user}" password="${password}";`,
  });

  async function topics(bootstrap: string, properties: Readonly<Record<string, string>>) {
    const file = secure.clientProperties(
      `${Object.values(properties).join('-').replaceAll(/\W/g, '').slice(-60)}.properties`,
      properties,
    );
    return tools.run(TOPIC_COMMAND, ['--bootstrap-server', bootstrap, '--command-config', file, '--list']);
  }

  test.each(MECHANISMS)(
    'logs in by %s over TLS',
    async (mechanism, user, password) => {
      const properties = { 'security.protocol': 'SASL_SSL', ...trust(), ...login(mechanism, user, password) };
      expect(await topics(secure.at('SASL_SSL'), properties)).toMatchObject({ status: 0 });
    },
    JAVA_TIMEOUT_MS,
  );

  test(
    'logs in by a token that it makes itself, and is told what is wrong with one',
    async () => {
      const bearer = (options: string) => ({
        'security.protocol': 'SASL_SSL',
        ...trust(),
        'sasl.mechanism': 'OAUTHBEARER',
        'sasl.jaas.config': `${BEARER_MODULE} required unsecuredLoginStringClaim_sub="alice" ${options};`,
      });
      const good = bearer('unsecuredLoginExtension_traceId="7"');
      expect(await topics(secure.at('SASL_SSL'), good)).toMatchObject({ status: 0 });
      const expired = await topics(secure.at('SASL_SSL'), bearer('unsecuredLoginLifetimeSeconds="-60"'));
      expect(expired.status).not.toBe(0);
      expect(`${expired.out}${expired.error}`).toContain('{"status":"invalid_token"}');
    },
    JAVA_TIMEOUT_MS,
  );

  test(
    'shows a certificate where one is required',
    async () => {
      const own = { 'ssl.keystore.type': 'PEM', 'ssl.keystore.location': secure.client.store };
      const properties = { 'security.protocol': 'SSL', ...trust(), ...own };
      expect(await topics(secure.at('SSL'), properties)).toMatchObject({ status: 0 });
    },
    JAVA_TIMEOUT_MS,
  );

  test(
    'sets a password by kafka-configs, which is good at once',
    async () => {
      const entity = ['--entity-type', 'users', '--entity-name', 'dora'];
      const changed = await tools.run(CONFIG_COMMAND, [
        ...['--bootstrap-server', secure.at('PLAINTEXT'), '--alter', ...entity],
        ...['--add-config', 'SCRAM-SHA-256=[iterations=8192,password=doras]'],
      ]);
      expect(changed).toMatchObject({ status: 0 });
      expect(await ours('users', '--list')).toMatch(/dora +SCRAM-SHA-256 +8192/);
      const properties = {
        'security.protocol': 'SASL_PLAINTEXT',
        ...login('SCRAM-SHA-256', 'dora', 'doras'),
      };
      expect(await topics(secure.at('SASL_PLAINTEXT'), properties)).toMatchObject({ status: 0 });
    },
    JAVA_TIMEOUT_MS,
  );

  test(
    'credentials that one of the two brokers has stored let clients in at the other',
    async () => {
      const [ownStore, apacheStore] = await Promise.all([storeAt(''), storeAt('/apache')]);
      const [port = 0, saslPort = 0] = await freePorts(2);
      const brokerStore = join(secure.directory, 'broker.pem');
      const properties = {
        'broker.id': '1',
        listeners: `PLAINTEXT://localhost:${port},SASL_PLAINTEXT://localhost:${saslPort}`,
        'log.dirs': join(secure.directory, 'apache-data'),
        'zookeeper.connect': `${secure.zookeeperConnect}/apache`,
        'offsets.topic.replication.factor': '1',
        ...securityProperties(brokerStore, secure.caFile),
      };
      const apache = await startApacheProcess({
        brokerId: 1,
        directory: secure.directory,
        properties: Object.entries(properties)
          .map(([name, value]) => `${name}=${value}\n`)
          .join(''),
      });
      try {
        await apacheStore.configs.write('users', 'bob', await ownStore.configs.read('users', 'bob'));
        const bob = { 'security.protocol': 'SASL_PLAINTEXT', ...login('SCRAM-SHA-512', 'bob', 'bobs') };
        expect(await topics(`localhost:${saslPort}`, bob)).toMatchObject({ status: 0 });

        const entity = ['--entity-type', 'users', '--entity-name', 'eve'];
        const setting = ['--alter', ...entity, '--add-config', 'SCRAM-SHA-512=[password=eves]'];
        await tools.run(CONFIG_COMMAND, ['--bootstrap-server', `localhost:${port}`, ...setting]);
        await ownStore.configs.write('users', 'eve', await apacheStore.configs.read('users', 'eve'));
        const eve = { 'security.protocol': 'SASL_PLAINTEXT', ...login('SCRAM-SHA-512', 'eve', 'eves') };
        expect(await topics(secure.at('SASL_PLAINTEXT'), eve)).toMatchObject({ status: 0 });
      } finally {
        await stopApacheProcess(apache, 'SIGKILL');
      }
    },
    JAVA_TIMEOUT_MS,
  );
});

async function storeAt(chroot: string): Promise<ClusterStore> {
  const source = zookeeperSource({
    connect: `${secure.zookeeperConnect}${chroot}`,
    sessionTimeoutMs: 10_000,
    connectionTimeoutMs: 10_000,
    maxInFlightRequests: 10,
  });
  const store = new ClusterStore(await source.open(10_000));
  await store.ensureTopLevelPaths();
  return store;
}
