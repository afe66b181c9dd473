/**
 * What a command about configs speaks of: topics, brokers, loggers of brokers, users, clients, addresses.
 * Types and names are paired in their order, as Kafka pairs them; each type has a short option as well.
 * Source: kafka-configs.
 */
import { type Arguments, type OptionSpec, UsageError } from '../arguments.ts';

const ENTITY_TYPES = ['topics', 'brokers', 'broker-loggers', 'users', 'clients', 'ips'] as const;
export type EntityType = (typeof ENTITY_TYPES)[number];

export interface Entity {
  readonly type: EntityType;
  /** Empty: the default of all; null: every one that there is. */
  readonly name: string | null;
}

/** Short options: which type they are of, and whether a name follows. */
const SHORT: Readonly<Record<string, EntityType>> = {
  topic: 'topics',
  broker: 'brokers',
  'broker-logger': 'broker-loggers',
  user: 'users',
  client: 'clients',
  ip: 'ips',
};
const SHORT_DEFAULTS: Readonly<Record<string, EntityType>> = {
  'broker-defaults': 'brokers',
  'user-defaults': 'users',
  'client-defaults': 'clients',
  'ip-defaults': 'ips',
};
const QUOTA_TYPES: ReadonlySet<EntityType> = new Set(['users', 'clients', 'ips']);
const WITHOUT_DEFAULT: ReadonlySet<EntityType> = new Set(['topics', 'broker-loggers']);

const QUOTA_OPTIONS: readonly OptionSpec[] = [
  { name: 'user', value: 'USER', help: 'one user' },
  { name: 'client', value: 'CLIENT', help: 'one client id' },
  { name: 'ip', value: 'ADDRESS', help: 'one address' },
  { name: 'user-defaults', help: 'users without configs of their own' },
  { name: 'client-defaults', help: 'clients without configs of their own' },
  { name: 'ip-defaults', help: 'addresses without configs of their own' },
];

export const entityOptions: readonly OptionSpec[] = [
  { name: 'entity-type', value: 'TYPE', repeats: true, help: ENTITY_TYPES.join(', ') },
  { name: 'entity-name', value: 'NAME', repeats: true, help: 'topic, broker id, user, client id or address' },
  { name: 'entity-default', repeats: true, help: 'what holds for those without configs of their own' },
  { name: 'topic', value: 'NAME', help: 'one topic' },
  { name: 'broker', value: 'ID', help: 'one broker' },
  { name: 'broker-defaults', help: 'brokers without configs of their own' },
  { name: 'broker-logger', value: 'ID', help: 'loggers of one broker' },
  ...QUOTA_OPTIONS,
];
/** For commands that are only about quotas. */
export const quotaEntityOptions = QUOTA_OPTIONS;

/** One entity, or a user and a client. Throws UsageError. */
export function entitiesOf(given: Arguments): Entity[] {
  const types: EntityType[] = given.all('entity-type').map(typeOf);
  const names: string[] = [];
  for (const { name, value } of given.sequence) {
    if (name === 'entity-name') names.push(value);
    else if (name === 'entity-default') names.push('');
  }
  if (names.length > types.length)
    throw new UsageError('each --entity-name and --entity-default needs an --entity-type');
  const entities: Entity[] = types.map((type, index) => ({ type, name: names[index] ?? null }));
  for (const { name, value } of given.sequence) {
    const type = SHORT[name] ?? SHORT_DEFAULTS[name];
    if (type !== undefined) entities.push({ type, name: value });
  }
  check(entities);
  return entities;
}

export function isQuotaEntity({ type }: Entity): boolean {
  return QUOTA_TYPES.has(type);
}

function typeOf(text: string): EntityType {
  const found = ENTITY_TYPES.find((type) => type === text);
  if (found === undefined)
    throw new UsageError(`--entity-type takes ${ENTITY_TYPES.join(', ')}, not '${text}'`);
  return found;
}

function check(entities: readonly Entity[]): void {
  const types = entities.map(({ type }) => type);
  const isPair = types.length === 2 && types.includes('users') && types.includes('clients');
  if (types.length > 1 && !isPair)
    throw new UsageError(`only users and clients go together, not ${types.join(' and ')}`);
  for (const { type, name } of entities) {
    if (name === '' && WITHOUT_DEFAULT.has(type)) throw new UsageError(`${type} have no defaults to change`);
    const isBroker = type === 'brokers' || type === 'broker-loggers';
    if (isBroker && name !== null && !/^\d*$/.test(name))
      throw new UsageError(`a broker's name is its id, an integer, not '${name}'`);
  }
}
