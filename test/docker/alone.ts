/** The tests of one container alone, and of Testcontainers' module that starts one; a part of docker.test.ts, for the image is built once. */
import { rmSync } from 'node:fs';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { BROKER_IMAGE, docker, LABEL, RUN } from './docker-host.ts';
import {
  moduleLacks,
  secretsDirectory,
  throughModule,
  throughSecureModule,
  zookeeperContainer,
} from './modules.ts';

/** `isThere`: whether the image is. */
export function describeAlone(isThere: () => boolean): void {
  describe('one container alone', () => {
    let id: string;

    beforeAll(async () => {
      if (!isThere()) return;
      const settings = ['-e', 'CLUSTER_ID=4L6g3nShT-eMCtK--X86sw', '-p', '9092'];
      id = await docker('run', '-d', '--label', `${LABEL}=${RUN}`, ...settings, BROKER_IMAGE);
      await eventually(
        'it serves',
        async () => (await docker('logs', id)).includes('[KafkaServer id=1] started'),
        60_000,
      );
    }, 90_000);

    it('is a cluster with the id that it was given, and says that it brings the coordination along', async () => {
      const log = await docker('logs', id);
      expect(log).toContain('Cluster ID = 4L6g3nShT-eMCtK--X86sw');
      expect(log).toContain(
        'no ZooKeeper is named: a cluster of one node, with the coordination in this process',
      );
      expect(await docker('exec', id, 'odradek', 'zk', 'ls', '/brokers/ids')).toBe('1');
    });

    it("has Kafka's commands, under both of their names", async () => {
      const at = ['--bootstrap-server', 'localhost:9092'];
      const created = await docker(
        'exec',
        id,
        'kafka-topics',
        ...at,
        '--create',
        '--topic',
        'a',
        '--partitions',
        '2',
      );
      expect(created).toBe('Created topic a.');
      expect(await docker('exec', id, '/opt/kafka/bin/kafka-topics.sh', ...at, '--list')).toBe('a');
      const change = [
        '--alter',
        '--entity-type',
        'topics',
        '--entity-name',
        'a',
        '--add-config',
        'retention.ms=1000',
      ];
      await docker('exec', id, 'kafka-configs', ...at, ...change);
      const configs = await docker('exec', id, 'kafka-configs', ...at, '--describe', '--topic', 'a');
      expect(configs).toContain('  retention.ms=1000 sensitive=false');
      const versions = await docker('exec', id, 'kafka-broker-api-versions', ...at);
      expect(versions).toContain(
        'localhost:9092 (id: 1 rack: null) -> (\n\tProduce(0): 0 to 11 [usable: 11],',
      );
      await docker(
        'exec',
        id,
        'sh',
        '-c',
        'echo hello | kafka-console-producer --topic a --broker-list localhost:9092',
      );
      const read = ['--topic', 'a', '--from-beginning', '--max-messages', '1'];
      expect(await docker('exec', id, 'kafka-console-consumer', ...at, ...read)).toBe('hello');
    }, 90_000);

    it('refuses a command and a flag that it has not, in one line', async () => {
      const refused = async (...words: string[]) =>
        docker('exec', id, ...words).then(
          () => 'taken',
          (error: { code: number; stderr: string }) => `${error.code} ${error.stderr.trim()}`,
        );
      expect(await refused('kafka-features', 'describe')).toMatch(
        /^2 kafka-features: not in this image;[^\n]*$/,
      );
      expect(await refused('kafka-topics', '--list', '--partition-size-limit-per-response')).toBe(
        "2 kafka-topics: Unknown option '--partition-size-limit-per-response'",
      );
    });

    it('comes back with what it had', async () => {
      await docker('restart', id);
      await eventually(
        'it serves again',
        async () => (await docker('logs', id)).split('[KafkaServer id=1] started').length === 3,
        60_000,
      );
      const topics = await docker('exec', id, 'kafka-topics', '--list');
      expect(topics.split('\n')).toContain('a');
    }, 90_000);

    it('takes its key store, passwords and logins from files of secrets, and is healthy with them', async () => {
      const of = (...settings: string[]) => settings.flatMap((setting) => ['-e', `KAFKA_${setting}`]);
      const secured = await docker(
        ...['create', '--label', `${LABEL}=${RUN}`, '--health-interval', '1s'],
        ...of('LISTENERS=SASL_SSL://:9092', 'ADVERTISED_LISTENERS=SASL_SSL://localhost:9092'),
        ...of('INTER_BROKER_LISTENER_NAME=SASL_SSL', 'SASL_ENABLED_MECHANISMS=PLAIN'),
        ...of('SSL_KEYSTORE_FILENAME=key.p12', 'SSL_KEYSTORE_CREDENTIALS=creds', 'SSL_KEY_CREDENTIALS=creds'),
        ...of('OPTS=-Djava.security.auth.login.config=/etc/kafka/secrets/jaas.conf'),
        BROKER_IMAGE,
      );
      const secrets = secretsDirectory();
      await docker('cp', `${secrets}/.`, `${secured}:/etc/kafka/secrets`);
      rmSync(secrets, { recursive: true });
      await docker('start', secured);
      await eventually(
        'it is healthy',
        async () => (await docker('inspect', '-f', '{{.State.Health.Status}}', secured)) === 'healthy',
        60_000,
      );
      await docker('rm', '-f', '-v', secured);
    }, 90_000);

    it('can be no node of a quorum of several, and says so', async () => {
      const settings = [
        'KAFKA_PROCESS_ROLES=broker,controller',
        'KAFKA_CONTROLLER_QUORUM_VOTERS=1@a:9093,2@b:9093',
      ];
      const words = settings.flatMap((setting) => ['-e', setting]);
      const label = ['--label', `${LABEL}=${RUN}`];
      await expect(docker('run', '--rm', ...label, ...words, BROKER_IMAGE)).rejects.toMatchObject({
        code: 2,
        stderr: expect.stringContaining('KAFKA_CONTROLLER_QUORUM_VOTERS names 2 nodes'),
      });
    });
  });

  describe("Testcontainers' module for Kafka, as it is", () => {
    beforeEach(({ skip }) => {
      const moduleIsMissing = moduleLacks();
      if (moduleIsMissing !== null) console.log(`skipped: Testcontainers' module: ${moduleIsMissing}`);
      skip(moduleIsMissing !== null);
    }, 150_000);

    it('starts the image with a ZooKeeper beside it', async () => {
      expect(await throughModule((container) => container)).toBe('hello');
    }, 90_000);

    it('starts it with KRaft settings', async () => {
      expect(await throughModule((container) => container.withKraft())).toBe('hello');
    }, 90_000);

    it('has a listener with TLS and a login, whose user it makes when the broker serves', async () => {
      expect(await throughSecureModule((container) => container)).toBe('hello');
    }, 90_000);

    it('has that with KRaft settings too, whose user it makes before', async () => {
      expect(await throughSecureModule((container) => container.withKraft())).toBe('hello');
    }, 90_000);

    it('starts it with a ZooKeeper elsewhere', async () => {
      const { host, port } = await zookeeperContainer();
      expect(await throughModule((container) => container.withZooKeeper(host, port))).toBe('hello');
    }, 90_000);
  });
}
