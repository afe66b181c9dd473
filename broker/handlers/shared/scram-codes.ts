/** What the requests about SCRAM credentials have in common. Source: ScramMechanism of Kafka's admin client. */
import { SCRAM_MECHANISMS, type ScramMechanism } from '../../security/sasl/scram-formula.ts';

/** How mechanisms are numbered on the wire. */
export const SCRAM_CODES: Readonly<Record<ScramMechanism, number>> = {
  'SCRAM-SHA-256': 1,
  'SCRAM-SHA-512': 2,
};

export const EMPTY_USER = 'Username must not be empty';

/** null: nobody knows such a mechanism. */
export function scramMechanismOf(code: number): ScramMechanism | null {
  return SCRAM_MECHANISMS.find((mechanism) => SCRAM_CODES[mechanism] === code) ?? null;
}
