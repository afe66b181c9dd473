/**
 * One or more valid requests of every API, from which all others are made. They do no harm and leave both
 * brokers in the same state: what is made has a name of its own, what is deleted is not there.
 */
import { ADMIN_SAMPLES } from './admin-samples.ts';
import { CLIENT_SAMPLES } from './client-samples.ts';
import { SECURITY_SAMPLES } from './security-samples.ts';
import { TRANSACTION_SAMPLES } from './transaction-samples.ts';
import type { Sample } from './world.ts';

/** By API key. */
export const SAMPLES: Readonly<Record<number, readonly Sample[]>> = {
  ...CLIENT_SAMPLES,
  ...TRANSACTION_SAMPLES,
  ...ADMIN_SAMPLES,
  ...SECURITY_SAMPLES,
};
