/**
 * The SCRAM credentials of all users, in memory: read with the other configs of users, and changed with
 * them, so that a password that is set in ZooKeeper is good from then on without a restart.
 * Source: CredentialProvider, UserConfigHandler of Kafka.
 */
import { desanitize } from '../../../coordinator-client/znodes/config-znodes.ts';
import type { Diagnostics } from '../../platform/diagnostics.ts';
import type { Principal } from '../principal.ts';
import { parseScramCredential, type ScramCredential } from './scram-credential.ts';
import { SCRAM_MECHANISMS, type ScramMechanism } from './scram-formula.ts';

/** Where the credentials of a mechanism are looked up at each login. */
export interface ScramLookup {
  /** undefined: nobody of that name has one. */
  user(mechanism: ScramMechanism, name: string): ScramCredential | undefined;
  /** Of a delegation token, which logs its owner in. */
  token(mechanism: ScramMechanism, tokenId: string): Promise<TokenLogin | undefined>;
}

/** What a delegation token logs in with, and as whom. */
export interface TokenLogin {
  readonly credential: ScramCredential;
  readonly owner: Principal;
  readonly expiresAtMs: number;
}

export class ScramCredentials {
  /** By mechanism, then by name. */
  readonly #byMechanism: ReadonlyMap<ScramMechanism, Map<string, ScramCredential>> = new Map(
    SCRAM_MECHANISMS.map((mechanism) => [mechanism, new Map()]),
  );
  readonly #diagnostics: Diagnostics;

  constructor(diagnostics: Diagnostics) {
    this.#diagnostics = diagnostics;
  }

  of(mechanism: ScramMechanism, user: string): ScramCredential | undefined {
    return this.#byMechanism.get(mechanism)?.get(user);
  }

  /** What is stored for a user, by its name in the tree; nothing: it has gone. */
  configured(nameInTree: string, config: ReadonlyMap<string, string>): void {
    // A user's clients have quotas only.
    if (nameInTree.includes('/')) return;
    const user = nameOf(nameInTree);
    if (user === null) return;
    for (const [mechanism, users] of this.#byMechanism) {
      const text = config.get(mechanism);
      const credential = text === undefined ? null : parseScramCredential(text);
      if (credential === null) users.delete(user);
      else users.set(user, credential);
      if (credential === null && text !== undefined) {
        this.#diagnostics.error(`the ${mechanism} credential of user ${user} in ZooKeeper can’t be read`);
      }
    }
  }
}

function nameOf(nameInTree: string): string | null {
  try {
    return desanitize(nameInTree);
  } catch {
    return null;
  }
}
