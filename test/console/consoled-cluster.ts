/** A cluster in this process, and a console that looks at it. */

import { tmpdir } from 'node:os';
import type { Coordinator } from '../../coordinator-client/coordinator.ts';
import { zookeeperSource } from '../../coordinator-client/zookeeper/zookeeper.ts';
import { AdminClient } from '../../scripts/cli/admin-client.ts';
import { ValueReader } from '../../scripts/console/avro/value-reader.ts';
import { openDoor } from '../../scripts/console/door.ts';
import { DrillDesk } from '../../scripts/console/drill-desk.ts';
import { EventFeed } from '../../scripts/console/event-feed.ts';
import { pageFiles } from '../../scripts/console/page-files.ts';
import { openReader } from '../../scripts/console/reader.ts';
import { MOST_ENTRIES } from '../../scripts/console/recorder.ts';
import { type ConsoleServer, serveConsole } from '../../scripts/console/server.ts';
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

/** `drillsOut`: where the reports of drills go. */
export async function startConsoled(allowChanges: boolean, drillsOut?: string): Promise<ConsoledCluster> {
  const topics = [{ name: 'orders', partitions: 6 }];
  const properties = { 'zookeeper.session.timeout.ms': '1000' };
  const cluster = await startCluster({ brokers: 3, topics, zookeeperPort: 0, properties });
  const { server, close } = await startConsole(
    cluster.bootstrapServers,
    cluster.zookeeper ?? '',
    allowChanges,
    drillsOut,
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
  drillsOut = tmpdir(),
): Promise<Console> {
  const coordinator = await session(zookeeper);
  const admin = new AdminClient(bootstrapServers, 'console', { patienceMs: 0, answerTimeoutMs: 20_000 });
  const events = new EventFeed(admin);
  const drills = new DrillDesk({ out: drillsOut, nowMs: Date.now });
  const values = new ValueReader(null);
  const common = { drills, values, events, coordinator, mostEntries: MOST_ENTRIES, nowMs: Date.now };
  const door = openDoor(await openReader(common, admin, null));
  events.start();
  const server = await serveConsole(door, {
    host: '127.0.0.1',
    port: 0,
    allowChanges,
    tls: null,
    files: await pageFiles(),
  });
  return {
    server,
    async close() {
      server.close();
      door.close();
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
