/**
 * The question handlers ask before they act: may this principal do this to that? Without an
 * authorizer everybody may do everything. Also the bit sets that Metadata and DescribeCluster return
 * for "what may I do here".
 * Source: org.apache.kafka.common.acl.AclOperation, AclEntry.supportedOperations.
 */
import type { Principal, RequestContext } from '../handler.ts';
import type { Services } from '../services.ts';

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
} as const;
export type Operation = (typeof Operation)[keyof typeof Operation];

export interface Resource {
  readonly type: 'topic' | 'group' | 'cluster' | 'transactional-id';
  readonly name: string;
}

export const CLUSTER: Resource = { type: 'cluster', name: 'kafka-cluster' };

/** The authorizer: asked for each resource, in the name of a principal that connects from `host`. */
export type Authorize = (
  principal: Principal,
  host: string,
  operation: Operation,
  resource: Resource,
) => boolean;

/** No authorizer.class.name. */
export const allowEverything: Authorize = () => true;

/** Whether the sender of the request in `context` may do `operation` to the topic. */
export function mayOnTopic(
  services: Services,
  context: RequestContext,
  operation: Operation,
  topic: string,
): boolean {
  return services.authorize(context.principal, context.clientHost, operation, { type: 'topic', name: topic });
}

export function mayOnCluster(services: Services, context: RequestContext, operation: Operation): boolean {
  return services.authorize(context.principal, context.clientHost, operation, CLUSTER);
}

export function mayOnGroup(
  services: Services,
  context: RequestContext,
  operation: Operation,
  group: string,
): boolean {
  return services.authorize(context.principal, context.clientHost, operation, { type: 'group', name: group });
}

/** CreateTopics and auto-creation: CREATE on the cluster, or on the topic. */
export function mayCreateTopic(services: Services, context: RequestContext, topic: string): boolean {
  return (
    mayOnCluster(services, context, Operation.CREATE) ||
    mayOnTopic(services, context, Operation.CREATE, topic)
  );
}

const TOPIC_OPERATIONS: readonly Operation[] = [
  Operation.READ,
  Operation.WRITE,
  Operation.CREATE,
  Operation.DESCRIBE,
  Operation.DELETE,
  Operation.ALTER,
  Operation.DESCRIBE_CONFIGS,
  Operation.ALTER_CONFIGS,
];

const CLUSTER_OPERATIONS: readonly Operation[] = [
  Operation.CREATE,
  Operation.CLUSTER_ACTION,
  Operation.DESCRIBE_CONFIGS,
  Operation.ALTER_CONFIGS,
  Operation.IDEMPOTENT_WRITE,
  Operation.ALTER,
  Operation.DESCRIBE,
];

const GROUP_OPERATIONS: readonly Operation[] = [Operation.READ, Operation.DESCRIBE, Operation.DELETE];

/** One bit per allowed operation, numbered by its code. */
export function authorizedTopicOperations(
  services: Services,
  context: RequestContext,
  topic: string,
): number {
  return bits(TOPIC_OPERATIONS, (operation) => mayOnTopic(services, context, operation, topic));
}

export function authorizedGroupOperations(
  services: Services,
  context: RequestContext,
  group: string,
): number {
  return bits(GROUP_OPERATIONS, (operation) => mayOnGroup(services, context, operation, group));
}

export function authorizedClusterOperations(services: Services, context: RequestContext): number {
  return bits(CLUSTER_OPERATIONS, (operation) => mayOnCluster(services, context, operation));
}

function bits(operations: readonly Operation[], allowed: (operation: Operation) => boolean): number {
  let set = 0;
  for (const operation of operations) if (allowed(operation)) set |= 1 << operation;
  return set;
}
