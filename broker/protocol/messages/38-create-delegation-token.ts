/**
 * CreateDelegationToken (key 38): makes a delegation token.
 * - 3: on behalf of another principal.
 */
import { api, array, bytes, int16, int32, safeInt64, string } from '../schema.ts';

export const CreateDelegationToken = api({
  key: 38,
  name: 'CreateDelegationToken',
  versions: '0-3',
  flexible: '2+',
  request: {
    ownerPrincipalType: string('3+', { nullable: '3+' }),
    ownerPrincipalName: string('3+', { nullable: '3+' }),
    renewers: array('0+', { principalType: string('0+'), principalName: string('0+') }),
    maxLifetimeMs: safeInt64('0+'),
  },
  response: {
    errorCode: int16('0+'),
    principalType: string('0+'),
    principalName: string('0+'),
    tokenRequesterPrincipalType: string('3+', { ignorable: true }),
    tokenRequesterPrincipalName: string('3+', { ignorable: true }),
    issueTimestampMs: safeInt64('0+'),
    expiryTimestampMs: safeInt64('0+'),
    maxTimestampMs: safeInt64('0+'),
    tokenId: string('0+'),
    hmac: bytes('0+'),
    throttleTimeMs: int32('0+'),
  },
});
