/**
 * FindCoordinator (10), versions 0-6: the broker that coordinates a group or a transactional id, i.e. the
 * leader of the partition of `__consumer_offsets` or `__transaction_state` that the name falls into. The topic
 * is created when it is first needed. v0 groups only, v1+ a key type, v4+ many keys with an error each.
 * Source: KafkaApis.handleFindCoordinatorRequest, getCoordinator.
 */

import { ErrorCode } from '../errors.ts';
import { afterwards } from '../platform/turns.ts';
import { errorText } from '../protocol/error-texts.ts';
import { FindCoordinator } from '../protocol/messages/10-find-coordinator.ts';
import type { RequestOf, ResponseInput } from '../protocol/schema.ts';
import { groupNamed, Operation, type Resource, transactionNamed } from '../security/operations.ts';
import { GROUP_METADATA_TOPIC, TRANSACTION_STATE_TOPIC } from '../types.ts';
import { defineHandler, type Refusing, type RequestContext } from './handler.ts';
import type { Needs } from './services.ts';
import { aliveNode } from './shared/nodes.ts';
import { refuseEach } from './shared/refusals.ts';

type FindCoordinatorResponse = ResponseInput<typeof FindCoordinator>;

/** What has a coordinator. */
interface Coordinated {
  readonly topic: string;
  readonly resource: (key: string) => Resource;
  /** Of a key that the asker may not describe. */
  readonly notAllowed: ErrorCode;
  readonly coordinator: 'groups' | 'transactions';
}

/** By key type. */
const COORDINATED: readonly Coordinated[] = [
  {
    topic: GROUP_METADATA_TOPIC,
    resource: groupNamed,
    notAllowed: ErrorCode.GROUP_AUTHORIZATION_FAILED,
    coordinator: 'groups',
  },
  {
    topic: TRANSACTION_STATE_TOPIC,
    resource: transactionNamed,
    notAllowed: ErrorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED,
    coordinator: 'transactions',
  },
];

interface Found {
  readonly errorMessage?: string;
  readonly errorCode: ErrorCode;
  readonly nodeId: number;
  readonly host: string;
  readonly port: number;
}

const NEEDS = ['metadata', 'autoTopics', 'groups', 'transactions'] as const;
type Needed = Needs<(typeof NEEDS)[number]>;

export const findCoordinator = defineHandler(FindCoordinator, NEEDS, {
  handle(request, context, services) {
    const { apiVersion } = context;
    const kind = COORDINATED[request.keyType];
    if (kind === undefined) return refuse(request, ErrorCode.INVALID_REQUEST, context);
    const keys = keysOf(request, apiVersion);
    const answer = (): FindCoordinatorResponse | Promise<FindCoordinatorResponse> => {
      const found = context.turns.each(keys, (key) => ({ key, ...find(kind, key, context, services) }));
      return afterwards(found, (all) => respond(all, apiVersion));
    };
    if (keys.length === 0 || services.metadata.topic(kind.topic) !== undefined) return answer();
    // Whatever comes of it, there is no coordinator yet: the client asks again.
    return services.autoTopics.create([kind.topic], context).then(answer);
  },
  refuse,
});

function refuse(
  request: RequestOf<typeof FindCoordinator>,
  errorCode: ErrorCode,
  context: Refusing,
): FindCoordinatorResponse | Promise<FindCoordinatorResponse> {
  const { apiVersion } = context;
  const errorMessage = errorText(errorCode);
  return refuseEach(
    keysOf(request, apiVersion),
    context,
    (key) => ({ key, ...none(errorCode), errorMessage }),
    (all) => respond(all, apiVersion),
  );
}

function keysOf(request: RequestOf<typeof FindCoordinator>, apiVersion: number): readonly string[] {
  return apiVersion >= 4 ? request.coordinatorKeys : [request.key];
}

/** v1-3 always carry a text (for NONE its name), v4+ where the request as a whole is refused. */
function respond(
  found: readonly (Found & { readonly key: string })[],
  apiVersion: number,
): FindCoordinatorResponse {
  if (apiVersion >= 4) return { coordinators: found };
  const { key: _, ...first } = found[0] ?? { key: '', ...none(ErrorCode.INVALID_REQUEST) };
  return { ...first, errorMessage: errorText(first.errorCode) };
}

function none(errorCode: ErrorCode): Found {
  return { errorCode, nodeId: -1, host: '', port: -1 };
}

function find(kind: Coordinated, key: string, context: RequestContext, services: Needed): Found {
  if (!context.may(Operation.DESCRIBE, kind.resource(key))) return none(kind.notAllowed);
  const topic = services.metadata.topic(kind.topic);
  const coordinator = kind.coordinator === 'groups' ? services.groups : services.transactions;
  const partition = topic?.partitions.get(coordinator.partitionFor(key));
  const node = partition && aliveNode(services.metadata, partition.leader, context.listener);
  if (node === undefined) return none(ErrorCode.COORDINATOR_NOT_AVAILABLE);
  return { errorCode: ErrorCode.NONE, nodeId: node.id, host: node.host, port: node.port };
}
