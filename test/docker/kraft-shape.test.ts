/** What a container is to be, from the settings it is given: those of Kafka's images for KRaft, or none. */
import { describe, expect, it } from 'vitest';
import { shapeOf } from '../../scripts/docker/kraft-shape.ts';

const FILE = new Map([
  ['listeners', 'PLAINTEXT://0.0.0.0:9092'],
  ['log.dirs', '/var/lib/odradek/data'],
]);
const KRAFT = {
  'process.roles': 'broker,controller',
  'node.id': '7',
  'controller.quorum.voters': '7@localhost:9094',
  'controller.listener.names': 'CONTROLLER',
  listeners: 'PLAINTEXT://:9092,BROKER://:9093,CONTROLLER://:9094',
  'advertised.listeners': 'PLAINTEXT://localhost:32768,BROKER://host:9093',
  'listener.security.protocol.map': 'BROKER:PLAINTEXT,PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT',
};

function shape(given: Record<string, string>) {
  return shapeOf(new Map(Object.entries(given)), FILE);
}

describe('a container', () => {
  it('of which a ZooKeeper is named is a broker of that cluster', () => {
    const { isEmbedded, properties } = shape({
      'zookeeper.connect': 'zookeeper:2181',
      'num.partitions': '3',
    });
    expect(isEmbedded).toBe(false);
    expect(Object.fromEntries(properties)).toEqual({
      ...Object.fromEntries(FILE),
      'zookeeper.connect': 'zookeeper:2181',
      'num.partitions': '3',
    });
  });

  it('of which nothing is said is a cluster of one node, reached at localhost:9092', () => {
    const { isEmbedded, isKraft, properties } = shape({});
    expect([isEmbedded, isKraft]).toEqual([true, false]);
    expect(properties.get('advertised.listeners')).toBe('PLAINTEXT://localhost:9092');
    expect(properties.get('offsets.topic.replication.factor')).toBe('1');
  });

  it('with listeners of its own advertises those', () => {
    const { properties } = shape({ listeners: 'PLAINTEXT://0.0.0.0:1234' });
    expect(properties.get('listeners')).toBe('PLAINTEXT://0.0.0.0:1234');
    expect(properties.has('advertised.listeners')).toBe(false);
  });

  it('with the settings of a KRaft node is that broker, without the listener of the controller', () => {
    const { isEmbedded, isKraft, properties, problem } = shape(KRAFT);
    expect([isEmbedded, isKraft, problem]).toEqual([true, true, null]);
    expect(properties.get('broker.id')).toBe('7');
    expect(properties.get('listeners')).toBe('PLAINTEXT://:9092,BROKER://:9093');
    expect(properties.get('advertised.listeners')).toBe(KRAFT['advertised.listeners']);
    expect(properties.get('listener.security.protocol.map')).toBe('BROKER:PLAINTEXT,PLAINTEXT:PLAINTEXT');
    expect([...properties.keys()].filter((key) => /^(process|controller|node)\./.test(key))).toEqual([]);
  });

  it('that would be one of several KRaft nodes is refused', () => {
    const voters = { ...KRAFT, 'controller.quorum.voters': '1@a:9094,2@b:9094,3@c:9094' };
    expect(shape(voters).problem).toContain('names 3 nodes');
    expect(shape({ ...KRAFT, 'process.roles': 'controller' }).problem).toContain(
      'KAFKA_PROCESS_ROLES=controller',
    );
  });
});
