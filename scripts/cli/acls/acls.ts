/** `odradek acls`: what Kafka's kafka-acls does, with its flags. */
import { createInterface } from 'node:readline/promises';
import type { AclBinding } from '../../../broker/security/acl.ts';
import type { AclFilter } from '../../../broker/security/acl-filter.ts';
import { adminClient } from '../admin-client.ts';
import { type Arguments, type CommandSpec, type OptionSpec, oneAction, UsageError } from '../arguments.ts';
import { clientOptions, jsonOption } from '../bootstrap.ts';
import { print } from '../output.ts';
import { zkTlsOption, zookeeperAccessOf } from '../zookeeper-client.ts';
import { type AclService, brokersAcls, EVERYTHING, zookeeperAcls } from './acl-service.ts';
import { aclLines, aclText, aclWords, patternText, patternWords } from './acl-words.ts';
import { namedPatterns, principalOf, type WantedAcls, wantedAcls } from './wanted-acls.ts';

const CHANGES = ['add', 'remove'];
const AUTHORIZER = 'kafka.security.authorizer.AclAuthorizer';
const ZOOKEEPER_PROPERTY = 'zookeeper.connect=';

const resourceOptions: readonly OptionSpec[] = [
  { name: 'topic', value: 'NAME', repeats: true, help: 'topics of that name; *: all' },
  { name: 'group', value: 'NAME', repeats: true, help: 'consumer groups; *: all' },
  { name: 'cluster', help: 'the cluster' },
  { name: 'transactional-id', value: 'ID', repeats: true, help: 'transactional ids; *: all' },
  { name: 'delegation-token', value: 'ID', repeats: true, help: 'delegation tokens; *: all' },
  { name: 'user-principal', value: 'TYPE:NAME', repeats: true, help: 'users, as owners of tokens' },
  {
    name: 'resource-pattern-type',
    value: 'TYPE',
    help: 'literal or prefixed; to list and remove also any, or match: whatever the name falls under',
    fallback: 'literal',
  },
];

const ruleOptions: readonly OptionSpec[] = [
  {
    name: 'operation',
    value: 'NAME',
    repeats: true,
    with: CHANGES,
    help: 'Read, Write, DescribeConfigs …; All unless given',
  },
  {
    name: 'allow-principal',
    value: 'TYPE:NAME',
    repeats: true,
    with: CHANGES,
    help: 'who may: User:alice; User:* is everybody',
  },
  {
    name: 'deny-principal',
    value: 'TYPE:NAME',
    repeats: true,
    with: CHANGES,
    help: 'who may not, whatever allows it',
  },
  {
    name: 'allow-host',
    value: 'ADDRESS',
    repeats: true,
    with: ['allow-principal', 'deny-principal'],
    help: 'from where they may; * unless given',
  },
  {
    name: 'deny-host',
    value: 'ADDRESS',
    repeats: true,
    with: ['allow-principal', 'deny-principal'],
    help: 'from where they may not; * unless given',
  },
  { name: 'producer', with: CHANGES, help: 'all that a producer of the topics needs' },
  { name: 'consumer', with: CHANGES, help: 'all that a consumer of the topics in the groups needs' },
  { name: 'idempotent', with: ['producer'], help: 'also IdempotentWrite on the cluster' },
];

export const aclsCommand: CommandSpec = {
  name: 'acls',
  summary: 'Lists, adds and removes access rules.',
  options: [
    ...clientOptions,
    { name: 'zookeeper', value: 'HOST:PORT,…', help: 'change them there, without a broker' },
    {
      name: 'authorizer-properties',
      value: `${ZOOKEEPER_PROPERTY}…`,
      help: 'the same, as kafka-acls has it',
    },
    { name: 'authorizer', value: 'CLASS', with: ['authorizer-properties'], help: AUTHORIZER },
    { ...zkTlsOption, with: ['zookeeper', 'authorizer-properties'] },
    { name: 'list', help: 'the rules about the named resources, or all' },
    { name: 'add', help: 'add rules' },
    { name: 'remove', help: 'remove rules: those that are given, or all about the named resources' },
    ...resourceOptions,
    ...ruleOptions,
    {
      name: 'principal',
      value: 'TYPE:NAME',
      repeats: true,
      with: ['list'],
      help: 'only the rules about them',
    },
    { name: 'force', with: ['remove'], help: 'do not ask' },
    { ...jsonOption, with: ['list'] },
  ],
  run,
};

async function run(given: Arguments): Promise<number> {
  const action = oneAction(given, 'acls', ['list', 'add', 'remove']);
  const wanted = action === 'list' ? [] : wantedAcls(given, action);
  const principals = given.all('principal').map((text) => principalOf(text, 'principal'));
  const patterns = action === 'list' ? namedPatterns(given) : [];
  const connect = zookeeperOf(given);
  const service =
    connect === null
      ? brokersAcls(await adminClient(given))
      : await zookeeperAcls(connect, await zookeeperAccessOf(given));
  try {
    if (action === 'add') await add(service, wanted);
    else if (action === 'remove') await remove(service, wanted, given.flag('force'));
    else await list(service, { patterns, principals, json: given.flag('json') });
    return 0;
  } finally {
    await service.close();
  }
}

/** Where to change rules without a broker; null: by a broker. */
function zookeeperOf(given: Arguments): string | null {
  const property = given.text('authorizer-properties');
  const authorizer = given.text('authorizer');
  if (authorizer !== null && authorizer !== AUTHORIZER)
    throw new UsageError(`--authorizer takes ${AUTHORIZER}, not '${authorizer}'`);
  if (property === null) return given.text('zookeeper');
  if (!property.startsWith(ZOOKEEPER_PROPERTY))
    throw new UsageError(`--authorizer-properties takes ${ZOOKEEPER_PROPERTY}HOST:PORT,…, not '${property}'`);
  return property.slice(ZOOKEEPER_PROPERTY.length);
}

async function add(service: AclService, wanted: readonly WantedAcls[]): Promise<void> {
  for (const { pattern, acls } of wanted) {
    await print(`Adding ACLs for resource \`${patternText(pattern)}\`: ${aclLines(acls)}`);
    await service.add(acls.map((acl) => ({ ...pattern, ...acl })));
  }
}

async function remove(service: AclService, wanted: readonly WantedAcls[], force: boolean): Promise<void> {
  for (const { pattern, acls } of wanted) {
    const from = `resource filter \`${patternText(pattern)}\``;
    const question =
      acls.length === 0
        ? `Are you sure you want to delete all ACLs for ${from}? (y/n)`
        : `Are you sure you want to remove ACLs: ${aclLines(acls)} from ${from}? (y/n)`;
    if (!force && !(await isConfirmed(question))) continue;
    const all: AclFilter = { ...EVERYTHING, ...pattern };
    await service.remove(acls.length === 0 ? [all] : acls.map((acl) => ({ ...all, ...acl })));
  }
}

/** Nobody who answers is a no. */
async function isConfirmed(question: string): Promise<boolean> {
  await print(question);
  const asked = createInterface({ input: process.stdin });
  const answer = await Promise.race([
    new Promise<string>((resolve) => asked.once('line', resolve)),
    new Promise<string>((resolve) => asked.once('close', () => resolve(''))),
  ]);
  asked.close();
  return answer.trim().toLowerCase() === 'y';
}

interface Listing {
  readonly patterns: ReturnType<typeof namedPatterns>;
  readonly principals: readonly string[];
  readonly json: boolean;
}

async function list(service: AclService, { patterns, principals, json }: Listing): Promise<void> {
  const filters =
    patterns.length === 0 ? [EVERYTHING] : patterns.map((pattern) => ({ ...EVERYTHING, ...pattern }));
  const found: AclBinding[] = [];
  for (const filter of filters) found.push(...(await service.list(filter)));
  const chosen = found.filter(({ principal }) => principals.length === 0 || principals.includes(principal));
  if (json) return print(JSON.stringify(chosen.map((one) => ({ ...patternWords(one), ...aclWords(one) }))));
  if (principals.length === 0) return printPatterns(found);
  for (const principal of principals) {
    await print(`ACLs for principal \`${principal}\``);
    await printPatterns(found.filter((one) => one.principal === principal));
  }
}

async function printPatterns(bindings: readonly AclBinding[]): Promise<void> {
  for (const [pattern, acls] of Map.groupBy(bindings, patternText)) {
    const lines = new Map(acls.map((acl) => [aclText(acl), acl]));
    await print(`Current ACLs for resource \`${pattern}\`: ${aclLines([...lines.values()])}`);
  }
}
