/** `odradek configs`: what Kafka's kafka-configs does for topics and brokers, with its flags and its words. */
import { CONFIG_SOURCE } from '../../broker/config/effective.ts';
import { ErrorCode } from '../../broker/errors.ts';
import { DescribeConfigs } from '../../broker/protocol/messages/32-describe-configs.ts';
import { IncrementalAlterConfigs } from '../../broker/protocol/messages/44-incremental-alter-configs.ts';
import type { ResponseOf } from '../../broker/protocol/schema.ts';
import { AdminClient, type Answer, reasonOf } from './admin-client.ts';
import { type Arguments, type CommandSpec, UsageError } from './arguments.ts';
import { bootstrapOption } from './bootstrap.ts';
import { print } from './output.ts';

/** The protocol's types of resource, and of change. */
const RESOURCE_TYPES: Readonly<Record<string, number>> = { topics: 2, brokers: 4 };
const SET = 0;
const DELETE = 1;

type Described = ResponseOf<typeof DescribeConfigs>['results'][number];

/** Whose configs: `name` is empty for what all brokers get unless they have their own. */
interface Entity {
  readonly type: 'topics' | 'brokers';
  readonly name: string;
}

export const configsCommand: CommandSpec = {
  name: 'configs',
  summary: 'Shows and changes configs of topics and brokers.',
  options: [
    bootstrapOption,
    { name: 'describe', help: 'show the configs that were set' },
    { name: 'all', help: 'describe: the others too, with what they default to' },
    { name: 'alter', help: 'change configs' },
    { name: 'entity-type', value: 'TYPE', help: 'topics or brokers' },
    { name: 'entity-name', value: 'NAME', help: "a topic's name, or a broker's id" },
    { name: 'entity-default', help: 'what every broker has unless it has its own' },
    { name: 'topic', value: 'NAME', help: 'short for --entity-type topics --entity-name NAME' },
    { name: 'broker', value: 'ID', help: 'short for --entity-type brokers --entity-name ID' },
    { name: 'broker-defaults', help: 'short for --entity-type brokers --entity-default' },
    { name: 'add-config', value: 'K=V,…', help: 'alter: what to set; a value with commas in [ ]' },
    { name: 'delete-config', value: 'K,…', help: 'alter: what to take back' },
  ],
  run,
};

async function run(given: Arguments): Promise<number> {
  if (given.flag('describe') === given.flag('alter'))
    throw new UsageError('configs takes exactly one of --describe, --alter');
  const entity = entityOf(given);
  const changes = given.flag('alter') ? changesOf(given) : [];
  if (given.flag('alter') && changes.length === 0)
    throw new UsageError('--alter takes --add-config, --delete-config, or both');
  const admin = new AdminClient(given.needText('bootstrap-server'));
  try {
    if (given.flag('alter')) await alter(admin, entity, changes);
    else await describe(admin, entity, given.flag('all'));
    return 0;
  } finally {
    admin.close();
  }
}

function entityOf(given: Arguments): Entity {
  const type = given.text('entity-type');
  const said: (Entity | null)[] = [
    shortOf(given, 'topic', 'topics'),
    shortOf(given, 'broker', 'brokers'),
    given.flag('broker-defaults') ? { type: 'brokers', name: '' } : null,
  ];
  const [short, another] = said.filter((entity) => entity !== null);
  if (another !== undefined || (short !== undefined && type !== null))
    throw new UsageError('configs are shown and changed of one topic or broker at a time');
  if (short !== undefined) return short;
  if (type !== 'topics' && type !== 'brokers')
    throw new UsageError(`--entity-type must be topics or brokers, not '${type ?? ''}'`);
  if (given.flag('entity-default') && type === 'brokers') return { type, name: '' };
  const name = given.text('entity-name') ?? '';
  if (name === '' || given.flag('entity-default'))
    throw new UsageError(`--entity-name is required for ${type}`);
  return { type, name };
}

function shortOf(given: Arguments, option: string, type: Entity['type']): Entity | null {
  const name = given.text(option);
  return name === null ? null : { type, name };
}

interface Change {
  readonly name: string;
  readonly configOperation: number;
  readonly value: string | null;
}

function changesOf(given: Arguments): Change[] {
  const added = [...(given.text('add-config') ?? '').matchAll(/([^,=]+)=(\[[^\]]*\]|[^,]*)(?:,|$)/g)];
  const rest = added.reduce((text, [whole]) => text.replace(whole, ''), given.text('add-config') ?? '');
  if (rest !== '') throw new UsageError(`--add-config takes K=V,…, not '${rest}'`);
  const set = added.map(([, name = '', value = '']) => {
    return { name: name.trim(), configOperation: SET, value: value.replace(/^\[(.*)\]$/, '$1') };
  });
  const deleted = (given.text('delete-config') ?? '').split(',').filter((name) => name !== '');
  return [...set, ...deleted.map((name) => ({ name, configOperation: DELETE, value: null }))];
}

async function alter(admin: AdminClient, entity: Entity, configs: readonly Change[]): Promise<void> {
  const resource = { resourceType: RESOURCE_TYPES[entity.type] ?? 0, resourceName: entity.name, configs };
  const request = { resources: [resource], validateOnly: false };
  const answer =
    nodeOf(entity) === null
      ? await admin.askController(IncrementalAlterConfigs, request, ({ responses }) => responses)
      : await admin.askBroker(
          Number(entity.name),
          await admin.metadata([]),
          IncrementalAlterConfigs,
          request,
        );
  for (const each of answer.responses) check(entity, each);
  await print(
    nodeOf(entity) === null && entity.type === 'brokers'
      ? 'Completed updating default config for brokers in the cluster.'
      : `Completed updating config for ${titleOf(entity)}.`,
  );
}

async function describe(admin: AdminClient, entity: Entity, all: boolean): Promise<void> {
  const resource = {
    resourceType: RESOURCE_TYPES[entity.type] ?? 0,
    resourceName: entity.name,
    configurationKeys: null,
  };
  const request = { resources: [resource], includeSynonyms: true, includeDocumentation: false };
  const answer =
    nodeOf(entity) === null
      ? await admin.askController(DescribeConfigs, request, ({ results }) => results)
      : await admin.askBroker(Number(entity.name), await admin.metadata([]), DescribeConfigs, request);
  for (const described of answer.results) {
    check(entity, described);
    await show(entity, described, all);
  }
}

async function show(entity: Entity, { configs }: Described, all: boolean): Promise<void> {
  const ofDefaults = entity.type === 'brokers' && entity.name === '';
  if (ofDefaults) await print('Default configs for brokers in the cluster are:');
  else await print(`${all ? 'All' : 'Dynamic'} configs for ${titleOf(entity)} are:`);
  const own = entity.type === 'topics' ? CONFIG_SOURCE.DYNAMIC_TOPIC : CONFIG_SOURCE.DYNAMIC_BROKER;
  const wanted = ofDefaults ? CONFIG_SOURCE.DYNAMIC_DEFAULT_BROKER : own;
  for (const { name, value, configSource, isSensitive, synonyms } of configs) {
    if (!all && configSource !== wanted) continue;
    const known = synonyms.map(({ name, value, source }) => `${sourceName(source)}:${name}=${value}`);
    await print(`  ${name}=${value} sensitive=${isSensitive} synonyms={${known.join(', ')}}`);
  }
}

/** The broker that has to be asked itself; null when any may be. */
function nodeOf({ type, name }: Entity): number | null {
  if (type !== 'brokers' || name === '') return null;
  if (!/^\d+$/.test(name)) throw new UsageError(`a broker is named by its id, not '${name}'`);
  return Number(name);
}

function titleOf({ type, name }: Entity): string {
  return `${type === 'topics' ? 'topic' : 'broker'} ${name}`;
}

function sourceName(source: number): string {
  return `${Object.entries(CONFIG_SOURCE).find(([, number]) => number === source)?.[0] ?? 'UNKNOWN'}_CONFIG`;
}

function check(entity: Entity, answer: Answer): void {
  if (answer.errorCode !== ErrorCode.NONE) throw new Error(`${titleOf(entity)}: ${reasonOf(answer)}`);
}
