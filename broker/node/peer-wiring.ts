/**
 * How a broker's configuration reaches its peers: limits, the secret, and where their endpoint is bound.
 */
import type { BrokerConfig, HostAndPort } from '../config/broker-config.ts';
import { createPeers, type ListeningPeers, type PeersOptions } from '../peers/peers.ts';
import type { Platform } from '../platform/platform.ts';

/** The peers of this broker, not bound yet. */
export function makePeers(
  config: BrokerConfig,
  { channels, clock, random, diagnostics }: Platform,
  own: Pick<PeersOptions, 'clusterId' | 'brokerEpoch' | 'http'>,
): ListeningPeers {
  return createPeers({
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
}

/** Where the peer endpoint is bound: without a host of its own, where the inter-broker listener is. */
export function peerEndpoint({
  peerListener,
  listeners,
  interBrokerListenerName,
}: BrokerConfig): HostAndPort {
  if (peerListener.host !== '') return peerListener;
  const among = listeners.find(({ name }) => name === interBrokerListenerName);
  return { host: among?.host ?? '', port: peerListener.port };
}
