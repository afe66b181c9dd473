/** What peers speak: PEER in listener.security.protocol.map says so, or else the listener that brokers share. */
import { PEER_LISTENER } from '../cluster.ts';
import type { FixedConfig } from './broker-config.ts';
import { hasTls } from './listeners.ts';

/** The listener whose certificates peers show each other; null: they speak in the clear. */
export function peerTlsListener(
  config: Pick<FixedConfig, 'interBrokerListenerName' | 'listenerSecurityProtocolMap'>,
): string | null {
  const { interBrokerListenerName: among, listenerSecurityProtocolMap: protocols } = config;
  const deciding = protocols.has(PEER_LISTENER) ? PEER_LISTENER : among;
  const protocol = protocols.get(deciding);
  return protocol !== undefined && hasTls(protocol) ? deciding : null;
}
