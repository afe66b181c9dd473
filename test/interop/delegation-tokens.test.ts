/**
 * Kafka's kafka-delegation-tokens and its clients against a broker of ours with SASL and access rules: tokens
 * are made, renewed, shown and ended, log their owner in, and are for Kafka's own classes what they are for us.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { tokenHmac } from '../../broker/security/tokens/token.ts';
import { delegationTokenZnode } from '../../coordinator-client/znodes/security-znodes.ts';
import { LocalCluster } from '../../scripts/cluster/local-cluster.ts';
import { freePorts } from '../support/free-ports.ts';
import { CLIENTS, skipped } from './interop-cluster.ts';
import { JavaTools, jarsLack, javaArguments } from './java-jars.ts';

const VERSION = '3.9.1';
const TOKEN_COMMAND = 'org.apache.kafka.tools.DelegationTokenCommand';
const TOPIC_COMMAND = 'org.apache.kafka.tools.TopicCommand';
const ACL_COMMAND = 'kafka.admin.AclCommand';
const SECRET_KEY = 'of all brokers';
const PLAIN = 'org.apache.kafka.common.security.plain.PlainLoginModule';
/** Without an owner the tool of 3.9.1 asks for the tokens of nobody. */
const HERS = '--describe --owner-principal User:alice';
const SCRAM = 'org.apache.kafka.common.security.scram.ScramLoginModule';

const skip = skipped('delegation tokens of Kafka’s tools', jarsLack(VERSION));

describe.skipIf(skip)('a delegation token', () => {
  let directory: string;
  let cluster: LocalCluster;
  let tools: JavaTools;
  let port: number;

  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), 'odradek-tokens-'));
    tools = new JavaTools(VERSION);
    const [plaintext = 0, sasl = 0] = await freePorts(2);
    port = sasl;
    cluster = await LocalCluster.start({
      brokers: 1,
      basePort: 0,
      directory,
      zookeeper: null,
      zookeeperPort: 0,
      sessionTimeoutMs: 6000,
      properties: {
        listeners: `PLAINTEXT://127.0.0.1:${plaintext},SASL_PLAINTEXT://127.0.0.1:${sasl}`,
        'sasl.enabled.mechanisms': 'PLAIN,SCRAM-SHA-256',
        'listener.name.sasl_plaintext.plain.sasl.jaas.config': `${PLAIN} required user_admin="a" user_alice="b" user_bob="c";`,
        'listener.name.sasl_plaintext.scram-sha-256.sasl.jaas.config': `${SCRAM} required;`,
        'delegation.token.secret.key': SECRET_KEY,
        'authorizer.class.name': 'kafka.security.authorizer.AclAuthorizer',
        'super.users': 'User:ANONYMOUS;User:admin',
      },
    });
  }, 120_000);

  afterAll(async () => {
    tools?.close();
    await cluster?.abandon();
    if (directory !== undefined) rmSync(directory, { recursive: true, force: true });
  });

  /** A file of client properties that log in so. */
  function login(name: string, mechanism: string, jaas: string): string {
    const file = join(directory, `${name}.properties`);
    const words = {
      'security.protocol': 'SASL_PLAINTEXT',
      'sasl.mechanism': mechanism,
      'sasl.jaas.config': jaas,
    };
    writeFileSync(
      file,
      Object.entries(words)
        .map(([key, value]) => `${key}=${value}\n`)
        .join(''),
    );
    return file;
  }

  const byPassword = (user: string, password: string): string =>
    login(user, 'PLAIN', `${PLAIN} required username="${user}" password="${password}";`);
  const byToken = ({ tokenId, hmac }: Made): string =>
    login(
      'token',
      'SCRAM-SHA-256',
      `${SCRAM} required username="${tokenId}" password="${hmac}" tokenauth="true";`,
    );

  async function run(mainClass: string, config: string, argv: string) {
    const server = ['--bootstrap-server', `127.0.0.1:${port}`, '--command-config', config];
    return tools.run(mainClass, [...server, ...argv.split(' ')]);
  }

  async function done(mainClass: string, config: string, argv: string): Promise<string> {
    const result = await run(mainClass, config, argv);
    expect(result, argv).toMatchObject({ status: 0 });
    return result.out;
  }

  interface Made {
    readonly tokenId: string;
    readonly hmac: string;
  }

  async function made(config: string, more = ''): Promise<Made> {
    const out = await done(TOKEN_COMMAND, config, `--create --max-life-time-period -1${more}`);
    const [, tokenId = '', hmac = ''] = /^(\S{22})\s+(\S{88})\s/m.exec(out) ?? [];
    expect(hmac).toBe(tokenHmac(tokenId, SECRET_KEY).toString('base64'));
    return { tokenId, hmac };
  }

  it('is made, shown, renewed and ended by its owner', async () => {
    const alice = byPassword('alice', 'b');
    const token = await made(alice, ' --renewer-principal User:bob');
    expect(await done(TOKEN_COMMAND, alice, HERS)).toContain(token.tokenId);
    expect(await done(TOKEN_COMMAND, byPassword('bob', 'c'), HERS)).toContain(token.tokenId);
    const renewal = `--renew --renew-time-period -1 --hmac ${token.hmac}`;
    expect(await done(TOKEN_COMMAND, byPassword('bob', 'c'), renewal)).toContain('Completed renew operation');
    const end = `--expire --expiry-time-period -1 --hmac ${token.hmac}`;
    expect(await done(TOKEN_COMMAND, alice, end)).toContain('Completed expire operation');
    expect(await done(TOKEN_COMMAND, alice, HERS)).toContain('Total number of tokens : 0');
  }, 120_000);

  it('logs in its owner, with the owner’s rights, and asks for no tokens', async () => {
    const admin = byPassword('admin', 'a');
    await done(TOPIC_COMMAND, admin, '--create --topic hers --partitions 1 --replication-factor 1');
    await done(ACL_COMMAND, admin, '--add --allow-principal User:alice --operation Describe --topic hers');
    const token = await made(byPassword('alice', 'b'));
    const config = byToken(token);
    expect((await done(TOPIC_COMMAND, config, '--list')).trim()).toBe('hers');
    expect((await done(TOPIC_COMMAND, byPassword('bob', 'c'), '--list')).trim()).toBe('');
    const refused = await run(TOKEN_COMMAND, config, '--create --max-life-time-period -1');
    expect(refused.status).toBe(1);
    expect(refused.out + refused.error).toContain('not allowed on PLAINTEXT');
  }, 120_000);

  it('is made for another by who may', async () => {
    const alice = byPassword('alice', 'b');
    const forBob = '--create --max-life-time-period -1 --owner-principal User:bob';
    expect((await run(TOKEN_COMMAND, alice, forBob)).status).toBe(1);
    const grant = '--add --allow-principal User:alice --operation CreateTokens --user-principal User:bob';
    await done(ACL_COMMAND, byPassword('admin', 'a'), grant);
    expect(await done(TOKEN_COMMAND, alice, forBob)).toMatch(/User:bob\s+User:alice/);
  }, 120_000);

  it('is stored in the bytes that Kafka stores, and read by Kafka from ours', () => {
    const stored = delegationTokenZnode.encode({
      tokenId: 'AbC-_1',
      owner: 'User%3Aalice%20b',
      tokenRequester: 'User%3Acarol',
      renewers: ['User%3Abob', 'User%3Aeve'],
      issueTimestampMs: 1_700_000_000_000,
      maxTimestampMs: 1_700_000_000_002,
      expiryTimestampMs: 1_700_000_000_001,
    });
    const argv = [...javaArguments(VERSION), join(CLIENTS, 'TokenNode.java'), stored.toString('base64')];
    const again = execFileSync('java', argv).toString().trim();
    expect(Buffer.from(again, 'base64').toString()).toBe(stored.toString());
  });
});
