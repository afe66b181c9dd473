/** What an outcome holds, for tests that expect it to hold something. */
import type { Outcome } from '../../broker/errors.ts';

export async function successOf<T>(asked: Promise<Outcome<T>> | undefined): Promise<T | undefined> {
  const outcome = await asked;
  if (outcome?.ok === false) throw new Error(`error ${outcome.error}: ${outcome.message ?? ''}`);
  return outcome?.value;
}
