/**
 * Envelope (key 58): a request that a broker forwards on behalf of a client.
 */
import { api, bytes, int16 } from '../schema.ts';

export const Envelope = api({
  key: 58,
  name: 'Envelope',
  versions: '0-0',
  flexible: '0+',
  clusterAction: true,
  request: {
    requestData: bytes('0+'),
    requestPrincipal: bytes('0+', { nullable: '0+' }),
    clientHostAddress: bytes('0+'),
  },
  response: { responseData: bytes('0+', { nullable: '0+', default: null }), errorCode: int16('0+') },
});
