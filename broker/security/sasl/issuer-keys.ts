/**
 * The public keys of those who issue tokens (JWKS), read from a file or from the issuer's endpoint, read again
 * every sasl.oauthbearer.jwks.endpoint.refresh.ms, and at once when a token names a key that is not among
 * them. Such names come from whoever knocks: each asks once a minute, and a bounded number is remembered.
 * While the keys can't be had again, those of before count.
 * Source: RefreshingHttpsJwks, Retry and JwksFileVerificationKeyResolver of Kafka; RFC 7517.
 */
import { ConfigError } from '../../config/property.ts';
import { type Clock, retried, type Timer } from '../../platform/clock.ts';
import type { Diagnostics } from '../../platform/diagnostics.ts';

/**
 * What jose's `createLocalJWKSet` makes of a key set, for its `compactVerify`. Not by jose's own type: the
 * declarations of the test kit lead here, and who has only these has no jose.
 */
type KeyFinder = object;

/** Where keys are, and how often they are looked for. */
export interface KeySetConfigs {
  /** `sasl.oauthbearer.jwks.endpoint.url`, for messages. */
  readonly config: string;
  readonly url: URL;
  readonly refreshMs: number;
  readonly retryBackoffMs: number;
  readonly retryBackoffMaxMs: number;
}

interface KeySetParts {
  /** The JSON of the key set; rejects when it can't be had. */
  readonly read: () => Promise<string>;
  readonly clock: Clock;
  readonly diagnostics: Diagnostics;
}

const MOST_MISSING = 16;
const LONGEST_KEY_ID = 1000;
const MISSING_PAUSE_MS = 60_000;
/** Of an issuer that wants to be asked all the time. */
const SHORTEST_REFRESH_MS = 1000;

/** The keys of one issuer. */
export class IssuerKeys {
  readonly #configs: KeySetConfigs;
  readonly #parts: KeySetParts;
  /** null until they were read once. */
  #keyOf: KeyFinder | null = null;
  #first: Promise<void> | null = null;
  #isReading = false;
  #isClosed = false;
  #timer: Timer | null = null;
  /** When each key id that nobody had may be asked for again; the oldest first. */
  readonly #missing = new Map<string, number>();

  constructor(configs: KeySetConfigs, parts: KeySetParts) {
    this.#configs = configs;
    this.#parts = parts;
  }

  /** Resolves when there are keys; rejects with ConfigError when they can't be had within the retries. */
  ready(): Promise<void> {
    this.#first ??= this.#begin();
    return this.#first;
  }

  /** Finds the key that a token names; null: there are none yet. */
  get keyOf(): KeyFinder | null {
    return this.#keyOf;
  }

  /** A token names a key that is not among those that are known. */
  lacks(keyId: string): void {
    const nowMs = this.#parts.clock.nowMs();
    if (keyId.length > LONGEST_KEY_ID || (this.#missing.get(keyId) ?? 0) > nowMs) return;
    this.#missing.delete(keyId);
    this.#missing.set(keyId, nowMs + MISSING_PAUSE_MS);
    const [oldest] = this.#missing.keys();
    if (this.#missing.size > MOST_MISSING && oldest !== undefined) this.#missing.delete(oldest);
    void this.#refresh();
  }

  close(): void {
    this.#isClosed = true;
    this.#timer?.cancel();
  }

  async #begin(): Promise<void> {
    try {
      await this.#readWithRetries();
    } catch (error) {
      this.#first = null;
      const { config, url } = this.#configs;
      throw new ConfigError(`Invalid value ${url.href} for configuration ${config}: ${messageOf(error)}`);
    }
    this.#arm();
  }

  #arm(): void {
    if (this.#isClosed) return;
    const delayMs = Math.max(SHORTEST_REFRESH_MS, this.#configs.refreshMs);
    this.#timer = this.#parts.clock.after(delayMs, () => {
      void this.#refresh().then(() => this.#arm());
    });
  }

  /** Never rejects. One at a time. */
  async #refresh(): Promise<void> {
    if (this.#isReading || this.#isClosed) return;
    this.#isReading = true;
    try {
      await this.#readWithRetries();
    } catch (error) {
      const where = this.#configs.url.href;
      this.#parts.diagnostics.warn(
        `The keys at ${where} can't be read; those of before count: ${messageOf(error)}`,
      );
    } finally {
      this.#isReading = false;
    }
  }

  #readWithRetries(): Promise<void> {
    const { clock, read } = this.#parts;
    const { retryBackoffMs: backoffMs, retryBackoffMaxMs: backoffMaxMs } = this.#configs;
    const isWorthwhile = (): boolean => !this.#isClosed;
    return retried({ clock, backoffMs, backoffMaxMs, isWorthwhile }, async () => {
      this.#keyOf = await keySetOf(await read());
    });
  }
}

/** Rejects with what is wrong. */
async function keySetOf(text: string): Promise<KeyFinder> {
  const { createLocalJWKSet } = await import('jose');
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    throw new Error('what is there is no JSON');
  }
  // It looks at all of what it is given.
  return createLocalJWKSet(parsed as Parameters<typeof createLocalJWKSet>[0]);
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** What makes a reader, and what it depends on beside its configs: another text, another reader. */
interface KeyReader {
  readonly how: string;
  readonly make: () => IssuerKeys;
}

/** All issuers of a broker. Listeners that are made anew go on with the keys that are there. */
export class IssuerKeySets {
  readonly #of = new Map<string, { readonly keys: IssuerKeys; holders: number }>();

  /** Nobody is asked for the keys before somebody wants them to be ready. */
  at(configs: KeySetConfigs, reader: KeyReader): HeldKeys {
    const { url, refreshMs, retryBackoffMs, retryBackoffMaxMs } = configs;
    const key = [url.href, refreshMs, retryBackoffMs, retryBackoffMaxMs, reader.how].join(' ');
    return new HeldKeys({
      take: () => {
        const known = this.#of.get(key) ?? { keys: reader.make(), holders: 0 };
        known.holders += 1;
        this.#of.set(key, known);
        return known.keys;
      },
      giveBack: () => this.#giveBack(key),
    });
  }

  close(): void {
    for (const { keys } of this.#of.values()) keys.close();
    this.#of.clear();
  }

  #giveBack(key: string): void {
    const known = this.#of.get(key);
    if (known === undefined) return;
    known.holders -= 1;
    if (known.holders > 0) return;
    known.keys.close();
    this.#of.delete(key);
  }
}

interface Holding {
  readonly take: () => IssuerKeys;
  readonly giveBack: () => void;
}

/** The keys of one issuer, for one listener: read again and again for as long as a listener holds them. */
export class HeldKeys {
  readonly #holding: Holding;
  /** null until they were wanted; once given back they are as they were then, for whose login is under way. */
  #keys: IssuerKeys | null = null;
  #isHeld = false;

  constructor(holding: Holding) {
    this.#holding = holding;
  }

  /** As that of IssuerKeys. */
  async ready(): Promise<void> {
    if (!this.#isHeld) this.#keys = this.#holding.take();
    this.#isHeld = true;
    try {
      await this.#keys?.ready();
    } catch (error) {
      this.giveBack();
      throw error;
    }
  }

  get keyOf(): KeyFinder | null {
    return this.#keys?.keyOf ?? null;
  }

  lacks(keyId: string): void {
    this.#keys?.lacks(keyId);
  }

  giveBack(): void {
    if (!this.#isHeld) return;
    this.#isHeld = false;
    this.#holding.giveBack();
  }
}
