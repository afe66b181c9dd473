/** What a broker says of itself. */
import { describe, expect, it } from 'vitest';
import { brokerConfig } from '../../../broker/config/broker-config.ts';
import { ownRegistration, registrationProblem } from '../../../broker/metadata/registration.ts';

function registration(properties: Record<string, string>) {
  const config = brokerConfig(new Map([['zookeeper.connect', 'z:2181'], ...Object.entries(properties)]));
  const bound = { ports: new Map([['PLAINTEXT', 41_000]]), peerPort: 42_000, hostName: 'me.example.com' };
  return ownRegistration(config, 7, bound, 123);
}

describe('a broker’s registration', () => {
  it('names this machine and the ports that were bound where the config leaves them open', () => {
    expect(registration({ listeners: 'PLAINTEXT://:0', 'broker.rack': 'r1' })).toEqual({
      id: 7,
      rack: 'r1',
      jmxPort: -1,
      timestampMs: 123,
      features: new Map(),
      endpoints: [
        { listener: 'PLAINTEXT', host: 'me.example.com', port: 41_000, securityProtocol: 'PLAINTEXT' },
        { listener: 'PEER', host: 'me.example.com', port: 42_000, securityProtocol: 'PLAINTEXT' },
      ],
    });
  });

  it('prefers what is advertised; the peers’ host is that of the inter-broker listener', () => {
    const properties = {
      listeners: 'PLAINTEXT://0.0.0.0:9092',
      'advertised.listeners': 'PLAINTEXT://kafka-1:9092',
      'peer.listener': 'PEER://0.0.0.0:9190',
    };
    const reached = (more: Record<string, string>) =>
      registration({ ...properties, ...more }).endpoints.map(({ host, port }) => `${host}:${port}`);
    expect(reached({})).toEqual(['kafka-1:9092', 'kafka-1:9190']);
    expect(reached({ 'peer.advertised.listener': 'PEER://inner:1' })).toEqual(['kafka-1:9092', 'inner:1']);
  });
});

describe('a broker is refused', () => {
  const own = registration({ listeners: 'PLAINTEXT://h:9092' });
  const other = (id: number, ...endpoints: [string, string, number][]) => ({
    ...own,
    id,
    endpoints: endpoints.map(([listener, host, port]) => {
      return { listener, host, port, securityProtocol: 'PLAINTEXT' };
    }),
  });

  it('beside one that has registered an address of its own, which is named', () => {
    const peer: [string, string, number] = ['PEER', 'h', 1];
    expect(registrationProblem(own, [other(8, ['PLAINTEXT', 'h', 9093], peer)])).toBeNull();
    expect(registrationProblem(own, [other(8, ['OTHER', 'h', 9092], peer)])).toBe(
      'Configured end points h:9092 in advertised listeners are already registered by broker 8',
    );
    expect(registrationProblem(own, [other(8, ['PLAINTEXT', 'h', 9093], ['PEER', 'h', 42_000])])).toContain(
      'h:42000 in advertised listeners are already registered by broker 8',
    );
    // Its own registration of before is another matter.
    expect(registrationProblem(own, [own])).toBeNull();
  });

  it('beside Apache Kafka’s', () => {
    expect(registrationProblem(own, [other(8, ['PLAINTEXT', 'h', 9093])])).toMatch(
      /^Broker 8 of this cluster has registered no PEER endpoint/,
    );
  });
});
