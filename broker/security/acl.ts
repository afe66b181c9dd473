/**
 * The words of access rules: what a rule says, and what each word is called in ZooKeeper, on the wire and in
 * what is printed. Words that nobody knows here are code 0, which no question matches.
 * Source: org.apache.kafka.common.acl.AccessControlEntry, AclOperation, AclPermissionType,
 * org.apache.kafka.common.resource.ResourceType, PatternType; SecurityUtils.
 */
import type { AclResource, StoredAcl } from '../../coordinator-client/znodes/security-znodes.ts';
import { Operation, type ResourceType } from './operations.ts';

/** What stands for every name, host or user. */
export const WILDCARD = '*';
export const WILDCARD_PRINCIPAL = 'User:*';

const UNKNOWN = 0;
/** In filters: no matter which. */
export const ANY = 1;

/** AclPermissionType's codes. */
export const Permission = { DENY: 2, ALLOW: 3 } as const;

/** PatternType's codes. MATCH is known in filters only: every pattern that a name falls under. */
export const PatternType = { MATCH: 2, LITERAL: 3, PREFIXED: 4 } as const;

/** AclOperation.ALL; it is granted and denied, but never asked for. */
export const ALL_OPERATIONS = 2;

/** By ResourceType's codes: the name in a question, and the one in ZooKeeper's paths. */
const RESOURCE_TYPES: ReadonlyMap<number, readonly [ResourceType, string]> = new Map([
  [2, ['topic', 'Topic']],
  [3, ['group', 'Group']],
  [4, ['cluster', 'Cluster']],
  [5, ['transactional-id', 'TransactionalId']],
  [6, ['delegation-token', 'DelegationToken']],
  [7, ['user', 'User']],
] as const);

/** ResourceType's code of the cluster. */
export const CLUSTER_RESOURCE_TYPE = 4;

const OPERATION_NAMES: ReadonlyMap<number, string> = new Map([
  [ALL_OPERATIONS, 'All'],
  ...Object.entries(Operation).map(([name, code]) => [code, pascal(name)] as const),
]);
const PERMISSION_NAMES: ReadonlyMap<number, string> = new Map([
  [Permission.DENY, 'Deny'],
  [Permission.ALLOW, 'Allow'],
]);

const OPERATION_CODES = inverted(OPERATION_NAMES);
const PERMISSION_CODES = inverted(PERMISSION_NAMES);
const RESOURCE_TYPE_CODES = inverted(
  new Map([...RESOURCE_TYPES].map(([code, [, stored]]) => [code, stored] as const)),
);

/** One rule about a resource pattern: this principal, from this host, may or may not do this. */
export interface Acl {
  /** `User:alice`; `User:*` is everybody. */
  readonly principal: string;
  /** An address as text, or `*`. */
  readonly host: string;
  /** An {@link Operation}, {@link ALL_OPERATIONS}, or 0. */
  readonly operation: number;
  /** As in {@link Permission}, or 0. */
  readonly permission: number;
}

/** What rules are about, in codes. */
export interface AclPattern {
  readonly resourceType: number;
  readonly name: string;
  readonly patternType: number;
}

/** A rule and what it is about. */
export interface AclBinding extends AclPattern, Acl {}

export function aclOf({ principal, host, operation, permissionType }: StoredAcl): Acl {
  return {
    principal,
    host,
    operation: OPERATION_CODES.get(operation.toLowerCase()) ?? UNKNOWN,
    permission: PERMISSION_CODES.get(permissionType.toLowerCase()) ?? UNKNOWN,
  };
}

export function storedAclOf({ principal, host, operation, permission }: Acl): StoredAcl {
  return {
    principal,
    host,
    operation: operationName(operation),
    permissionType: PERMISSION_NAMES.get(permission) ?? 'Unknown',
  };
}

export function patternOf({ pattern, resourceType, name }: AclResource): AclPattern {
  return {
    resourceType: RESOURCE_TYPE_CODES.get(resourceType.toLowerCase()) ?? UNKNOWN,
    name,
    patternType: PatternType[pattern],
  };
}

/** null: there is no such type, or the pattern is one of filters only. */
export function aclResourceOf({ resourceType, name, patternType }: AclPattern): AclResource | null {
  const stored = RESOURCE_TYPES.get(resourceType)?.[1];
  const pattern = patternType === PatternType.PREFIXED ? 'PREFIXED' : 'LITERAL';
  if (stored === undefined || PatternType[pattern] !== patternType) return null;
  return { pattern, resourceType: stored, name };
}

/** Whether its operation and permission have names. */
export function isKnown({ operation, permission }: Acl): boolean {
  return OPERATION_NAMES.has(operation) && PERMISSION_NAMES.has(permission);
}

/** The type as questions name it; null when there is none of this code. */
export function resourceTypeOf(code: number): ResourceType | null {
  return RESOURCE_TYPES.get(code)?.[0] ?? null;
}

/** As ZooKeeper and the log call it: `TransactionalId`. */
export function resourceTypeName(type: ResourceType): string {
  return [...RESOURCE_TYPES.values()].find(([name]) => name === type)?.[1] ?? 'Unknown';
}

/** As ZooKeeper and the log call it: `DescribeConfigs`. */
export function operationName(code: number): string {
  return OPERATION_NAMES.get(code) ?? 'Unknown';
}

/** `DESCRIBE_CONFIGS` becomes `DescribeConfigs`. */
function pascal(screaming: string): string {
  return screaming.toLowerCase().replace(/(?:^|_)(.)/g, (_, letter: string) => letter.toUpperCase());
}

/** Names are compared without regard to case, as Kafka does. */
function inverted(names: ReadonlyMap<number, string>): ReadonlyMap<string, number> {
  return new Map([...names].map(([code, name]) => [name.toLowerCase(), code]));
}
