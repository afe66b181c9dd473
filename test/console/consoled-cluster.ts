/** A cluster in this process, and a console that looks at it. */

import type { Coordinator } from '../../coordinator-client/coordinator.ts';
import { zookeeperSource } from '../../coordinator-client/zookeeper/zookeeper.ts';
import { AdminClient } from '../../scripts/cli/admin-client.ts';
import { EventFeed } from '../../scripts/console/event-feed.ts';
import { pageFiles } from '../../scripts/console/page-files.ts';
import { type ConsoleServer, serveConsole } from '../../scripts/console/server.ts';
import { WatchedCluster } from '../../scripts/console/watched-cluster.ts';
import { startCluster } from '../kit/cluster.ts';
import type { KitCluster } from '../kit/kit-cluster.ts';

const TIMEOUT_MS = 20_000;

export interface Console {
  readonly server: ConsoleServer;
  close(): Promise<void>;
}

export interface ConsoledCluster {
  readonly cluster: KitCluster;
  readonly console: ConsoleServer;
  close(): Promise<void>;
}

export async function startConsoled(allowChanges: boolean): Promise<ConsoledCluster> {
  const topics = [{ name: 'orders', partitions: 6 }];
  const properties = { 'zookeeper.session.timeout.ms': '1000' };
  const cluster = await startCluster({ brokers: 3, topics, zookeeperPort: 0, properties });
  const { server, close } = await startConsole(
    cluster.bootstrapServers,
    cluster.zookeeper ?? '',
    allowChanges,
  );
  return {
    cluster,
    console: server,
    async close() {
      await close();
      await cluster.close();
    },
  };
}

export async function startConsole(
  bootstrapServers: string,
  zookeeper: string,
  allowChanges: boolean,
): Promise<Console> {
  const coordinator = await session(zookeeper);
  const admin = new AdminClient(bootstrapServers, 'console', { patienceMs: 0, answerTimeoutMs: 2000 });
  const watched = new WatchedCluster({ admin, coordinator, nowMs: Date.now });
  const events = new EventFeed(admin);
  await watched.start();
  events.start();
  const server = await serveConsole(
    { watched, events, admin, coordinator },
    { host: '127.0.0.1', port: 0, allowChanges, files: await pageFiles() },
  );
  return {
    server,
    async close() {
      server.close();
      watched.stop();
      admin.close();
      await coordinator.close();
    },
  };
}

function session(connect: string): Promise<Coordinator> {
  return zookeeperSource({
    connect,
    sessionTimeoutMs: TIMEOUT_MS,
    connectionTimeoutMs: TIMEOUT_MS,
    maxInFlightRequests: 100,
  }).open(TIMEOUT_MS);
}
