/**
 * RenewDelegationToken (key 39): extends the life of a delegation token.
 */
import { api, bytes, int16, int32, safeInt64 } from '../schema.ts';

export const RenewDelegationToken = api({
  key: 39,
  name: 'RenewDelegationToken',
  versions: '0-2',
  flexible: '2+',
  request: { hmac: bytes('0+'), renewPeriodMs: safeInt64('0+') },
  response: { errorCode: int16('0+'), expiryTimestampMs: safeInt64('0+'), throttleTimeMs: int32('0+') },
});
