/**
 * The question before every act: may this principal do this to that? Dispatch binds it to the sender
 * of a request, so that handlers ask `context.may(operation, resource)` and know nothing of who decides.
 * Source: org.apache.kafka.server.authorizer.Authorizer.
 */
import { CLUSTER, OPERATIONS_ON, Operation, type Resource, topicNamed } from './operations.ts';
import type { Principal } from './principal.ts';

/** Asked for each request; answers at once, from memory. */
export interface Authorizer {
  /** Whether `principal`, connected from the address `host`, may do `operation` to `resource`. */
  authorize(principal: Principal, host: string, operation: Operation, resource: Resource): boolean;
}

/** No authorizer.class.name. */
export const allowEverything: Authorizer = { authorize: () => true };

/** Somebody whose rights can be asked for: the sender of a request. */
export interface Sender {
  may(operation: Operation, resource: Resource): boolean;
}

/** CreateTopics and auto-creation: CREATE on the cluster, or on the topic. */
export function mayCreateTopic(sender: Sender, topic: string): boolean {
  return sender.may(Operation.CREATE, CLUSTER) || sender.may(Operation.CREATE, topicNamed(topic));
}

/**
 * The bit set in which Metadata, DescribeGroups and DescribeCluster tell a client what it may do to
 * `resource`: one bit for each allowed operation, numbered by its code.
 */
export function allowedOperations(sender: Sender, resource: Resource): number {
  let set = 0;
  for (const operation of OPERATIONS_ON[resource.type]) {
    if (sender.may(operation, resource)) set |= 1 << operation;
  }
  return set;
}
