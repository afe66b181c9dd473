/**
 * The question before every act: may this principal do this to that? Dispatch binds it to the sender
 * of a request, so that handlers ask `context.may(operation, resource)` and know nothing of who decides.
 * Source: org.apache.kafka.server.authorizer.Authorizer.
 */
import {
  CLUSTER,
  OPERATIONS_ON,
  Operation,
  type Resource,
  type ResourceType,
  topicNamed,
} from './operations.ts';
import type { Principal } from './principal.ts';

/** What one principal may do from one address. Answers at once, from memory, and as the rules are now. */
export interface Rights {
  may(operation: Operation, resource: Resource): boolean;
  /** Whether there could be a resource of the type to which it may be done. */
  mayForSome(operation: Operation, type: ResourceType): boolean;
}

export interface Authorizer {
  /** Asked for once by a connection, as long as its principal stays, so that answers can be remembered there. */
  rightsOf(principal: Principal, host: string): Rights;
}

export const EVERY_RIGHT: Rights = { may: () => true, mayForSome: () => true };

/** No authorizer.class.name. */
export const allowEverything: Authorizer = { rightsOf: () => EVERY_RIGHT };

/** Somebody whose rights can be asked for: the sender of a request. */
export interface Sender extends Rights {
  /**
   * As `may`, of something that the sender did not name: to leave out what it may not see, or to tell it what
   * it may do. A "no" is no attempt that anybody has to hear of.
   */
  couldDo(operation: Operation, resource: Resource): boolean;
}

/** CreateTopics and auto-creation: CREATE on the cluster, or on the topic. */
export function mayCreateTopic(sender: Sender, topic: string): boolean {
  return sender.couldDo(Operation.CREATE, CLUSTER) || sender.may(Operation.CREATE, topicNamed(topic));
}

/**
 * The bit set in which Metadata, DescribeGroups and DescribeCluster tell a client what it may do to
 * `resource`: one bit for each allowed operation, numbered by its code.
 */
export function allowedOperations(sender: Sender, resource: Resource): number {
  let set = 0;
  for (const operation of OPERATIONS_ON[resource.type]) {
    if (sender.couldDo(operation, resource)) set |= 1 << operation;
  }
  return set;
}
