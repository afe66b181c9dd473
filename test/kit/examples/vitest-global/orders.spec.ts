/** A test that finds the cluster which the run has. */
import { Kafka, logLevel } from 'kafkajs';
import { expect, it } from 'vitest';
import { remoteCluster } from '../../cluster.ts'; // in your project: 'odradek/testkit'

it('finds brokers, and the commands of the kit', async () => {
  const brokers = process.env['ODRADEK_BOOTSTRAP_SERVERS']?.split(',') ?? [];
  const admin = new Kafka({ brokers, logLevel: logLevel.NOTHING }).admin();
  await admin.connect();
  expect((await admin.describeCluster()).brokers).toHaveLength(3);
  await admin.disconnect();
  const cluster = remoteCluster();
  expect(await cluster.state(1)).toBe('running');
});
