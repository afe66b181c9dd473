/**
 * SaslHandshake (key 17): chooses a SASL mechanism.
 * - 0: the exchange follows as bare frames; 1: inside SaslAuthenticate.
 * - Never flexible: it comes before everything else.
 */
import { api, array, int16, string } from '../schema.ts';

export const SaslHandshake = api({
  key: 17,
  name: 'SaslHandshake',
  versions: '0-1',
  flexible: 'none',
  request: { mechanism: string('0+') },
  response: { errorCode: int16('0+'), mechanisms: array('0+', string) },
});
