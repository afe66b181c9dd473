/** `odradek configs --zookeeper`: what is set before there is a broker to ask. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { brokerConfig } from '../../../broker/config/broker-config.ts';
import { StoredPasswords } from '../../../broker/node/stored-passwords.ts';
import { silent } from '../../../broker/platform/diagnostics.ts';
import { type EmbeddedServer, startEmbeddedServer } from '../../../coordinator-client/embedded/server.ts';
import { ConfigStore } from '../../../coordinator-client/stores/config-store.ts';
import { DEFAULT_ENTITY } from '../../../coordinator-client/znodes/config-znodes.ts';
import { brokerZnode } from '../../../coordinator-client/znodes/znodes.ts';
import { parseCommand } from '../../../scripts/cli/arguments.ts';
import { configsCommand } from '../../../scripts/cli/configs/configs.ts';
import { openZookeeper } from '../../../scripts/cli/zookeeper-client.ts';
import { create } from '../../contract/bench.ts';

const PASSWORD = 'listener.name.inside.ssl.keystore.password';
const SECRET = 'password.encoder.secret=s';
let server: EmbeddedServer;
let session: Awaited<ReturnType<typeof openZookeeper>>;

beforeAll(async () => {
  server = await startEmbeddedServer({ host: '127.0.0.1', port: 0, tickMs: 500 });
  const nobody = { tls: null, credentials: null, aclOf: null, isIdentified: false };
  session = await openZookeeper(`127.0.0.1:${server.port}`, nobody);
});
afterAll(async () => {
  await session.close();
  await server.close();
});

async function configs(...words: string[]): Promise<void> {
  const zookeeper = `--zookeeper=127.0.0.1:${server.port}`;
  expect(await configsCommand.run(parseCommand(configsCommand, [zookeeper, ...words]))).toBe(0);
}

const ofBroker = (id: number, ...words: string[]) => configs('--alter', `--broker=${id}`, ...words);
const stored = async (name: string, type: 'brokers' | 'users' = 'brokers') =>
  Object.fromEntries(await new ConfigStore(session).read(type, name));

describe('configs of a broker that is not running', () => {
  it('are set and taken away, of one and of all, and every broker is told', async () => {
    await ofBroker(1, '--add-config=max.connections=9,listener.name.inside.ssl.keystore.location=/k');
    expect(await stored('1')).toEqual({
      'max.connections': '9',
      'listener.name.inside.ssl.keystore.location': '/k',
    });
    await configs('--alter', '--broker-defaults', '--add-config=max.connections=8');
    expect(await stored(DEFAULT_ENTITY)).toEqual({ 'max.connections': '8' });
    await ofBroker(1, '--delete-config=max.connections');
    expect(Object.keys(await stored('1'))).toEqual(['listener.name.inside.ssl.keystore.location']);
    expect(await session.children('/config/changes')).toHaveLength(3);
  });

  it('that are passwords are encrypted by the secret that is given, which is not kept', async () => {
    const more = 'password.encoder.iterations=5000,password.encoder.cipher.algorithm=AES/GCM/NoPadding';
    await ofBroker(2, `--add-config=${PASSWORD}=of the store,${SECRET},${more}`);
    const lies = await stored('2');
    expect(Object.keys(lies)).toEqual([PASSWORD]);
    expect(lies[PASSWORD]).toContain('cipherAlgorithm:AES/GCM/NoPadding,keyLength:128,iterations:5000,');
    const own = brokerConfig(
      new Map([
        ['zookeeper.connect', 'none'],
        ['password.encoder.secret', 's'],
      ]),
    );
    const passwords = new StoredPasswords(own, silent);
    expect(passwords.decoded(new Map(Object.entries(lies))).get(PASSWORD)).toBe('of the store');
  });

  it.each([
    [[`--add-config=${PASSWORD}=x`], 'password.encoder.secret=… must be among --add-config'],
    [[`--add-config=${PASSWORD}=x,${SECRET},password.encoder.key.length=5`], 'password.encoder.key.length'],
    [['--add-config=max.connections=many'], 'max.connections'],
    [['--add-config=log.dirs=/x'], 'Cannot update these configs dynamically: Set(log.dirs)'],
    [['--add-config=ssl.keystore.location=/x'], 'only per-listener using the listener prefix'],
    [['--delete-config=max.connections'], 'not set, so not to be deleted: max.connections'],
  ])('are refused where they can’t be: %j', async (words, complaint) => {
    await expect(ofBroker(3, ...words)).rejects.toThrow(complaint);
    expect(await stored('3')).toEqual({});
  });

  it('are refused as the default of all where they are of one', async () => {
    const words = ['--alter', '--broker-defaults', `--add-config=${PASSWORD}=x,${SECRET}`];
    await expect(configs(...words)).rejects.toThrow('broker id must be specified');
  });

  it('are the brokers’ own business once they run', async () => {
    for (const path of ['/brokers', brokerZnode.parent, brokerZnode.path(7)]) {
      await session.commit([create(path, '{}')]);
    }
    await expect(ofBroker(7, '--add-config=max.connections=9')).rejects.toThrow('broker 7 is running');
    await expect(configs('--describe', '--broker=7')).rejects.toThrow('broker 7 is running');
    const ofAll = ['--alter', '--broker-defaults', '--add-config=max.connections=9'];
    await expect(configs(...ofAll)).rejects.toThrow('1 brokers are running');
    await ofBroker(8, '--add-config=max.connections=9');
  });
});

describe('users', () => {
  it('get a credential, and nothing else', async () => {
    const alter = ['--alter', '--user=a b'];
    await configs(...alter, '--add-config=SCRAM-SHA-512=[iterations=8192,password=a,b]');
    expect((await stored('a%20b', 'users'))['SCRAM-SHA-512']).toMatch(/^salt=.*,iterations=8192$/);
    await expect(configs(...alter, '--add-config=producer_byte_rate=1')).rejects.toThrow(
      '--add-config takes MECHANISM',
    );
    await expect(configs(...alter, '--add-config=SCRAM-SHA-512=[iterations=1,password=a]')).rejects.toThrow(
      'iterations must be from 4096',
    );
    await configs(...alter, '--delete-config=SCRAM-SHA-512');
    expect(await stored('a%20b', 'users')).toEqual({});
  });

  it.each([
    [['--alter', '--topic=t', '--add-config=retention.ms=1']],
    [['--alter', '--user=u', '--client=c', '--add-config=producer_byte_rate=1']],
    [['--alter', '--user-defaults', '--add-config=SCRAM-SHA-256=[password=x]']],
    [['--describe', '--entity-type=brokers']],
  ])('and brokers are all that it is for: %j', async (words) => {
    await expect(configs(...words)).rejects.toThrow('--zookeeper');
  });
});
