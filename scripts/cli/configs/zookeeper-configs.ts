/**
 * `configs --zookeeper`: what has to be there before a broker is, straight in ZooKeeper. Configs of brokers that
 * are not running, their passwords encrypted as the given password.encoder.* say; and SCRAM credentials of users.
 * Source: ConfigCommand.processCommandWithZk of Kafka 3.9.
 */
import { brokerConfig, isPasswordProperty } from '../../../broker/config/broker-config.ts';
import { overrideProblem } from '../../../broker/config/broker-overrides.ts';
import { ConfigError } from '../../../broker/config/property.ts';
import { systemRandom } from '../../../broker/platform/random.ts';
import { passwordEncoder } from '../../../broker/security/password-encoder.ts';
import { newScramCredential, scramCredentialText } from '../../../broker/security/sasl/scram-credential.ts';
import type { Coordinator } from '../../../coordinator-client/coordinator.ts';
import { ConfigStore } from '../../../coordinator-client/stores/config-store.ts';
import { DEFAULT_ENTITY, desanitize, sanitize } from '../../../coordinator-client/znodes/config-znodes.ts';
import { brokerZnode } from '../../../coordinator-client/znodes/znodes.ts';
import { type Arguments, UsageError } from '../arguments.ts';
import { print } from '../output.ts';
import { openZookeeper, zookeeperAccessOf } from '../zookeeper-client.ts';
import type { ConfigChanges } from './config-words.ts';
import type { Entity } from './entities.ts';
import { scramWords } from './scram-words.ts';

/** Of a ZooKeeper that has just been started. */
const TIMEOUT_MS = 30_000;
const OF_BROKERS: readonly string[] = ['bootstrap-server', 'command-config', 'json'];
const ENCODER = 'password.encoder.';
const SECRET = `${ENCODER}secret`;

interface Named {
  readonly type: 'brokers' | 'users';
  /** Empty: the default of all. */
  readonly name: string;
}

type Values = ReadonlyMap<string, string>;

/** `changes`: null to show what there is. */
export async function zookeeperConfigs(
  given: Arguments,
  entities: readonly Entity[],
  changes: ConfigChanges | null,
): Promise<void> {
  const foreign = given.sequence.find(({ name }) => OF_BROKERS.includes(name));
  if (foreign !== undefined)
    throw new UsageError(`--${foreign.name} is for asking brokers, and --zookeeper asks none`);
  const entity = namedOf(entities, changes !== null);
  const added = changes === null ? new Map<string, string>() : await storedValues(entity, changes.added);
  const coordinator = await openZookeeper(given.needText('zookeeper'), await zookeeperAccessOf(given), {
    sessionTimeoutMs: TIMEOUT_MS,
    connectionTimeoutMs: TIMEOUT_MS,
  });
  try {
    const store = new ConfigStore(coordinator);
    if (entity.type === 'brokers') await mustNotRun(coordinator, entity.name);
    if (changes === null) await describe(store, entity);
    else await alter(store, entity, { added, deleted: changes.deleted });
  } finally {
    await coordinator.close();
  }
}

function namedOf(entities: readonly Entity[], isChange: boolean): Named {
  const [entity, other] = entities;
  const type = entity?.type;
  if (entity === undefined || other !== undefined || (type !== 'brokers' && type !== 'users'))
    throw new UsageError('--zookeeper is for configs of brokers and for SCRAM credentials of users');
  if (entity.name !== null && (type === 'brokers' || entity.name !== '')) return { type, name: entity.name };
  if (type === 'users' && !isChange && entity.name === null) return { type, name: '' };
  throw new UsageError(
    `--zookeeper takes the name of ${type === 'users' ? 'a user' : 'a broker, or the default'}`,
  );
}

/** As they are to lie in ZooKeeper. Throws UsageError. */
function storedValues(entity: Named, added: Values): Promise<Values> {
  return entity.type === 'users'
    ? credentials(added)
    : brokerValues(added, entity.name === '' ? 'default' : 'broker');
}

async function credentials(added: Values): Promise<Values> {
  const made = new Map<string, string>();
  for (const [name, text] of added) {
    const { mechanism, iterations, password } = scramWords(`${name}=[${text}]`, '--add-config');
    const credential = await newScramCredential(mechanism, password, iterations, systemRandom);
    made.set(mechanism, scramCredentialText(credential));
  }
  return made;
}

/** Judged as far as can be without the broker. What encrypts is not stored. */
async function brokerValues(added: Values, scope: 'broker' | 'default'): Promise<Values> {
  const given = [...added];
  const isEncoder = ([name]: readonly [string, string]): boolean => name.startsWith(ENCODER);
  const values = given.filter((one) => !isEncoder(one));
  try {
    const own = brokerConfig(new Map([['zookeeper.connect', 'none'], ...given.filter(isEncoder)]));
    for (const value of values) {
      const problem = overrideProblem(own, value, scope);
      if (problem !== null) throw problem;
    }
    const encoder = passwordEncoder(own.passwordEncoderSecret, own);
    return new Map(
      values.map(([name, value]): [string, string] => {
        if (!isPasswordProperty(name)) return [name, value];
        if (encoder === null)
          throw new UsageError(`${SECRET}=… must be among --add-config to set ${name}; it is not stored`);
        return [name, encoder.encode(value)];
      }),
    );
  } catch (error) {
    throw error instanceof ConfigError ? new UsageError(`--add-config: ${error.message}`) : error;
  }
}

/** Whoever runs reads what is written, and might not be able to use it: it is asked itself. */
async function mustNotRun(coordinator: Coordinator, name: string): Promise<void> {
  const running = name === '' ? await coordinator.children(brokerZnode.parent) : await own(coordinator, name);
  if (running !== null && running.length > 0)
    throw new Error(
      `${name === '' ? `${running.length} brokers are` : `broker ${name} is`} running: use --bootstrap-server`,
    );
}

async function own(coordinator: Coordinator, name: string): Promise<readonly string[]> {
  return (await coordinator.read(brokerZnode.path(Number(name)))) === null ? [] : [name];
}

async function alter(store: ConfigStore, entity: Named, { added, deleted }: ConfigChanges): Promise<void> {
  await store.update(
    entity.type,
    nodeOf(entity),
    (stored) => {
      const unset = deleted.filter((name) => !stored.has(name));
      if (unset.length > 0) throw new Error(`not set, so not to be deleted: ${unset.join(', ')}`);
      return new Map([...stored, ...added].filter(([name]) => !deleted.includes(name)));
    },
    { unattended: true },
  );
  await print(`Completed updating config for entity: ${entityText(entity)}.`);
}

/** Of users without a name all that have anything. */
async function describe(store: ConfigStore, entity: Named): Promise<void> {
  const isAll = entity.type === 'users' && entity.name === '';
  const nodes = isAll ? await store.names('users') : [nodeOf(entity)];
  for (const node of nodes) {
    const configs = [...(await store.read(entity.type, node))].map(([name, value]) => `${name}=${value}`);
    if (configs.length === 0 && isAll) continue;
    const shown = isAll ? { type: entity.type, name: readable(node) } : entity;
    await print(`Configs for ${entityText(shown)} are ${configs.join(',')}`);
  }
}

/** What others have written may be no sanitized name. */
function readable(node: string): string {
  try {
    return desanitize(node);
  } catch {
    return node;
  }
}

function nodeOf({ type, name }: Named): string {
  if (name === '') return DEFAULT_ENTITY;
  return type === 'users' ? sanitize(name) : String(Number(name));
}

function entityText({ type, name }: Named): string {
  if (type === 'users') return `user-principal '${name}'`;
  return name === '' ? 'the default broker' : `broker ${name}`;
}
