/**
 * Who is taken without a shared secret: whoever shows a broker's certificate, and brokers of the same machine,
 * as nobody else can reach its loopback addresses. For all others a secret has to be set.
 */

/** What a peer of another machine is told. */
export const SECRET_NEEDED = 'without a shared secret only brokers of the same machine are taken';

/** What a peer is told whose certificate is a good one, but not of a super user. */
export const NO_BROKERS_CERTIFICATE = 'the certificate is of nobody in super.users, and there is no secret';

/** Whether an address, or a host that is bound, is this machine's own loopback. */
export function isLoopback(host: string): boolean {
  const address = host.toLowerCase().replace(/^::ffff:/, '');
  return address === 'localhost' || address === '::1' || /^127\.\d+\.\d+\.\d+$/.test(address);
}

/** What the operator is told at the start, or null when there is nothing to say. */
export function secretAdvice(
  sharedSecret: string,
  boundHost: string,
  showsCertificates: boolean,
): string | null {
  if (sharedSecret !== '' || showsCertificates || isLoopback(boundHost)) return null;
  return (
    'peer.shared.secret is not set: brokers of other machines are refused. ' +
    'For a cluster of several machines set it to the same long random text on every broker, ' +
    'or let peers show certificates (TLS between brokers, ssl.client.auth=required).'
  );
}
