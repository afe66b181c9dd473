/**
 * SCRAM credentials of delegation tokens. Kafka makes those of every token when it hears of it; each takes
 * milliseconds, and most tokens log in at few brokers, so here they are made at the first login by each.
 * Source: DelegationTokenManager.prepareScramCredentials.
 */
import type { Clock } from '../../platform/clock.ts';
import type { Random } from '../../platform/random.ts';
import { newScramCredential, type ScramCredential } from '../sasl/scram-credential.ts';
import type { TokenLogin } from '../sasl/scram-credentials.ts';
import { MIN_SCRAM_ITERATIONS, type ScramMechanism } from '../sasl/scram-formula.ts';
import type { TokenSet } from './token-set.ts';

/** Holds credentials of tokens only that there were at their last login. */
export class TokenLogins {
  readonly #tokens: Pick<TokenSet, 'credentialOf' | 'has'>;
  readonly #clock: Clock;
  readonly #random: Random;
  /** By token, then by mechanism; a secret never changes. */
  readonly #made = new Map<string, Map<ScramMechanism, Promise<ScramCredential>>>();

  constructor(
    tokens: Pick<TokenSet, 'credentialOf' | 'has'>,
    { clock, random }: { readonly clock: Clock; readonly random: Random },
  ) {
    this.#tokens = tokens;
    this.#clock = clock;
    this.#random = random;
  }

  /** undefined: there is no such token, or it has expired. */
  async of(mechanism: ScramMechanism, tokenId: string): Promise<TokenLogin | undefined> {
    const token = this.#tokens.credentialOf(tokenId, this.#clock.wallMs());
    if (token === null) return undefined;
    const credential = await this.#credential(mechanism, tokenId, token.password);
    return { credential, owner: token.owner, expiresAtMs: token.expiryMs };
  }

  #credential(mechanism: ScramMechanism, tokenId: string, password: string): Promise<ScramCredential> {
    const known = this.#made.get(tokenId)?.get(mechanism);
    if (known !== undefined) return known;
    for (const former of this.#made.keys()) if (!this.#tokens.has(former)) this.#made.delete(former);
    const credential = newScramCredential(mechanism, password, MIN_SCRAM_ITERATIONS, this.#random);
    const ofToken = this.#made.get(tokenId) ?? new Map<ScramMechanism, Promise<ScramCredential>>();
    this.#made.set(tokenId, ofToken.set(mechanism, credential));
    return credential;
  }
}
