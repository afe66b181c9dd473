/** Access rules in plain values, and as they stand in ZooKeeper. */
import { refuseUnknown } from '../../broker/faults/known-names.ts';
import type { AclResource, StoredAcl } from '../../coordinator-client/znodes/security-znodes.ts';

/** Names one of topic, group, transactionalId and cluster; a name that ends with `*` is the beginning of names. */
export interface AclRule {
  /** `*`: everybody. */
  readonly user: string;
  /** Kafka's operations, such as `Read` or `['Read', 'Describe']`; `All` is all of them. */
  readonly allow?: string | readonly string[];
  readonly deny?: string | readonly string[];
  readonly topic?: string;
  readonly group?: string;
  readonly transactionalId?: string;
  readonly cluster?: true;
  /** The client's address; any unless given. */
  readonly host?: string;
}

/** Kafka's words, as they are stored. */
const OPERATION_WORDS = [
  ...['All', 'Read', 'Write', 'Create', 'Delete', 'Alter', 'Describe', 'ClusterAction'],
  ...['DescribeConfigs', 'AlterConfigs', 'IdempotentWrite', 'CreateTokens', 'DescribeTokens'],
] as const;
const RESOURCE_WORDS = ['topic', 'group', 'transactionalId', 'cluster'] as const;

const RULE_NAMES: Readonly<Record<keyof AclRule, true>> = {
  ...{ user: true, allow: true, deny: true, host: true },
  ...{ topic: true, group: true, transactionalId: true, cluster: true },
};

const STORED_TYPES = {
  topic: 'Topic',
  group: 'Group',
  transactionalId: 'TransactionalId',
  cluster: 'Cluster',
} as const;
const CLUSTER_NAME = 'kafka-cluster';
const ANY = '*';

/** What is stored about one resource. */
export interface RulesOfResource {
  readonly resource: AclResource;
  readonly acls: readonly StoredAcl[];
}

/** Throws, with the name that is meant, where something is none. */
export function checkRule(rule: AclRule): void {
  refuseUnknown(Object.keys(rule), Object.keys(RULE_NAMES), 'part of a rule');
  if (typeof rule.user !== 'string') throw new Error(`a rule names a user, or '*': ${JSON.stringify(rule)}`);
  const words = [rule.allow ?? [], rule.deny ?? []].flat();
  if (words.length === 0) throw new Error(`a rule allows or denies something: ${JSON.stringify(rule)}`);
  refuseUnknown(words, OPERATION_WORDS, 'operation');
  const named = RESOURCE_WORDS.filter((word) => rule[word] !== undefined);
  if (named.length !== 1)
    throw new Error(`a rule names one of ${RESOURCE_WORDS.join(', ')}: ${JSON.stringify(rule)}`);
}

/** By resource, each once. */
export function storedRules(rules: readonly AclRule[]): RulesOfResource[] {
  const stored = Map.groupBy(rules, (rule) => resourceKey(resourceOf(rule)));
  return [...stored.values()].flatMap((same) => {
    const [first] = same;
    if (first === undefined) return [];
    return [{ resource: resourceOf(first), acls: same.flatMap(aclsOf) }];
  });
}

export function resourceKey({ pattern, resourceType, name }: AclResource): string {
  return `${pattern} ${resourceType} ${name}`;
}

function resourceOf(rule: AclRule): AclResource {
  const word = RESOURCE_WORDS.find((each) => rule[each] !== undefined) ?? 'topic';
  const resourceType = STORED_TYPES[word];
  if (word === 'cluster') return { pattern: 'LITERAL', resourceType, name: CLUSTER_NAME };
  const name = String(rule[word]);
  if (name === ANY || !name.endsWith(ANY)) return { pattern: 'LITERAL', resourceType, name };
  return { pattern: 'PREFIXED', resourceType, name: name.slice(0, -ANY.length) };
}

function aclsOf({ user, allow = [], deny = [], host = ANY }: AclRule): StoredAcl[] {
  const acl = (permissionType: string, operation: string): StoredAcl => ({
    ...{ principal: `User:${user}`, permissionType, operation, host },
  });
  return [
    ...[allow].flat().map((operation) => acl('Allow', operation)),
    ...[deny].flat().map((operation) => acl('Deny', operation)),
  ];
}
