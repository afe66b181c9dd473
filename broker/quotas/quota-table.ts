/**
 * The limits of one type of quota, by user and client, and which of them a client is held to: the most
 * specific there is, where what is said of a user comes before what is said of a client id. Whoever is
 * held to the same limit by the same names shares it: all clients of a user that has one, but each user
 * of its own where users have a default. Whoever has no limit is told apart by the same rules, once anybody
 * has been given one. Names are sanitised, '' is none, and ANY_OTHER is whoever is not named.
 * Source: ClientQuotaManager.DefaultQuotaCallback.
 */

export const ANY_OTHER = '<default>';

/** By what a client is known to its quota: the two labels of its metrics. */
export interface QuotaTags {
  /** Sanitised. */
  readonly user: string;
  /** Sanitised. */
  readonly clientId: string;
}

/** Of whom a limit is said. */
type Level = 'clients' | 'users' | 'clients of users';

export class QuotaTable {
  readonly #limits = new Map<string, number>();
  /** At which something was said since the start, also where it was that there is no limit. */
  readonly #levels = new Set<Level>();

  /** `limit` null: there is none, or none any more. */
  set({ user, clientId }: QuotaTags, limit: number | null): void {
    this.#levels.add(levelOf(user, clientId));
    if (limit === null) this.#limits.delete(keyOf(user, clientId));
    else this.#limits.set(keyOf(user, clientId), limit);
  }

  /** As whom this client is measured: with whom it shares a limit, or would share one. */
  tagsOf(user: string, clientId: string): QuotaTags {
    if (this.#levels.size > 1) return this.#sharedBy(user, clientId);
    if (this.#levels.has('clients of users')) return { user, clientId };
    return this.#levels.has('users') ? { user, clientId: '' } : { user: '', clientId };
  }

  #sharedBy(user: string, clientId: string): QuotaTags {
    if (this.#has(user, clientId) || this.#has(user, ANY_OTHER)) return { user, clientId };
    if (this.#has(user, '')) return { user, clientId: '' };
    if (this.#has(ANY_OTHER, clientId) || this.#has(ANY_OTHER, ANY_OTHER)) return { user, clientId };
    if (this.#has(ANY_OTHER, '')) return { user, clientId: '' };
    return { user: '', clientId };
  }

  /** The limit of those tags now. A client without an id has none of a client's. */
  limitOf({ user, clientId }: QuotaTags): number | null {
    if (user !== '' && clientId !== '') {
      return this.#first([user, clientId], [user, ANY_OTHER], [ANY_OTHER, clientId], [ANY_OTHER, ANY_OTHER]);
    }
    if (user !== '') return this.#first([user, ''], [ANY_OTHER, '']);
    if (clientId !== '') return this.#first(['', clientId], ['', ANY_OTHER]);
    return null;
  }

  #has(user: string, clientId: string): boolean {
    return this.#limits.has(keyOf(user, clientId));
  }

  #first(...entities: readonly (readonly [user: string, clientId: string])[]): number | null {
    for (const [user, clientId] of entities) {
      const limit = this.#limits.get(keyOf(user, clientId));
      if (limit !== undefined) return limit;
    }
    return null;
  }
}

function levelOf(user: string, clientId: string): Level {
  if (user === '') return 'clients';
  return clientId === '' ? 'users' : 'clients of users';
}

/** Sanitised names hold no slash. */
export function keyOf(user: string, clientId: string): string {
  return `${user}/${clientId}`;
}
