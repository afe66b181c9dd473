/**
 * JoinGroup (11), versions 0-9: enters a group; the answer comes with the next generation. The group's own
 * rules are in coordinators/group/join.ts.
 * v0 has no rebalance timeout, the session timeout serves; v4+ new members come back with their id; v7+
 * answers may carry a null protocol name. A member with more protocols than `group.max.protocols` is refused,
 * for which Kafka has no limit: they are compared with those of all other members whenever one comes.
 * Source: KafkaApis.handleJoinGroupRequest.
 */
import { ErrorCode } from '../errors.ts';
import { atOnce, type Steps } from '../platform/turns.ts';
import { JoinGroup } from '../protocol/messages/11-join-group.ts';
import type { RequestOf, ResponseInput } from '../protocol/schema.ts';
import { groupNamed, Operation } from '../security/operations.ts';
import { defineHandler } from './handler.ts';
import { copiedBytes } from './shared/copied-bytes.ts';

const FIRST_VERSION_WITH_NULL_PROTOCOL = 7;

export const joinGroup = defineHandler(JoinGroup, ['config', 'groups'], {
  async handle(request, context, services): Promise<ResponseInput<typeof JoinGroup>> {
    const { apiVersion } = context;
    if (!context.may(Operation.READ, groupNamed(request.groupId))) {
      return refusal(ErrorCode.GROUP_AUTHORIZATION_FAILED, apiVersion);
    }
    if (request.protocols.length > services.config.groupMaxProtocols) {
      return refusal(ErrorCode.INCONSISTENT_GROUP_PROTOCOL, apiVersion);
    }
    const own = ownProtocols(request.protocols);
    // Views of the connection's buffer hold for this turn only, unless the request is large.
    const protocols = context.isAlone ? await context.turns.take(own) : atOnce(own);
    const answer = await services.groups.joinGroup({
      groupId: request.groupId,
      memberId: request.memberId,
      instanceId: request.groupInstanceId,
      clientId: context.clientId ?? '',
      clientHost: `/${context.clientHost}`,
      sessionTimeoutMs: request.sessionTimeoutMs,
      rebalanceTimeoutMs: apiVersion === 0 ? request.sessionTimeoutMs : request.rebalanceTimeoutMs,
      protocolType: request.protocolType,
      protocols,
      requireKnownMemberId: apiVersion >= 4 && request.groupInstanceId === null,
      supportsSkippingAssignment: apiVersion >= 9,
    });
    const protocolName = protocolNameFor(apiVersion, answer.protocolName);
    return {
      errorCode: answer.error,
      generationId: answer.generationId,
      protocolType: answer.protocolType,
      protocolName,
      leader: answer.leader,
      // A static leader of an older client must not see a field it does not have.
      ...(answer.skipAssignment ? { skipAssignment: true } : {}),
      memberId: answer.memberId,
      members: answer.members.map((member) => ({
        memberId: member.memberId,
        groupInstanceId: member.instanceId,
        metadata: member.metadata,
      })),
    };
  },

  refuse: (_request, errorCode, { apiVersion }) => refusal(errorCode, apiVersion),
});

type Protocols = RequestOf<typeof JoinGroup>['protocols'];

function* ownProtocols(protocols: Protocols): Steps<{ name: string; metadata: Buffer }[]> {
  const all: { name: string; metadata: Buffer }[] = [];
  for (const { name, metadata } of protocols) {
    all.push({ name, metadata: yield* copiedBytes(metadata) });
    yield;
  }
  return all;
}

/** Says nothing of the member either, not even its id. */
function refusal(errorCode: ErrorCode, apiVersion: number): ResponseInput<typeof JoinGroup> {
  const protocolName = protocolNameFor(apiVersion, null);
  return { errorCode, generationId: -1, protocolName, leader: '', memberId: '', members: [] };
}

/** An empty name and none are the same to Kafka's clients: which of both they see goes by the version. */
function protocolNameFor(apiVersion: number, name: string | null): string | null {
  const given = name ?? '';
  return given === '' && apiVersion >= FIRST_VERSION_WITH_NULL_PROTOCOL ? null : given;
}
