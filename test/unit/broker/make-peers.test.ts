/** Where the peer endpoint is bound. */
import { expect, it } from 'vitest';
import { brokerConfig } from '../../../broker/config/broker-config.ts';
import { peerEndpoint } from '../../../broker/node/make-peers.ts';

it.each([
  ['with the inter-broker listener', { listeners: 'PLAINTEXT://127.0.0.1:9092' }, '127.0.0.1:0'],
  ['on every interface when that is', { listeners: 'PLAINTEXT://:9092' }, ':0'],
  [
    'with the one of several that brokers use',
    {
      listeners: 'OUT://0.0.0.0:9092,IN://10.0.0.1:9093',
      'listener.security.protocol.map': 'OUT:PLAINTEXT,IN:PLAINTEXT',
      'inter.broker.listener.name': 'IN',
      'advertised.listeners': 'OUT://broker:9092,IN://10.0.0.1:9093',
      'peer.listener': 'PEER://:9190',
    },
    '10.0.0.1:9190',
  ],
  [
    'where it is told',
    { listeners: 'PLAINTEXT://127.0.0.1:9092', 'peer.listener': 'PEER://0.0.0.0:1' },
    '0.0.0.0:1',
  ],
])('the peer endpoint is bound %s', (_where, properties, bound) => {
  const given = { 'zookeeper.connect': 'localhost:2181', ...properties };
  const { host, port } = peerEndpoint(brokerConfig(new Map(Object.entries(given))));
  expect(`${host}:${port}`).toBe(bound);
});
