/**
 * Who may connect: max.connections for the broker as a whole makes newcomers wait until somebody
 * leaves, max.connection.creation.rate until it is their turn, and max.connections.per.ip (with
 * overrides for single addresses) turns them away at once.
 * Source: SocketServer's ConnectionQuotas (KIP-308, KIP-402, KIP-612).
 */
import type { BrokerConfig } from '../config/broker-config.ts';
import type { Live } from '../config/live.ts';

interface ConnectionQuotaLimits {
  readonly maxConnections: number;
  readonly maxConnectionsPerIp: number;
  readonly perIpOverrides: ReadonlyMap<string, number>;
  readonly creationRatePerSecond: number;
}

/** The limits as configured now. */
export function connectionQuotaLimits({ now }: Live<BrokerConfig>): ConnectionQuotaLimits {
  return {
    maxConnections: now.maxConnections,
    maxConnectionsPerIp: now.maxConnectionsPerIp,
    perIpOverrides: now.maxConnectionsPerIpOverrides,
    creationRatePerSecond: now.maxConnectionCreationRate,
  };
}

export class ConnectionQuotas {
  #limits: ConnectionQuotaLimits;
  /** Open connections by address; their sum is `#count`. No entry stands at 0. */
  readonly #byHost = new Map<string, number>();
  #count = 0;
  /** Connections that may be made at once: grows with time to one second's worth. */
  #allowance: number;
  /** When `#allowance` was last brought up to date. */
  #allowanceAtMs: number;

  constructor(limits: ConnectionQuotaLimits, nowMs: number) {
    this.#limits = limits;
    this.#allowance = limits.creationRatePerSecond;
    this.#allowanceAtMs = nowMs;
  }

  set limits(limits: ConnectionQuotaLimits) {
    this.#limits = limits;
  }

  /**
   * Counts the connection in if there is room for it. `waitMs`: when to try again; null: when a
   * connection has closed.
   */
  tryAdd(host: string, nowMs: number): 'added' | 'refused' | { readonly waitMs: number | null } {
    const limits = this.#limits;
    if (this.#count >= limits.maxConnections) return { waitMs: null };
    const ofHost = this.#byHost.get(host) ?? 0;
    if (ofHost >= (limits.perIpOverrides.get(host) ?? limits.maxConnectionsPerIp)) return 'refused';
    const waitMs = this.#takeAllowance(nowMs);
    if (waitMs > 0) return { waitMs };
    this.#byHost.set(host, ofHost + 1);
    this.#count += 1;
    return 'added';
  }

  remove(host: string): void {
    const ofHost = this.#byHost.get(host) ?? 0;
    if (ofHost > 1) this.#byHost.set(host, ofHost - 1);
    else this.#byHost.delete(host);
    this.#count -= 1;
  }

  /** 0, or how long it takes until the rate allows another connection. */
  #takeAllowance(nowMs: number): number {
    // A rate of 0 would lock out even who wants to raise it again: one connection a second gets through.
    const rate = Math.max(1, this.#limits.creationRatePerSecond);
    const earned = ((nowMs - this.#allowanceAtMs) * rate) / 1000;
    this.#allowance = Math.min(rate, this.#allowance + earned);
    this.#allowanceAtMs = nowMs;
    if (this.#allowance < 1) return Math.ceil(((1 - this.#allowance) * 1000) / rate);
    this.#allowance -= 1;
    return 0;
  }
}
