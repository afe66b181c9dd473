/** `odradek configs`: what Kafka's kafka-configs does, with its flags. */
import { ErrorCode } from '../../../broker/errors.ts';
import { type AdminClient, adminClient, reasonOf } from '../admin-client.ts';
import { type Arguments, type CommandSpec, oneAction, UsageError } from '../arguments.ts';
import { clientOptions, jsonOption } from '../bootstrap.ts';
import { print, printAll } from '../output.ts';
import { zkTlsOption } from '../zookeeper-client.ts';
import { changeQuotas, clientQuotas, quotaEntityText, quotaNumber } from './client-quotas.ts';
import { changeOptions, changesOf } from './config-words.ts';
import { type Entity, entitiesOf, entityOptions, isQuotaEntity } from './entities.ts';
import { type ConfigEntry, changeResource, ownConfigs, resourceConfigs } from './resource-configs.ts';
import { zookeeperConfigs } from './zookeeper-configs.ts';

export const configsCommand: CommandSpec = {
  name: 'configs',
  summary: 'Describes and changes configs of topics, brokers and their loggers, and quotas.',
  options: [
    ...clientOptions,
    {
      name: 'zookeeper',
      value: 'HOST:PORT,…',
      help: 'there, without a broker: configs of brokers that are not running, SCRAM credentials of users',
    },
    { ...zkTlsOption, with: ['zookeeper'] },
    { name: 'describe', help: 'what is set, with where it comes from' },
    { name: 'alter', help: 'set or delete configs' },
    ...entityOptions,
    { name: 'all', help: 'what is not set, too', with: ['describe'] },
    ...changeOptions,
    { ...jsonOption, with: ['describe'] },
  ],
  notes:
    'Quotas: users and clients together (both types, or --user and --client) mean that client of that user.\nWith --zookeeper, password.encoder.secret and the like among --add-config encrypt passwords of brokers; they are not stored.',
  run,
};

async function run(given: Arguments): Promise<number> {
  const action = oneAction(given, 'configs', ['describe', 'alter']);
  const entities = entitiesOf(given);
  const [entity] = entities;
  if (entity === undefined)
    throw new UsageError('configs takes --entity-type, or --topic, --broker, --user …');
  const changes = action === 'alter' ? changesOf(given) : null;
  if (changes !== null && entities.some(({ name }) => name === null))
    throw new UsageError('--alter takes the name of what is changed: --entity-name or --entity-default');
  if (given.text('zookeeper') !== null) {
    await zookeeperConfigs(given, entities, changes);
    return 0;
  }
  const admin = await adminClient(given);
  try {
    if (changes !== null) {
      if (isQuotaEntity(entity)) await changeQuotas(admin, entities, changes);
      else await changeResource(admin, { type: entity.type, name: entity.name ?? '' }, changes);
      await print(updated(entity));
    } else if (isQuotaEntity(entity)) await describeQuotas(admin, entities, given.flag('json'));
    else await describeResources(admin, entity, given);
    return 0;
  } finally {
    admin.close();
  }
}

function updated({ type, name }: Entity): string {
  return name === ''
    ? `Completed updating default config for ${type} in the cluster.`
    : `Completed updating config for ${type.slice(0, -1)} ${name}.`;
}

async function describeQuotas(admin: AdminClient, entities: readonly Entity[], json: boolean): Promise<void> {
  const quotas = await clientQuotas(admin, entities, true);
  if (json) {
    const shown = quotas.map(({ entity, values }) => ({ entity, values: Object.fromEntries(values) }));
    await print(JSON.stringify(shown));
    return;
  }
  for (const quota of quotas) {
    const values = Array.from(quota.values, ([key, value]) => `${key}=${quotaNumber(value)}`);
    await print(`Quota configs for ${quotaEntityText(quota)} are ${values.join(', ')}`);
  }
}

async function describeResources(admin: AdminClient, entity: Entity, given: Arguments): Promise<void> {
  const all = given.flag('all');
  const described: object[] = [];
  for (const name of await namesOf(admin, entity)) {
    const entries = await resourceConfigs(admin, { type: entity.type, name });
    const configs = all ? entries : ownConfigs(entries, { type: entity.type, name });
    if (given.flag('json')) described.push({ entityType: entity.type, entityName: name, configs });
    else await printAll(linesOf({ type: entity.type, name }, configs, all));
  }
  if (given.flag('json')) await print(JSON.stringify(described));
}

/** The named one, or all: of brokers with their default, which Kafka shows last. */
async function namesOf(admin: AdminClient, { type, name }: Entity): Promise<string[]> {
  if (type !== 'topics') {
    const ids = (await admin.metadata([])).brokers.map(({ nodeId }) => nodeId).sort((a, b) => a - b);
    if (name === null) return [...ids.map(String), ...(type === 'brokers' ? [''] : [])];
    if (name !== '' && !ids.includes(Number(name)))
      throw new Error(`broker ${name} is not among the living brokers`);
    return [name];
  }
  const { topics } = await admin.metadata(name === null ? null : [name]);
  const missing = topics.find(({ errorCode }) => errorCode === ErrorCode.UNKNOWN_TOPIC_OR_PARTITION);
  if (missing !== undefined) throw new Error(`topic ${missing.name}: ${reasonOf(missing)}`);
  return topics.map((topic) => topic.name ?? '').sort();
}

function* linesOf(
  { type, name }: Entity,
  configs: readonly ConfigEntry[],
  all: boolean,
): Generator<string, void> {
  yield name === ''
    ? `Default configs for ${type} in the cluster are:`
    : `${all ? 'All' : 'Dynamic'} configs for ${type.slice(0, -1)} ${name} are:`;
  for (const { name: key, value, sensitive, synonyms } of configs) {
    const shown = synonyms.map((synonym) => `${synonym.source}:${synonym.name}=${synonym.value}`);
    yield `  ${key}=${value} sensitive=${sensitive} synonyms={${shown.join(', ')}}`;
  }
}
