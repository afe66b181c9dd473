/**
 * SyncGroup (14), versions 0-5: the leader brings the assignment, everybody gets their part of it. v5+ must
 * name the protocol type and name that they think was chosen.
 * Source: KafkaApis.handleSyncGroupRequest.
 */
import { NameMap } from '../bounded-name.ts';
import { ErrorCode } from '../errors.ts';
import { atOnce, type Steps } from '../platform/turns.ts';
import { SyncGroup } from '../protocol/messages/14-sync-group.ts';
import type { RequestOf, ResponseInput } from '../protocol/schema.ts';
import { groupNamed, Operation } from '../security/operations.ts';
import { defineHandler } from './handler.ts';
import { copiedBytes } from './shared/copied-bytes.ts';

const FIRST_VERSION_WITH_PROTOCOL = 5;

export const syncGroup = defineHandler(SyncGroup, ['groups'], {
  async handle(request, context, services) {
    const namesProtocol = request.protocolType !== null && request.protocolName !== null;
    if (context.apiVersion >= FIRST_VERSION_WITH_PROTOCOL && !namesProtocol) {
      return refusal(ErrorCode.INCONSISTENT_GROUP_PROTOCOL);
    }
    if (!context.may(Operation.READ, groupNamed(request.groupId))) {
      return refusal(ErrorCode.GROUP_AUTHORIZATION_FAILED);
    }
    const given = givenTo(request.assignments);
    // Views of the connection's buffer hold for this turn only, unless the request is large.
    const assignments = context.isAlone ? await context.turns.take(given) : atOnce(given);
    const answer = await services.groups.syncGroup({
      groupId: request.groupId,
      memberId: request.memberId,
      instanceId: request.groupInstanceId,
      generationId: request.generationId,
      protocolType: request.protocolType,
      protocolName: request.protocolName,
      assignments,
    });
    return {
      errorCode: answer.error,
      protocolType: answer.protocolType,
      protocolName: answer.protocolName,
      assignment: answer.assignment,
    };
  },

  refuse: (_request, errorCode) => refusal(errorCode),
});

/** By member, as named last. */
function* givenTo(
  assignments: RequestOf<typeof SyncGroup>['assignments'],
): Steps<ReadonlyMap<string, Buffer>> {
  const given = new NameMap<Buffer>();
  for (const { memberId, assignment } of assignments) {
    given.set(memberId, yield* copiedBytes(assignment));
    yield;
  }
  return given;
}

function refusal(errorCode: ErrorCode): ResponseInput<typeof SyncGroup> {
  return { errorCode, assignment: Buffer.alloc(0) };
}
