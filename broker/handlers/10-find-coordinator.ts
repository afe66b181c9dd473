/**
 * FindCoordinator (10), versions 0-6: the broker that coordinates a group, i.e. the leader of the
 * partition of `__consumer_offsets` that the group's name falls into. The topic is created when it is
 * first needed. v0 groups only, v1+ a key type, v4+ many keys with an error each.
 * Transactional ids (key type 1) are refused for good, not "not available": clients retry the latter.
 * Source: KafkaApis.handleFindCoordinatorRequest, getCoordinator.
 */

import { ErrorCode } from '../errors.ts';
import { errorText } from '../protocol/error-texts.ts';
import { FindCoordinator } from '../protocol/messages/10-find-coordinator.ts';
import type { RequestOf, ResponseInput } from '../protocol/schema.ts';
import { groupNamed, Operation } from '../security/operations.ts';
import { GROUP_METADATA_TOPIC } from '../types.ts';
import { defineHandler, type RequestContext } from './handler.ts';
import type { Needs } from './services.ts';
import { aliveNode } from './shared/nodes.ts';

type FindCoordinatorResponse = ResponseInput<typeof FindCoordinator>;

const GROUP = 0;
const TRANSACTION = 1;

interface Found {
  readonly errorMessage?: string;
  readonly errorCode: ErrorCode;
  readonly nodeId: number;
  readonly host: string;
  readonly port: number;
}

const NEEDS = ['metadata', 'autoTopics', 'groups'] as const;
type Needed = Needs<(typeof NEEDS)[number]>;

export const findCoordinator = defineHandler(FindCoordinator, NEEDS, {
  handle(request, context, services) {
    const { apiVersion } = context;
    if (request.keyType !== GROUP) {
      const known = request.keyType === TRANSACTION;
      return refuse(request, known ? ErrorCode.UNSUPPORTED_VERSION : ErrorCode.INVALID_REQUEST, apiVersion);
    }
    const keys = keysOf(request, apiVersion);
    const answer = (): FindCoordinatorResponse =>
      respond(
        keys,
        keys.map((key) => find(key, context, services)),
        apiVersion,
      );
    if (keys.length === 0 || services.metadata.topic(GROUP_METADATA_TOPIC) !== undefined) return answer();
    // Whatever comes of it, there is no coordinator yet: the client asks again.
    return services.autoTopics.create([GROUP_METADATA_TOPIC], context.charges).then(answer);
  },
  refuse,
});

function refuse(
  request: RequestOf<typeof FindCoordinator>,
  errorCode: ErrorCode,
  apiVersion: number,
): FindCoordinatorResponse {
  const keys = keysOf(request, apiVersion);
  return respond(
    keys,
    keys.map(() => ({ ...none(errorCode), errorMessage: errorText(errorCode) })),
    apiVersion,
  );
}

function keysOf(request: RequestOf<typeof FindCoordinator>, apiVersion: number): readonly string[] {
  return apiVersion >= 4 ? request.coordinatorKeys : [request.key];
}

/** v1-3 always carry a text (for NONE its name), v4+ where the request as a whole is refused. */
function respond(
  keys: readonly string[],
  found: readonly Found[],
  apiVersion: number,
): FindCoordinatorResponse {
  if (apiVersion >= 4) {
    return {
      coordinators: found.map((one, index) => ({ errorMessage: '', ...one, key: keys[index] ?? '' })),
    };
  }
  const [first = none(ErrorCode.INVALID_REQUEST)] = found;
  return { ...first, errorMessage: errorText(first.errorCode) };
}

function none(errorCode: ErrorCode): Found {
  return { errorCode, nodeId: -1, host: '', port: -1 };
}

function find(key: string, context: RequestContext, services: Needed): Found {
  if (!context.may(Operation.DESCRIBE, groupNamed(key))) {
    return none(ErrorCode.GROUP_AUTHORIZATION_FAILED);
  }
  const topic = services.metadata.topic(GROUP_METADATA_TOPIC);
  const partition = topic?.partitions.get(services.groups.partitionFor(key));
  const node = partition && aliveNode(services.metadata, partition.leader, context.listener);
  if (node === undefined) return none(ErrorCode.COORDINATOR_NOT_AVAILABLE);
  return { errorCode: ErrorCode.NONE, nodeId: node.id, host: node.host, port: node.port };
}
