/** What the options of `odradek acls` mean: which resources, and which rules about them. */
import {
  type Acl,
  type AclPattern,
  ANY,
  CLUSTER_RESOURCE_TYPE,
  PatternType,
  Permission,
  WILDCARD,
} from '../../../broker/security/acl.ts';
import { CLUSTER, Operation } from '../../../broker/security/operations.ts';
import { parsePrincipal } from '../../../broker/security/principal.ts';
import { type Arguments, UsageError } from '../arguments.ts';
import { checkOperation, operationOf, patternTypeOf } from './acl-words.ts';

/** The rules that are to be added to a resource pattern, or removed from what it means; none: all. */
export interface WantedAcls {
  readonly pattern: AclPattern;
  readonly acls: readonly Acl[];
}

const [TOPIC, GROUP, TRANSACTIONAL_ID, DELEGATION_TOKEN, USER] = [2, 3, 5, 6, 7];
/** By the option that names resources of that type. */
const NAMED: readonly (readonly [option: string, resourceType: number])[] = [
  ['topic', TOPIC],
  ['group', GROUP],
  ['transactional-id', TRANSACTIONAL_ID],
  ['delegation-token', DELEGATION_TOKEN],
  ['user-principal', USER],
];

/** The resources that are named. */
export function namedPatterns(given: Arguments): AclPattern[] {
  const patternType = patternTypeOf(given.needText('resource-pattern-type'));
  const named = NAMED.flatMap(([option, resourceType]) =>
    given.all(option).map((name) => ({ resourceType, name: name.trim(), patternType })),
  );
  if (!given.flag('cluster')) return named;
  return [...named, { resourceType: CLUSTER_RESOURCE_TYPE, name: CLUSTER.name, patternType }];
}

/** What is to be added or removed. Throws UsageError when the options contradict each other. */
export function wantedAcls(given: Arguments, action: 'add' | 'remove'): WantedAcls[] {
  checkCompany(given);
  const patterns = namedPatterns(given);
  if (patterns.length === 0)
    throw new UsageError(
      'You must provide at least one resource: --topic, --cluster, --group, --transactional-id, --delegation-token or --user-principal',
    );
  const wanted = isForRole(given) ? ofRoles(given, patterns) : ofOperations(given, patterns);
  if (action === 'remove') return wanted;
  if (wanted.some(({ acls }) => acls.length === 0))
    throw new UsageError(
      'You must specify one of: --allow-principal, --deny-principal when trying to add ACLs.',
    );
  const [vague] = patterns.filter(
    ({ patternType }) => patternType === ANY || patternType === PatternType.MATCH,
  );
  if (vague !== undefined) throw new UsageError('--add takes --resource-pattern-type literal or prefixed');
  return wanted;
}

function isForRole(given: Arguments): boolean {
  return given.flag('producer') || given.flag('consumer');
}

function checkCompany(given: Arguments): void {
  for (const role of ['producer', 'consumer'].filter((each) => given.flag(each))) {
    const stray = ['deny-principal', 'deny-host'].find((option) => given.flag(option));
    if (stray !== undefined) throw new UsageError(`--${stray} does not go with --${role}`);
    if (given.all('operation').length > 0) throw new UsageError(`--operation does not go with --${role}`);
    if (!given.flag('topic')) throw new UsageError(`With --${role} you must specify a --topic`);
  }
  const consumes = given.flag('consumer');
  if (consumes && !given.flag('group')) throw new UsageError('With --consumer you must specify a --group');
  const stray = ['cluster', 'transactional-id'].find((option) => given.flag(option));
  if (consumes && !given.flag('producer') && stray !== undefined)
    throw new UsageError(`--${stray} does not go with --consumer`);
}

/** All operations that a producer or a consumer needs; of both, what each needs. */
function ofRoles(given: Arguments, patterns: readonly AclPattern[]): WantedAcls[] {
  const { READ, WRITE, DESCRIBE, CREATE, IDEMPOTENT_WRITE } = Operation;
  const needs = new Map<number, Set<number>>();
  const need = (resourceType: number, operations: readonly number[]): void => {
    const known = needs.get(resourceType) ?? new Set();
    needs.set(resourceType, new Set([...known, ...operations]));
  };
  if (given.flag('producer')) {
    need(TOPIC, [WRITE, DESCRIBE, CREATE]);
    need(TRANSACTIONAL_ID, [WRITE, DESCRIBE]);
  }
  if (given.flag('consumer')) {
    need(TOPIC, [READ, DESCRIBE]);
    need(GROUP, [READ]);
  }
  const wanted = patterns.map((pattern) => ({
    pattern,
    operations: [...(needs.get(pattern.resourceType) ?? [])],
  }));
  if (given.flag('idempotent')) {
    const pattern = {
      resourceType: CLUSTER_RESOURCE_TYPE,
      name: CLUSTER.name,
      patternType: PatternType.LITERAL,
    };
    wanted.push({ pattern, operations: [IDEMPOTENT_WRITE] });
  }
  return wanted
    .filter(({ operations }) => operations.length > 0)
    .map(({ pattern, operations }) => ({ pattern, acls: aclsFor(given, operations) }));
}

function ofOperations(given: Arguments, patterns: readonly AclPattern[]): WantedAcls[] {
  const words = given.all('operation');
  const operations = [
    ...new Set((words.length === 0 ? ['All'] : words).map((word) => operationOf(word.trim()))),
  ];
  for (const { resourceType } of patterns) {
    for (const operation of operations) checkOperation(resourceType, operation);
  }
  const acls = aclsFor(given, operations);
  return patterns.map((pattern) => ({ pattern, acls }));
}

function aclsFor(given: Arguments, operations: readonly number[]): Acl[] {
  return [
    ...aclsOfKind(given, operations, { permission: Permission.ALLOW, kind: 'allow' }),
    ...aclsOfKind(given, operations, { permission: Permission.DENY, kind: 'deny' }),
  ];
}

function aclsOfKind(
  given: Arguments,
  operations: readonly number[],
  { permission, kind }: { readonly permission: number; readonly kind: 'allow' | 'deny' },
): Acl[] {
  const principals = given.all(`${kind}-principal`).map((text) => principalOf(text, `${kind}-principal`));
  const hosts = given.flag(`${kind}-host`)
    ? given.all(`${kind}-host`).map((host) => host.trim())
    : [WILDCARD];
  return principals.flatMap((principal) =>
    operations.flatMap((operation) => hosts.map((host) => ({ principal, host, operation, permission }))),
  );
}

/** As it was written, if it is a type and a name. Throws UsageError. */
export function principalOf(text: string, option: string): string {
  const principal = text.trim();
  if (parsePrincipal(principal) === null)
    throw new UsageError(`--${option} takes a principal as Type:name, such as User:alice, not '${text}'`);
  return principal;
}
