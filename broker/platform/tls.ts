/**
 * The ends of TLS as data: what each shows, trusts and speaks. An end never changes; a listener asks for its
 * own with each connection, so that certificates are replaced by giving it another one.
 */

type TlsVersion = 'TLSv1.2' | 'TLSv1.3';

/** A private key with its certificate, the certificate's issuers behind it. */
export type TlsIdentity =
  | {
      readonly kind: 'pem';
      readonly key: string;
      readonly certificates: string;
      /** Of an encrypted key. */
      readonly passphrase: string | null;
    }
  | { readonly kind: 'pkcs12'; readonly store: Buffer; readonly passphrase: string };

interface TlsEnd {
  readonly identity: TlsIdentity | null;
  /** Certificates in PEM whose signatures are believed; null: those that come with Node. */
  readonly trusted: readonly string[] | null;
  readonly minVersion: TlsVersion;
  readonly maxVersion: TlsVersion;
  /** OpenSSL's names; null: its choice. */
  readonly ciphers: readonly string[] | null;
}

export interface TlsServerEnd extends TlsEnd {
  /** `requested`: who shows none is taken, but who shows one that is no good is not. */
  readonly clientAuth: 'none' | 'requested' | 'required';
}

export interface TlsClientEnd extends TlsEnd {
  /** The certificate must be of the host that was dialled. */
  readonly verifiesHost: boolean;
  /** Whoever issued the certificate; for who dials itself. */
  readonly believesAnybody?: true;
}

export interface TlsListening {
  /** What newcomers are shown; another object once something has changed. */
  readonly end: () => TlsServerEnd;
  readonly handshakeTimeoutMs: number;
  /** Beyond so many handshakes at once the newest takes the place of the oldest. */
  readonly mostHandshakes: number;
  /** A newcomer that was not accepted. */
  readonly refused: (remoteHost: string, reason: string) => void;
}
