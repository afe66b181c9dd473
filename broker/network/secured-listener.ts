/** What a listener asks of its clients and shows them, and who they are by that. */
import { hasLogin, type Listener } from '../config/listeners.ts';
import type { ByteSocket } from '../platform/sockets.ts';
import type { TlsServerEnd } from '../platform/tls.ts';
import { ANONYMOUS, type Principal, userNamed } from '../security/principal.ts';
import type { ListenerLogin } from '../security/sasl/listener-login.ts';
import { subjectName } from '../security/tls/certificate-name.ts';
import type { PrincipalMapping } from '../security/tls/principal-mapping.ts';

/** As a listener is configured at a moment. */
export interface SecuredListener {
  /** null: clients don't log in. */
  readonly login: ListenerLogin | null;
  /** null: nothing is encrypted. */
  readonly tls: TlsServerEnd | null;
  /** Who somebody is by the name in a certificate. */
  readonly nameOf: PrincipalMapping;
}

/** A certificate that is good, but of nobody: no rule of ssl.principal.mapping.rules fits its name. */
export class NobodysCertificate extends Error {
  override readonly name = 'NobodysCertificate';
}

/**
 * Who a client is as it connects; null: it has to log in. A certificate counts where there is no login.
 * Throws {@link NobodysCertificate}.
 */
export function principalAtFirst(
  { securityProtocol }: Listener,
  { nameOf }: SecuredListener,
  { peerCertificate }: Pick<ByteSocket, 'peerCertificate'>,
): Principal | null {
  if (hasLogin(securityProtocol)) return null;
  if (peerCertificate === null) return ANONYMOUS;
  const subject = subjectName(peerCertificate);
  const name = nameOf(subject);
  if (name === null) throw new NobodysCertificate(`no rule of ssl.principal.mapping.rules fits ${subject}`);
  return userNamed(name);
}
