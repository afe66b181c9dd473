/**
 * Who may connect: max.connections for the broker as a whole makes newcomers wait until somebody
 * leaves, max.connections.per.ip (with overrides) turns them away at once.
 * Source: SocketServer's ConnectionQuotas.
 */

export interface ConnectionQuotaLimits {
  readonly maxConnections: number;
  readonly maxConnectionsPerIp: number;
  /** max.connections.per.ip.overrides */
  readonly perIpOverrides: ReadonlyMap<string, number>;
}

export class ConnectionQuotas {
  readonly #limits: ConnectionQuotaLimits;
  readonly #byHost = new Map<string, number>();
  #count = 0;

  constructor(limits: ConnectionQuotaLimits) {
    this.#limits = limits;
  }

  get count(): number {
    return this.#count;
  }

  /** Counts the connection in if there is room for it. */
  tryAdd(host: string): 'added' | 'wait' | 'refused' {
    if (this.#count >= this.#limits.maxConnections) return 'wait';
    const ofHost = this.#byHost.get(host) ?? 0;
    const limit = this.#limits.perIpOverrides.get(host) ?? this.#limits.maxConnectionsPerIp;
    if (ofHost >= limit) return 'refused';
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
}
