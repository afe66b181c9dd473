/** Certificates for tests, made once a process, and ends of TLS made of them. */
import type { TlsClientEnd, TlsServerEnd } from '../../../broker/platform/tls.ts';
import { type CertificateAndKey, createAuthority, issue } from '../../../scripts/cli/certs/authority.ts';

const DAY_MS = 86_400_000;

export const VALID = { from: new Date(Date.now() - DAY_MS), to: new Date(Date.now() + DAY_MS) };
export const EXPIRED = { from: new Date(Date.now() - 2 * DAY_MS), to: new Date(Date.now() - DAY_MS) };
export const NOT_YET = { from: new Date(Date.now() + DAY_MS), to: new Date(Date.now() + 2 * DAY_MS) };

export const AUTHORITY = await createAuthority('test authority', VALID);
export const BROKER = await issue(AUTHORITY, {
  commonName: 'broker',
  hosts: ['localhost', '127.0.0.1'],
  validity: VALID,
});

export function clientCertificate(commonName: string, validity = VALID): Promise<CertificateAndKey> {
  return issue(AUTHORITY, { commonName, hosts: [], validity });
}

function identityOf({ certificate, key }: CertificateAndKey) {
  return { kind: 'pem', key, certificates: certificate, passphrase: null } as const;
}

const SPOKEN = { minVersion: 'TLSv1.2', maxVersion: 'TLSv1.3', ciphers: null } as const;

export function serverEnd(own: Partial<TlsServerEnd> = {}, shown = BROKER): TlsServerEnd {
  const trusted = [AUTHORITY.certificate];
  return { identity: identityOf(shown), trusted, clientAuth: 'none', ...SPOKEN, ...own };
}

export function clientEnd(
  own: Partial<TlsClientEnd> = {},
  shown: CertificateAndKey | null = null,
): TlsClientEnd {
  const identity = shown === null ? null : identityOf(shown);
  return { identity, trusted: [AUTHORITY.certificate], verifiesHost: true, ...SPOKEN, ...own };
}
