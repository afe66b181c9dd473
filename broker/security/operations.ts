/**
 * What can be done, and to what.
 * Source: org.apache.kafka.common.acl.AclOperation, AclEntry.supportedOperations.
 */

/** AclOperation's codes. */
export const Operation = {
  READ: 3,
  WRITE: 4,
  CREATE: 5,
  DELETE: 6,
  ALTER: 7,
  DESCRIBE: 8,
  CLUSTER_ACTION: 9,
  DESCRIBE_CONFIGS: 10,
  ALTER_CONFIGS: 11,
  IDEMPOTENT_WRITE: 12,
  CREATE_TOKENS: 13,
  DESCRIBE_TOKENS: 14,
} as const;
export type Operation = (typeof Operation)[keyof typeof Operation];

export type ResourceType = 'topic' | 'group' | 'cluster' | 'transactional-id' | 'delegation-token' | 'user';

export interface Resource {
  readonly type: ResourceType;
  readonly name: string;
}

export const CLUSTER: Resource = { type: 'cluster', name: 'kafka-cluster' };

/** A topic as a resource; it need not exist. */
export function topicNamed(name: string): Resource {
  return { type: 'topic', name };
}

export function groupNamed(name: string): Resource {
  return { type: 'group', name };
}

export function transactionNamed(transactionalId: string): Resource {
  return { type: 'transactional-id', name: transactionalId };
}

export function tokenNamed(tokenId: string): Resource {
  return { type: 'delegation-token', name: tokenId };
}

/** A user as somebody whose tokens are made or seen: `User:alice`. */
export function userOfTokens(principal: string): Resource {
  return { type: 'user', name: principal };
}

/** All that can be done to a resource of each type. */
export const OPERATIONS_ON: Readonly<Record<ResourceType, readonly Operation[]>> = {
  topic: [
    Operation.READ,
    Operation.WRITE,
    Operation.CREATE,
    Operation.DESCRIBE,
    Operation.DELETE,
    Operation.ALTER,
    Operation.DESCRIBE_CONFIGS,
    Operation.ALTER_CONFIGS,
  ],
  group: [Operation.READ, Operation.DESCRIBE, Operation.DELETE],
  cluster: [
    Operation.CREATE,
    Operation.CLUSTER_ACTION,
    Operation.DESCRIBE_CONFIGS,
    Operation.ALTER_CONFIGS,
    Operation.IDEMPOTENT_WRITE,
    Operation.ALTER,
    Operation.DESCRIBE,
  ],
  'transactional-id': [Operation.DESCRIBE, Operation.WRITE],
  'delegation-token': [Operation.DESCRIBE],
  user: [Operation.CREATE_TOKENS, Operation.DESCRIBE_TOKENS],
};
