/** Every limit and period of the embedded server, with ZooKeeper's name where it has one. */

export interface EmbeddedServerOptions {
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  /** Without one everything is kept in memory, and gone with the process. */
  readonly dataDir?: string;
  /** tickTime: the unit of session timeouts. */
  readonly tickMs: number;
  /** minSessionTimeout, maxSessionTimeout: 2 and 20 ticks unless given. */
  readonly minSessionTimeoutMs?: number;
  readonly maxSessionTimeoutMs?: number;
  readonly log?: (line: string) => void;
  /** zookeeper.DigestAuthenticationProvider.superDigest: `user:base64(sha1(user:password))`. */
  readonly superDigest?: string;
  /** jute.maxbuffer: a larger request closes the connection. */
  readonly maxRequestBytes?: number;
  readonly maxConnections?: number;
  /** maxClientCnxns: connections of one address, 60 unless given; 0 is no limit. */
  readonly maxConnectionsPerAddress?: number;
  readonly maxSessions?: number;
  readonly maxWatchesPerConnection?: number;
  /** A connection that does not read its events is closed beyond this. */
  readonly maxUnreadBytes?: number;
  /** A connection that does not ask for a session within this time is closed. */
  readonly handshakeTimeoutMs?: number;
  /** znode.container.checkIntervalMs */
  readonly containerCheckMs?: number;
  /** snapCount, snapSizeLimitInKb */
  readonly snapshotTransactions?: number;
  readonly snapshotBytes?: number;
  /** autopurge.snapRetainCount */
  readonly snapshotsKept?: number;
  /** The server cannot go on (its disk has failed) and has closed itself. */
  readonly failed?: (error: unknown) => void;
}

export type ResolvedOptions = Required<Omit<EmbeddedServerOptions, 'dataDir' | 'superDigest'>> &
  Pick<EmbeddedServerOptions, 'dataDir' | 'superDigest'>;

/** Throws RangeError for a tick or session timeouts that make no sense. */
export function resolveOptions(options: EmbeddedServerOptions): ResolvedOptions {
  const { tickMs } = options;
  if (!(tickMs > 0)) throw new RangeError(`tickMs must be positive, not ${tickMs}`);
  const resolved: ResolvedOptions = {
    minSessionTimeoutMs: 2 * tickMs,
    maxSessionTimeoutMs: 20 * tickMs,
    log: () => {},
    maxRequestBytes: 0xfffff,
    maxConnections: 1000,
    maxConnectionsPerAddress: 60,
    maxSessions: 100_000,
    maxWatchesPerConnection: 250_000,
    maxUnreadBytes: 64 << 20,
    handshakeTimeoutMs: 10_000,
    containerCheckMs: 1000,
    snapshotTransactions: 100_000,
    snapshotBytes: 256 << 20,
    snapshotsKept: 3,
    failed: () => {},
    ...options,
  };
  if (resolved.minSessionTimeoutMs > resolved.maxSessionTimeoutMs) {
    throw new RangeError('minSessionTimeoutMs must not be above maxSessionTimeoutMs');
  }
  return resolved;
}
