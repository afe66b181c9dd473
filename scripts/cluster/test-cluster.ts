/**
 * `odradek cluster --json`: the test kit's cluster, for programs that are not in Node. All of it is in this
 * process; one line of JSON says that it is ready and where, and the kit's commands are asked for over HTTP.
 */
import { type KitOptions, startCluster } from '../../test/kit/cluster.ts';
import { serveKit } from '../../test/kit/http/server.ts';
import { type Arguments, UsageError } from '../cli/arguments.ts';
import { print } from '../cli/output.ts';
import { overrides } from './cluster-options.ts';
import { untilSignalled } from './ending.ts';
import { untilParentIsGone } from './parent.ts';

/** Resolves with the exit status, when nothing of the cluster is left. */
export async function runTestCluster(given: Arguments): Promise<number> {
  const ended = Promise.race([
    untilSignalled(),
    ...(given.flag('exit-with-parent') ? [untilParentIsGone()] : []),
  ]);
  const cluster = await startCluster(optionsOf(given));
  try {
    const server = await serveKit(cluster, given.needInteger('admin-port'));
    try {
      const { bootstrapServers, zookeeper } = cluster;
      await print(JSON.stringify({ bootstrapServers, zookeeper, adminUrl: server.url, pid: process.pid }));
      await ended;
    } finally {
      server.close();
    }
  } finally {
    await cluster.close();
  }
  return 0;
}

function optionsOf(given: Arguments): KitOptions {
  const brokers = given.needInteger('brokers');
  const basePort = given.integer('base-port') ?? 0;
  const zookeeper = given.text('zookeeper');
  const directory = given.text('data-dir');
  return {
    brokers,
    topics: given.all('topic').map(topicOf),
    properties: {
      'zookeeper.session.timeout.ms': given.needText('session-timeout-ms'),
      ...overrides(given.all('override')),
    },
    virtualTime: given.flag('virtual-time'),
    ...(zookeeper === null ? { zookeeperPort: given.needInteger('zookeeper-port') } : { zookeeper }),
    ...(basePort === 0 ? {} : { ports: Array.from({ length: brokers }, (_, index) => basePort + index) }),
    ...(directory === null ? {} : { directory }),
  };
}

function topicOf(word: string): { name: string; partitions: number } {
  const found = /^([^:]+)(?::(\d+))?$/.exec(word);
  if (found?.[1] === undefined) throw new UsageError(`--topic takes NAME or NAME:PARTITIONS, not '${word}'`);
  return { name: found[1], partitions: Number(found[2] ?? 1) };
}
