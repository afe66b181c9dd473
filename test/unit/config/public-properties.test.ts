/**
 * What people start Kafka with: the properties that its distribution, Confluent's and Bitnami's come
 * with, and the small liberties that Kafka's parser allows. None of it may stop a broker.
 */
import { describe, expect, it } from 'vitest';
import { type BrokerConfig, brokerConfig } from '../../../broker/config/broker-config.ts';
import { parseProperties } from '../../../broker/config/java-properties.ts';
import { validateTopicOverrides } from '../../../broker/config/topic-config.ts';
import { PUBLIC_PROPERTIES } from './public-properties.ts';

function read(text: string): BrokerConfig {
  const properties = parseProperties(text);
  return brokerConfig(new Map([['zookeeper.connect', 'localhost:2181'], ...properties]));
}

describe('a broker is configured by', () => {
  it.each(Object.entries(PUBLIC_PROPERTIES))("%s's server.properties", (_, text) => {
    expect(read(text).listeners.length).toBeGreaterThan(0);
  });

  it('properties of a Kafka that is not a broker with ZooKeeper, once they are left empty', () => {
    expect(read('process.roles=\nauthorizer.class.name=\nearly.start.listeners=').brokerId).toBe(-1);
  });
});

describe('Kafka takes, and so do we:', () => {
  it('commas too many in lists of listeners, protocols, directories and addresses', () => {
    const { listeners, advertisedListeners, logDirs, maxConnectionsPerIpOverrides } = read(`
listeners=A://:9092,,B://:9093,
advertised.listeners=A://h:9092, ,B://h:9093,
listener.security.protocol.map=A:PLAINTEXT,B:PLAINTEXT,
inter.broker.listener.name=A
log.dirs=,/one,,/two,
max.connections.per.ip.overrides=127.0.0.1:5,`);
    expect(listeners.map(({ name }) => name)).toEqual(['A', 'B']);
    expect(advertisedListeners.map(({ port }) => port)).toEqual([9092, 9093]);
    expect(logDirs).toEqual(['/one', '/two']);
    expect([...maxConnectionsPerIpOverrides]).toEqual([['127.0.0.1', 5]]);
  });

  it('a listener whose protocol is named twice, and the last one counts', () => {
    const map = 'listener.security.protocol.map=PLAINTEXT:SSL,PLAINTEXT:PLAINTEXT';
    expect(read(map).listeners[0]?.securityProtocol).toBe('PLAINTEXT');
  });

  it('an IPv6 address without brackets', () => {
    expect(read('listeners=PLAINTEXT://::1:9092').listeners[0]).toMatchObject({ host: '::1', port: 9092 });
  });

  it('a listener of the controller, which serves clients here', () => {
    const { listeners, interBrokerListenerName } = read(`
listeners=PLAINTEXT://h:9092,CONTROLLER://h:9094
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
control.plane.listener.name=controller`);
    expect([listeners.length, interBrokerListenerName]).toEqual([2, 'PLAINTEXT']);
  });

  it('session timeouts that exclude each other, and no connection from an address', () => {
    expect(read('group.min.session.timeout.ms=9\ngroup.max.session.timeout.ms=8').brokerId).toBe(-1);
    const { maxConnectionsPerIpOverrides } = read('max.connections.per.ip.overrides=::1:-1');
    expect([...maxConnectionsPerIpOverrides]).toEqual([['::1', -1]]);
  });

  it.each([
    { 'local.retention.ms': '86400000', 'retention.ms': '3600000' },
    { 'local.retention.bytes': '2000000', 'retention.bytes': '1000000' },
    { 'local.retention.ms': '-1', 'retention.bytes': '-5' },
    { 'leader.replication.throttled.replicas': '0:1,' },
  ])('a topic with %o', (overrides) => {
    expect(validateTopicOverrides(new Map(Object.entries(overrides)))).toBeNull();
  });
});
