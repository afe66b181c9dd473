/**
 * DescribeDelegationToken (key 41): delegation tokens and their owners.
 * - 3: who asked for the token.
 */
import { api, array, bytes, int16, int32, safeInt64, string } from '../schema.ts';

export const DescribeDelegationToken = api({
  key: 41,
  name: 'DescribeDelegationToken',
  versions: '0-3',
  flexible: '2+',
  request: {
    owners: array('0+', { principalType: string('0+'), principalName: string('0+') }, { nullable: '0+' }),
  },
  response: {
    errorCode: int16('0+'),
    tokens: array('0+', {
      principalType: string('0+'),
      principalName: string('0+'),
      tokenRequesterPrincipalType: string('3+', { ignorable: true }),
      tokenRequesterPrincipalName: string('3+', { ignorable: true }),
      issueTimestamp: safeInt64('0+'),
      expiryTimestamp: safeInt64('0+'),
      maxTimestamp: safeInt64('0+'),
      tokenId: string('0+'),
      hmac: bytes('0+'),
      renewers: array('0+', { principalType: string('0+'), principalName: string('0+') }),
    }),
    throttleTimeMs: int32('0+'),
  },
});
