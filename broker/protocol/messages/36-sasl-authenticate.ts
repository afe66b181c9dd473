/**
 * SaslAuthenticate (key 36): one step of a SASL exchange.
 * - 1+: life time of the session, after which the client has to authenticate again.
 */
import { api, bytes, int16, safeInt64, string } from '../schema.ts';

export const SaslAuthenticate = api({
  key: 36,
  name: 'SaslAuthenticate',
  versions: '0-2',
  flexible: '2+',
  request: { authBytes: bytes('0+') },
  response: {
    errorCode: int16('0+'),
    errorMessage: string('0+', { nullable: '0+' }),
    authBytes: bytes('0+'),
    sessionLifetimeMs: safeInt64('1+', { ignorable: true }),
  },
});
