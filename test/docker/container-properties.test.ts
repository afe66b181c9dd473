/** How a container's environment becomes properties. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { brokerConfig } from '../../broker/config/broker-config.ts';
import { environmentProperties, secretFromFile } from '../../scripts/docker/container-properties.ts';

function properties(environment: Record<string, string>): Record<string, string> {
  return Object.fromEntries(environmentProperties(environment));
}

describe("a container's environment", () => {
  it('names properties in capitals: _ is a dot, __ an underscore, ___ a dash', () => {
    expect(
      properties({
        KAFKA_NUM_PARTITIONS: '3',
        KAFKA_LISTENER_NAME_INTERNAL_SCRAM___SHA___256_SASL_JAAS_CONFIG: 'x',
        KAFKA_A__B_C: 'y',
      }),
    ).toEqual({
      'num.partitions': '3',
      'listener.name.internal.scram-sha-256.sasl.jaas.config': 'x',
      'a_b.c': 'y',
    });
  });

  it('may be spelled as Bitnami spells it', () => {
    expect(
      properties({ KAFKA_CFG_LOG_DIRS: '/d', KAFKA_CFG_A__B: 'y', ALLOW_PLAINTEXT_LISTENER: 'yes' }),
    ).toEqual({ 'log.dirs': '/d', a_b: 'y' });
  });

  it('says what to listen on by what is advertised, unless it says it itself', () => {
    const advertised = 'INTERNAL://broker:29092,EXTERNAL://[::1]:9092';
    expect(properties({ KAFKA_ADVERTISED_LISTENERS: advertised })).toEqual({
      'advertised.listeners': advertised,
      listeners: 'INTERNAL://0.0.0.0:29092,EXTERNAL://0.0.0.0:9092',
    });
    expect(properties({ KAFKA_ADVERTISED_LISTENERS: advertised, KAFKA_LISTENERS: 'A://:1' })).toMatchObject({
      listeners: 'A://:1',
    });
  });

  it.each([
    {
      KAFKA_BROKER_ID: '1',
      KAFKA_ZOOKEEPER_CONNECT: 'zookeeper:2181',
      KAFKA_ADVERTISED_LISTENERS: 'PLAINTEXT://broker:29092,PLAINTEXT_HOST://localhost:9092',
      KAFKA_LISTENER_SECURITY_PROTOCOL_MAP: 'PLAINTEXT:PLAINTEXT,PLAINTEXT_HOST:PLAINTEXT',
      KAFKA_INTER_BROKER_LISTENER_NAME: 'PLAINTEXT',
      KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR: '1',
      KAFKA_METRIC_REPORTERS: 'io.confluent.metrics.reporter.ConfluentMetricsReporter',
      KAFKA_CONFLUENT_LICENSE_TOPIC_REPLICATION_FACTOR: '1',
      KAFKA_JMX_PORT: '9101',
    },
    {
      KAFKA_CFG_ZOOKEEPER_CONNECT: 'zookeeper:2181',
      KAFKA_CFG_LISTENERS: 'CLIENT://:9092,EXTERNAL://:9093',
      KAFKA_CFG_ADVERTISED_LISTENERS: 'CLIENT://kafka:9092,EXTERNAL://localhost:9093',
      KAFKA_CFG_LISTENER_SECURITY_PROTOCOL_MAP: 'CLIENT:PLAINTEXT,EXTERNAL:PLAINTEXT',
      KAFKA_CFG_INTER_BROKER_LISTENER_NAME: 'CLIENT',
      KAFKA_ENABLE_KRAFT: 'no',
      KAFKA_HEAP_OPTS: '-Xmx1g',
    },
  ])('of compose files for other images of Kafka starts a broker (%#)', (environment) => {
    const { listeners, advertisedListeners } = brokerConfig(environmentProperties(environment));
    expect(listeners.length).toBe(2);
    expect(advertisedListeners.map(({ name }) => name)).toEqual(listeners.map(({ name }) => name));
  });

  it('keeps values as they are', () => {
    const listeners = 'INTERNAL://0.0.0.0:29092,EXTERNAL://0.0.0.0:9092';
    expect(properties({ KAFKA_LISTENERS: listeners, KAFKA_BROKER_RACK: '' })).toEqual({
      listeners,
      'broker.rack': '',
    });
  });

  it("holds other variables too: those of no property, and what Kafka's images take for their JVM", () => {
    expect(
      properties({ PATH: '/bin', KAFKA_HEAP_OPTS: '-Xmx1g', KAFKA_JMX_PORT: '9999', kafka_x: '1' }),
    ).toEqual({});
  });
});

describe('stores of certificates', () => {
  const secrets = mkdtempSync(join(tmpdir(), 'odradek-secrets-'));
  afterAll(() => rmSync(secrets, { recursive: true }));
  const environment = {
    KAFKA_SSL_KEYSTORE_FILENAME: 'broker.p12',
    KAFKA_SSL_KEYSTORE_CREDENTIALS: 'keystore_creds',
    KAFKA_SSL_KEY_CREDENTIALS: 'key_creds',
    KAFKA_SSL_TRUSTSTORE_FILENAME: 'trusted.p12',
    KAFKA_SSL_TRUSTSTORE_CREDENTIALS: 'truststore_creds',
  };
  const named = (more: Record<string, string> = {}) =>
    Object.fromEntries(environmentProperties({ ...environment, ...more }, secrets));

  it('and their passwords may be files in the directory of secrets; those of who is trusted, where clients are asked', () => {
    for (const name of ['keystore_creds', 'key_creds', 'truststore_creds'])
      writeFileSync(join(secrets, name), `${name} secret\n\n`);
    const own = {
      'ssl.keystore.location': join(secrets, 'broker.p12'),
      'ssl.keystore.password': 'keystore_creds secret',
      'ssl.key.password': 'key_creds secret',
    };
    expect(named({ KAFKA_SSL_KEYSTORE_LOCATION: '/elsewhere' })).toEqual(own);
    expect(named({ KAFKA_SSL_CLIENT_AUTH: 'requested' })).toEqual({
      ...own,
      'ssl.client.auth': 'requested',
      'ssl.truststore.location': join(secrets, 'trusted.p12'),
      'ssl.truststore.password': 'truststore_creds secret',
    });
  });

  it('whose password can not be read are told of by the variable', () => {
    expect(() => named({ KAFKA_SSL_KEY_CREDENTIALS: 'nowhere' })).toThrow(
      `KAFKA_SSL_KEY_CREDENTIALS: ENOENT: no such file or directory, open '${join(secrets, 'nowhere')}'`,
    );
  });
});

describe('the secret of a cluster of containers', () => {
  it('is the one in the file they share, made by the first, unless the properties name one', () => {
    const volume = mkdtempSync(join(tmpdir(), 'odradek-volume-'));
    const environment = { ODRADEK_PEER_SECRET_FILE: join(volume, 'peer.secret') };
    const secret = secretFromFile(environment, () => new Map([['peer.shared.secret', '']]));
    expect(secret).toMatch(/^[\w-]{43}$/);
    expect(secretFromFile(environment, () => new Map())).toBe(secret);
    expect(secretFromFile(environment, () => new Map([['peer.shared.secret', 'chosen']]))).toBeNull();
    expect(secretFromFile({}, () => new Map())).toBeNull();
    rmSync(volume, { recursive: true });
  });
});
