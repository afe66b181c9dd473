/**
 * How many connections an address may make a second (KIP-612): set for single addresses, and for all
 * others together by the default. What comes too early counts as not having come, and its connection is
 * closed when the time is over. Source: kafka.network.ConnectionQuotas, IpConfigHandler.
 */
import { CONNECTION_RATE_KEY, quotaLimit } from './quota-keys.ts';
import { SampledRate, type SampleWindow, throttleMs } from './sampled-rate.ts';

const UNUSED_MS = 3_600_000;
const ANY_ADDRESS = '';

interface Address {
  readonly rate: SampledRate;
  usedMs: number;
}

export class ConnectionRates {
  readonly #window: SampleWindow;
  readonly #maxAddresses: number;
  readonly #limits = new Map<string, number>();
  readonly #addresses = new Map<string, Address>();

  /** `maxAddresses`: client.quota.max.sensors. */
  constructor(window: SampleWindow, maxAddresses: number) {
    this.#window = window;
    this.#maxAddresses = maxAddresses;
  }

  /** `address` null: the default. */
  configured(address: string | null, config: ReadonlyMap<string, string>): void {
    const limit = quotaLimit(config.get(CONNECTION_RATE_KEY));
    if (limit === null) this.#limits.delete(address ?? ANY_ADDRESS);
    else this.#limits.set(address ?? ANY_ADDRESS, limit);
  }

  /** 0: the connection may be made. Else how long its address has to wait. */
  take(host: string, nowMs: number): number {
    if (this.#limits.size === 0) return 0;
    const address = plainAddress(host);
    const limit = this.#limits.get(address) ?? this.#limits.get(ANY_ADDRESS);
    if (limit === undefined) return 0;
    const { rate } = this.#used(address, nowMs);
    rate.record(1, nowMs);
    const waitMs = Math.min(throttleMs(rate, limit, nowMs), this.#window.sampleMs);
    if (waitMs > 0) rate.record(-1, nowMs);
    return waitMs;
  }

  #used(address: string, nowMs: number): Address {
    const known = this.#addresses.get(address);
    if (known !== undefined) {
      known.usedMs = nowMs;
      return known;
    }
    if (this.#addresses.size >= this.#maxAddresses) this.#makeRoom(nowMs);
    const made = { rate: new SampledRate(this.#window, 'full'), usedMs: nowMs };
    this.#addresses.set(address, made);
    return made;
  }

  /** Those that have not come for an hour go, or else the tenth that has not come for the longest. */
  #makeRoom(nowMs: number): void {
    const byAge = [...this.#addresses].sort(([, one], [, other]) => one.usedMs - other.usedMs);
    const unused = byAge.filter(([, { usedMs }]) => nowMs - usedMs > UNUSED_MS);
    const going = unused.length > 0 ? unused : byAge.slice(0, Math.ceil(byAge.length / 10));
    for (const [address] of going) this.#addresses.delete(address);
  }
}

/** An address of version 4 as it is set, however the socket writes it. */
function plainAddress(host: string): string {
  return host.startsWith('::ffff:') ? host.slice('::ffff:'.length) : host;
}
