/**
 * ListTransactions (key 66): transactions that a broker coordinates.
 * - 1: filtered by duration.
 */
import { api, array, int16, int32, int64, safeInt64, string } from '../schema.ts';

export const ListTransactions = api({
  key: 66,
  name: 'ListTransactions',
  versions: '0-1',
  flexible: '0+',
  request: {
    stateFilters: array('0+', string),
    producerIdFilters: array('0+', int64),
    durationFilter: safeInt64('1+', { default: -1 }),
  },
  response: {
    throttleTimeMs: int32('0+'),
    errorCode: int16('0+'),
    unknownStateFilters: array('0+', string),
    transactionStates: array('0+', {
      transactionalId: string('0+'),
      producerId: int64('0+'),
      transactionState: string('0+'),
    }),
  },
});
