/**
 * SaslHandshake (17), versions 0-1: on a listener without SASL there is nothing to shake hands about,
 * and a client that is set up for SASL learns that by ILLEGAL_SASL_STATE.
 * Source: KafkaApis.handleSaslHandshakeRequest.
 */
import { ErrorCode } from '../errors.ts';
import { SaslHandshake } from '../protocol/messages/17-sasl-handshake.ts';
import { defineHandler } from './handler.ts';

export const saslHandshake = defineHandler(SaslHandshake, [], {
  handle: () => ({ errorCode: ErrorCode.ILLEGAL_SASL_STATE, mechanisms: [] }),
  refuse: (_request, errorCode) => ({ errorCode, mechanisms: [] }),
});
