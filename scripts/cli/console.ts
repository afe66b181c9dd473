/** `odradek console`: a page in the browser that shows a cluster as it lives. */
import type { Coordinator } from '../../coordinator-client/coordinator.ts';
import { zookeeperSource } from '../../coordinator-client/zookeeper/zookeeper.ts';
import { EventFeed } from '../console/event-feed.ts';
import { pageFiles } from '../console/page-files.ts';
import { serveConsole } from '../console/server.ts';
import { WatchedCluster } from '../console/watched-cluster.ts';
import { type AdminClient, adminClient } from './admin-client.ts';
import type { Arguments, CommandSpec } from './arguments.ts';
import { clientOptions } from './bootstrap.ts';
import { resourceConfigs } from './configs/resource-configs.ts';
import { print } from './output.ts';

const DEFAULT_PORT = 8090;
const SESSION_TIMEOUT_MS = 10_000;
const CONNECT_TIMEOUT_MS = 3000;
/** A broker that does not answer in that time is left out of this look. */
const WAITS = { patienceMs: 0, answerTimeoutMs: 2000 };

export const consoleCommand: CommandSpec = {
  name: 'console',
  summary: 'Shows a cluster in the browser, live: brokers, partitions, groups, records, znodes.',
  options: [
    ...clientOptions,
    {
      name: 'zookeeper',
      value: 'HOST:PORT,…',
      help: "the ensemble; unless given, the one that the brokers' configuration names",
    },
    { name: 'host', value: 'ADDRESS', help: 'where it listens', fallback: '127.0.0.1' },
    {
      name: 'port',
      value: 'PORT',
      kind: 'integer',
      min: 0,
      max: 65_535,
      help: 'where it listens; 0: any that is free',
      fallback: String(DEFAULT_PORT),
    },
    { name: 'allow-changes', help: 'leaders may be elected and partitions moved from the page' },
  ],
  notes: 'Without --allow-changes it only shows. Apache Kafka in ZooKeeper mode can be looked at as well.',
  outlivesOutput: true,
  run,
};

async function run(given: Arguments): Promise<number> {
  const admin = await adminClient(given, WAITS, 'odradek-console');
  const coordinator = await openCoordinator(admin, given.text('zookeeper'));
  const watched = new WatchedCluster({ admin, coordinator, nowMs: Date.now });
  const events = new EventFeed(admin);
  const [files] = await Promise.all([pageFiles(), watched.start()]);
  events.start();
  const server = await serveConsole(
    { watched, events, admin, coordinator },
    {
      host: given.needText('host'),
      port: given.needInteger('port'),
      allowChanges: given.flag('allow-changes'),
      files,
    },
  );
  await print(`console at ${server.url}; Ctrl-C ends it`);
  await interrupted();
  server.close();
  watched.stop();
  admin.close();
  await coordinator?.close();
  return 0;
}

/** Null, with a line that says why, where it can't be reached: then everything else is shown. */
async function openCoordinator(admin: AdminClient, named: string | null): Promise<Coordinator | null> {
  const connect = named ?? (await configuredEnsemble(admin));
  const source = zookeeperSource({
    connect,
    sessionTimeoutMs: SESSION_TIMEOUT_MS,
    connectionTimeoutMs: CONNECT_TIMEOUT_MS,
    maxInFlightRequests: 100,
    log: () => {},
  });
  try {
    return await source.open(CONNECT_TIMEOUT_MS);
  } catch (error) {
    if (named !== null) throw new Error(`no ZooKeeper answered at ${named}`, { cause: error });
    await print(
      `no ZooKeeper answered at ${connect}: znodes and sessions are not shown (--zookeeper HOST:PORT)`,
    );
    return null;
  }
}

async function configuredEnsemble(admin: AdminClient): Promise<string> {
  const { brokers } = await admin.metadata([]);
  const id = String(brokers[0]?.nodeId ?? '');
  const configs = await resourceConfigs(admin, { type: 'brokers', name: id });
  return configs.find(({ name }) => name === 'zookeeper.connect')?.value ?? '';
}

function interrupted(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => resolve());
  });
}
