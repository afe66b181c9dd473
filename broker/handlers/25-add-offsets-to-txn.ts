/**
 * AddOffsetsToTxn (25), versions 0-4: the transaction is about to commit offsets of a group, that is to write
 * to the partition of `__consumer_offsets` that the group falls into.
 * v0-1 don't know PRODUCER_FENCED: they are told INVALID_PRODUCER_EPOCH.
 * Source: KafkaApis.handleAddOffsetsToTxnRequest.
 */
import { ErrorCode } from '../errors.ts';
import { AddOffsetsToTxn } from '../protocol/messages/25-add-offsets-to-txn.ts';
import { groupNamed, Operation, transactionNamed } from '../security/operations.ts';
import { GROUP_METADATA_TOPIC } from '../types.ts';
import { defineHandler } from './handler.ts';
import { fencedFrom } from './shared/fenced-error.ts';

const FIRST_VERSION_WITH_FENCED = 2;

export const addOffsetsToTxn = defineHandler(AddOffsetsToTxn, ['groups', 'transactions'], {
  async handle(request, context, services) {
    const { transactionalId, groupId } = request;
    if (!context.may(Operation.WRITE, transactionNamed(transactionalId))) {
      return { errorCode: ErrorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED };
    }
    if (!context.may(Operation.READ, groupNamed(groupId))) {
      return { errorCode: ErrorCode.GROUP_AUTHORIZATION_FAILED };
    }
    const partition = services.groups.partitionFor(groupId);
    const error = await services.transactions.addPartitions(request, [
      { topic: GROUP_METADATA_TOPIC, partition },
    ]);
    return { errorCode: fencedFrom(FIRST_VERSION_WITH_FENCED, context.apiVersion, error) };
  },

  refuse: (_request, errorCode) => ({ errorCode }),
});
