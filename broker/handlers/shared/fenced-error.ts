/**
 * PRODUCER_FENCED for clients that know it; those of older versions know INVALID_PRODUCER_EPOCH only, and
 * treat it the same. Source: KIP-588, KafkaApis.
 */
import { ErrorCode } from '../../errors.ts';

export function fencedFrom(firstVersion: number, apiVersion: number, error: ErrorCode): ErrorCode {
  return error === ErrorCode.PRODUCER_FENCED && apiVersion < firstVersion
    ? ErrorCode.INVALID_PRODUCER_EPOCH
    : error;
}
