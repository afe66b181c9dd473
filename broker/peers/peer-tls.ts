/** What peers need of TLS: both ends, as they are at this moment, and whose certificates are brokers'. */
import type { TlsClientEnd, TlsServerEnd } from '../platform/tls.ts';

export interface PeerTls {
  readonly serverEnd: () => TlsServerEnd;
  readonly clientEnd: () => TlsClientEnd;
  /** Whether whoever shows this certificate, which is a good one, may speak as a broker without a secret. */
  readonly isBrokers: (certificate: Buffer) => boolean;
}
