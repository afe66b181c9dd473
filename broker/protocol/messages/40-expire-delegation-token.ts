/**
 * ExpireDelegationToken (key 40): ends a delegation token, at once or at a time.
 */
import { api, bytes, int16, int32, safeInt64 } from '../schema.ts';

export const ExpireDelegationToken = api({
  key: 40,
  name: 'ExpireDelegationToken',
  versions: '0-2',
  flexible: '2+',
  request: { hmac: bytes('0+'), expiryTimePeriodMs: safeInt64('0+') },
  response: { errorCode: int16('0+'), expiryTimestampMs: safeInt64('0+'), throttleTimeMs: int32('0+') },
});
