/**
 * What a broker says of itself when it registers: its id, its rack, and where it is reached, which is
 * known once its sockets are bound; and beside whom it may.
 * Source: KafkaServer.createBrokerInfo.
 */
import type { BrokerRegistration, RegisteredEndpoint } from '../../coordinator-client/znodes/znodes.ts';
import { PEER_LISTENER } from '../cluster.ts';
import type { FixedConfig } from '../config/broker-config.ts';
import { peerTlsListener } from '../config/peer-protocol.ts';
import type { BrokerId } from '../types.ts';

interface Bound {
  /** Port by listener name. */
  readonly ports: ReadonlyMap<string, number>;
  readonly peerPort: number;
  /** What this machine is called by others, for listeners without a host. */
  readonly hostName: string;
}

/** The registration of this broker. */
export function ownRegistration(
  config: FixedConfig,
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

/** Whether it is a broker of this kind: Apache Kafka's registers no endpoint for peers. */
export function isPeer({ endpoints }: Pick<BrokerRegistration, 'endpoints'>): boolean {
  return endpoints.some(({ listener }) => listener === PEER_LISTENER);
}

/** Why a broker can't register beside these; null when it can. */
export function registrationProblem(
  own: BrokerRegistration,
  registered: readonly BrokerRegistration[],
): string | null {
  const reachedAt = new Set(own.endpoints.map(hostAndPort));
  for (const other of registered) {
    if (other.id === own.id) continue;
    if (!isPeer(other)) {
      return `Broker ${other.id} of this cluster has registered no ${PEER_LISTENER} endpoint, so it is another kind of broker, such as Apache Kafka's: partitions can't be replicated between the two. Stop it first; after a kill its registration lasts as long as its session`;
    }
    const common = other.endpoints.map(hostAndPort).filter((address) => reachedAt.has(address));
    if (common.length > 0) {
      return `Configured end points ${common.join(',')} in advertised listeners are already registered by broker ${other.id}`;
    }
  }
  return null;
}

function hostAndPort({ host, port }: RegisteredEndpoint): string {
  return `${host}:${port}`;
}

function endpoints(config: FixedConfig, bound: Bound): RegisteredEndpoint[] {
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
    securityProtocol: peerTlsListener(config) === null ? 'PLAINTEXT' : 'SSL',
  });
  return listeners;
}
