/** A credential made of a password, as clients have it made: the broker sees only what they have salted. */
import type { Random } from '../../broker/platform/random.ts';
import { type ScramCredential, scramNonce } from '../../broker/security/sasl/scram-credential.ts';
import { type ScramMechanism, saltedPassword, scramKeys } from '../../broker/security/sasl/scram-formula.ts';

export async function newScramCredential(
  mechanism: ScramMechanism,
  password: string,
  iterations: number,
  random: Random,
): Promise<ScramCredential> {
  const salt = Buffer.from(scramNonce(random));
  const salted = await saltedPassword(mechanism, password, salt, iterations);
  return { salt, iterations, ...scramKeys(mechanism, salted) };
}
