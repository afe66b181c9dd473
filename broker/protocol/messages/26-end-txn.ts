/**
 * EndTxn (key 26): commits or aborts a transaction.
 */
import { api, bool, int16, int32, int64, string } from '../schema.ts';

export const EndTxn = api({
  key: 26,
  name: 'EndTxn',
  versions: '0-4',
  flexible: '3+',
  request: {
    transactionalId: string('0+'),
    producerId: int64('0+'),
    producerEpoch: int16('0+'),
    committed: bool('0+'),
  },
  response: { throttleTimeMs: int32('0+'), errorCode: int16('0+') },
});
