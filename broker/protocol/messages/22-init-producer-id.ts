/**
 * InitProducerId (key 22): producer id and epoch for idempotence and transactions.
 * - 3+: the producer may ask for its next epoch; 4+: PRODUCER_FENCED; 5: TRANSACTION_ABORTABLE.
 */
import { api, int16, int32, safeInt64, string } from '../schema.ts';

export const InitProducerId = api({
  key: 22,
  name: 'InitProducerId',
  versions: '0-5',
  flexible: '2+',
  request: {
    transactionalId: string('0+', { nullable: '0+' }),
    transactionTimeoutMs: int32('0+'),
    producerId: safeInt64('3+', { default: -1 }),
    producerEpoch: int16('3+', { default: -1 }),
  },
  response: {
    throttleTimeMs: int32('0+', { ignorable: true }),
    errorCode: int16('0+'),
    producerId: safeInt64('0+', { default: -1 }),
    producerEpoch: int16('0+'),
  },
});
