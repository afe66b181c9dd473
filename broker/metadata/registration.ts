/**
 * What a broker says of itself when it registers: its id, its rack, and where it is reached, which is
 * known once its sockets are bound.
 * Source: KafkaServer.createBrokerInfo.
 */
import type { BrokerRegistration, RegisteredEndpoint } from '../../coordinator-client/znodes.ts';
import type { BrokerConfig } from '../config/broker-config.ts';
import { type BrokerInfo, PEER_LISTENER } from '../peers/messages.ts';
import type { BrokerId } from '../types.ts';

export interface Bound {
  /** Port by listener name. */
  readonly ports: ReadonlyMap<string, number>;
  readonly peerPort: number;
  /** What this machine is called by others, for listeners without a host. */
  readonly hostName: string;
}

/** The registration of this broker. */
export function ownRegistration(
  config: BrokerConfig,
  brokerId: BrokerId,
  bound: Bound,
  timestampMs: number,
): BrokerRegistration {
  return {
    id: brokerId,
    endpoints: endpoints(config, bound),
    rack: config.brokerRack,
    jmxPort: -1,
    timestampMs,
    features: new Map(),
  };
}

/** A registration as the rest of the broker knows it. */
export function brokerInfo(registration: BrokerRegistration, epoch: number): BrokerInfo {
  const { id, rack, endpoints } = registration;
  return { id, epoch, rack, endpoints };
}

function endpoints(config: BrokerConfig, bound: Bound): RegisteredEndpoint[] {
  const listeners = config.advertisedListeners.map(({ name, host, port, securityProtocol }) => ({
    listener: name,
    host: host === '' ? bound.hostName : host,
    port: port === 0 ? (bound.ports.get(name) ?? 0) : port,
    securityProtocol,
  }));
  const among = listeners.find(({ listener }) => listener === config.interBrokerListenerName);
  const peer = config.peerAdvertisedListener ?? config.peerListener;
  listeners.push({
    listener: PEER_LISTENER,
    host: peer.host === '' || peer.host === '0.0.0.0' ? (among?.host ?? bound.hostName) : peer.host,
    port: peer.port === 0 ? bound.peerPort : peer.port,
    securityProtocol: 'PLAINTEXT',
  });
  return listeners;
}
