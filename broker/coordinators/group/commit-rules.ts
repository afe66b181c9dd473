/** Who may commit offsets for a group. Source: Kafka's GroupCoordinator.validateOffsetCommit. */
import { ErrorCode } from '../../errors.ts';
import { canRebalance, type Group } from './group.ts';
import { validateMember } from './membership.ts';

/** Who says that he commits; without a generation it is an application that reads without a group's help. */
export interface Committer {
  readonly memberId: string;
  readonly instanceId: string | null;
  readonly generationId: number;
}

/** May this client commit for the group? */
export function validateCommit(group: Group, who: Committer): ErrorCode {
  if (group.state === 'Dead') return ErrorCode.COORDINATOR_NOT_AVAILABLE;
  if (who.generationId < 0 && group.state === 'Empty') return ErrorCode.NONE;
  if (isNobody(who)) return ErrorCode.UNKNOWN_MEMBER_ID;
  const error = validateGeneration(group, who);
  if (error !== ErrorCode.NONE) return error;
  if (group.state === 'CompletingRebalance') return ErrorCode.REBALANCE_IN_PROGRESS;
  return canRebalance(group) || group.state === 'PreparingRebalance'
    ? ErrorCode.NONE
    : ErrorCode.UNKNOWN_MEMBER_ID;
}

/**
 * The same within a transaction, where it does not matter that the group rebalances: the generation has not
 * changed yet. Producers of before TxnOffsetCommit v3 don't say who they are, and are believed.
 */
export function validateTransactionalCommit(group: Group, who: Committer): ErrorCode {
  if (group.state === 'Dead') return ErrorCode.COORDINATOR_NOT_AVAILABLE;
  if (who.generationId < 0 && (group.state === 'Empty' || isNobody(who))) return ErrorCode.NONE;
  return validateGeneration(group, who);
}

function isNobody({ memberId, instanceId, generationId }: Committer): boolean {
  return generationId < 0 && memberId === '' && instanceId === null;
}

function validateGeneration(group: Group, { memberId, instanceId, generationId }: Committer): ErrorCode {
  const error = validateMember(group, memberId, instanceId);
  if (error !== ErrorCode.NONE) return error;
  return generationId === group.generationId ? ErrorCode.NONE : ErrorCode.ILLEGAL_GENERATION;
}
