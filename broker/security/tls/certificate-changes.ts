/**
 * What a listener's certificate may be replaced by while clients come: one that is good now, of the same name
 * and for at least the same hosts, unless ssl.allow.dn.changes or ssl.allow.san.changes let it differ.
 * Source: SslFactory.CertificateEntries.ensureCompatible of Kafka.
 */
import { X509Certificate } from 'node:crypto';
import type { TlsServerEnd } from '../../platform/tls.ts';
import { shownCertificate } from '../../platform/tls-sockets.ts';
import { subjectName } from './certificate-name.ts';

interface Allowed {
  readonly sslAllowDnChanges: boolean;
  readonly sslAllowSanChanges: boolean;
}

/** Why `next` can't follow `former`; null when it can. */
export function replacementProblem(
  former: TlsServerEnd,
  next: TlsServerEnd,
  { sslAllowDnChanges, sslAllowSanChanges }: Allowed,
  nowMs: number,
): string | null {
  const [before, after] = [shownCertificate(former), shownCertificate(next)];
  if (after === null) return 'there is no certificate in the key store';
  const { validFromDate, validToDate, subjectAltName } = new X509Certificate(after);
  if (nowMs >= validToDate.getTime()) return `the certificate has expired at ${validToDate.toISOString()}`;
  if (nowMs < validFromDate.getTime()) {
    return `the certificate is not good before ${validFromDate.toISOString()}`;
  }
  if (before === null) return null;
  const [oldName, newName] = [subjectName(before), subjectName(after)];
  if (!sslAllowDnChanges && oldName !== newName) {
    return `Keystore DistinguishedName does not match: existing=${oldName}, new=${newName}`;
  }
  const oldHosts = hostsIn(new X509Certificate(before).subjectAltName);
  const newHosts = hostsIn(subjectAltName);
  if (sslAllowSanChanges || [...oldHosts].every((host) => newHosts.has(host))) return null;
  return `Keystore SubjectAltNames do not match: existing=[${[...oldHosts].join(', ')}], new=[${[...newHosts].join(', ')}]`;
}

function hostsIn(names: string | undefined): ReadonlySet<string> {
  return new Set(names?.split(', ') ?? []);
}
