/**
 * The peers of a broker, and how its configuration reaches them: limits, the secret, and where their
 * endpoint is bound.
 */
import type { FixedConfig, HostAndPort } from '../config/broker-config.ts';
import { createPeers, type ListeningPeers, type PeersOptions } from '../peers/peers.ts';
import type { Ground } from './parts.ts';

/** Not bound yet: the endpoint listens when there is somebody to answer. */
export function makePeers(
  { platform, stops }: Ground,
  config: FixedConfig,
  own: Pick<PeersOptions, 'clusterId' | 'brokerEpoch' | 'http'>,
): ListeningPeers {
  const { channels, clock, random, diagnostics } = platform;
  const peers = createPeers({
    ...own,
    channels,
    clock,
    random,
    diagnostics: diagnostics.named(`Peers broker=${config.brokerId}`),
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

/** Where the peer endpoint is bound: without a host of its own, where the inter-broker listener is. */
export function peerEndpoint({ peerListener, listeners, interBrokerListenerName }: FixedConfig): HostAndPort {
  if (peerListener.host !== '') return peerListener;
  const among = listeners.find(({ name }) => name === interBrokerListenerName);
  return { host: among?.host ?? '', port: peerListener.port };
}
