/**
 * The peers of a broker, and how its configuration reaches them: limits, the secret, certificates, and where
 * their endpoint is bound. Rejects with ConfigError for certificates that can't be used.
 */
import type { FixedConfig, HostAndPort } from '../config/broker-config.ts';
import { peerTlsListener } from '../config/peer-protocol.ts';
import { createPeers, type ListeningPeers, type PeersOptions } from '../peers/peers.ts';
import { javaStores } from '../security/tls/java-stores.ts';
import type { Ground, Parts } from './parts.ts';
import type { PeerSecurityParts } from './peer-security.ts';

/** Not bound yet: the endpoint listens when there is somebody to answer. */
export async function makePeers(
  { platform, stops }: Ground,
  { config, configs }: Pick<Parts, 'config' | 'configs'>,
  own: Pick<PeersOptions, 'clusterId' | 'brokerEpoch' | 'http'>,
): Promise<ListeningPeers> {
  const { channels, clock, random, diagnostics } = platform;
  const said = diagnostics.named(`Peers broker=${config.brokerId}`);
  const tls = await tlsOf(config, {
    liveConfig: configs.live,
    diagnostics: said,
    reader: { disk: platform.disk, javaStores },
  });
  const peers = createPeers({
    ...own,
    tls,
    channels,
    clock,
    random,
    diagnostics: said,
    brokerId: config.brokerId,
    sharedSecret: config.peerSharedSecret ?? '',
    maxMessageBytes: config.peerMaxMessageBytes,
    maxInFlightRequests: config.queuedMaxRequests,
    maxHandshakes: config.peerMaxHandshakes,
    maxHandshakesPerAddress: config.peerMaxHandshakesPerIp,
    handshakeTimeoutMs: config.socketConnectionSetupTimeoutMs,
  });
  // Stop after the parts that speak through them, so that their last words get out, and /healthz says `stopping`.
  stops.push({ name: 'the peers', stop: () => peers.close() });
  return peers;
}

/** What only some clusters have is loaded for them: a start is mostly loading. */
async function tlsOf(config: FixedConfig, parts: PeerSecurityParts): Promise<PeersOptions['tls']> {
  const listener = peerTlsListener(config);
  if (listener === null) return null;
  const { peerSecurity } = await import('./peer-security.ts');
  return peerSecurity(listener, config, parts);
}

/** Where the peer endpoint is bound: without a host of its own, where the inter-broker listener is. */
export function peerEndpoint({ peerListener, listeners, interBrokerListenerName }: FixedConfig): HostAndPort {
  if (peerListener.host !== '') return peerListener;
  const among = listeners.find(({ name }) => name === interBrokerListenerName);
  return { host: among?.host ?? '', port: peerListener.port };
}
