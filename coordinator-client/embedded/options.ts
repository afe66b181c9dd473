/** Every limit and period of the embedded server, with ZooKeeper's name where it has one. */
import type { SecureContextOptions } from 'node:tls';
import type { DigestUsers } from '../sasl/digest-server.ts';

/** The secure port: whom it shows itself as, and what it asks of clients. */
export interface SecureOptions {
  /** secureClientPortAddress, secureClientPort; 0 takes a free one. */
  readonly host: string;
  readonly port: number;
  readonly tls: SecureContextOptions;
  /** ssl.clientAuth: `requested` is ZooKeeper's want, `required` its need. */
  readonly clientAuth: 'none' | 'requested' | 'required';
  /** The name in a client's certificate, which is given in DER: its id of the scheme x509. */
  nameOf(certificate: Buffer): string;
}

export interface EmbeddedServerOptions {
  readonly host: string;
  /** 0 takes a free one; null: no port without TLS. */
  readonly port: number | null;
  readonly secure?: SecureOptions | null;
  /** Who may log in by SASL DIGEST-MD5; null: there is no such login, and no scheme sasl. */
  readonly saslUsers?: DigestUsers | null;
  /** sessionRequireClientSASLAuth: nothing but the login is taken before it. */
  readonly requireSasl?: boolean;
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
  /** What a connection may have proved to be, its address included; who says more ends it. */
  readonly maxIdentitiesPerConnection?: number;
  /** A connection that does not read its events is closed beyond this, and no answer to a multiRead is larger. */
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

/** Throws RangeError for options that make no sense together. */
export function resolveOptions(options: EmbeddedServerOptions): ResolvedOptions {
  const { tickMs } = options;
  if (!(tickMs > 0)) throw new RangeError(`tickMs must be positive, not ${tickMs}`);
  const resolved: ResolvedOptions = {
    secure: null,
    saslUsers: null,
    requireSasl: false,
    minSessionTimeoutMs: 2 * tickMs,
    maxSessionTimeoutMs: 20 * tickMs,
    log: () => {},
    maxRequestBytes: 0xfffff,
    maxConnections: 1000,
    maxConnectionsPerAddress: 60,
    maxSessions: 100_000,
    maxWatchesPerConnection: 250_000,
    maxIdentitiesPerConnection: 100,
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
  if (resolved.port === null && resolved.secure === null)
    throw new RangeError('there is no port to listen on');
  if (resolved.requireSasl && resolved.saslUsers === null) {
    throw new RangeError('requireSasl needs saslUsers');
  }
  return resolved;
}
