/**
 * Where the brokers of a test cluster agree when ZooKeeper's clients, or its files, have a part in it: the
 * tree of this process, served and kept by the embedded server, or an ensemble that somebody else runs.
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { startEmbeddedServer } from '../../coordinator-client/embedded/server.ts';
import { zookeeperSource } from '../../coordinator-client/zookeeper/zookeeper.ts';
import { type Agreement, inProcess } from './agreement.ts';
import type { KitOptions } from './options.ts';

/** ZooKeeper's unit of time towards its clients over the wire. */
const TICK_MS = 100;
const MAX_SESSION_TIMEOUT_MS = 60_000;

/** Kept in the directory that is named, shown to others at a port. */
export async function servedTree({ directory, zookeeperPort }: KitOptions): Promise<Agreement> {
  const dataDir = directory === undefined ? null : join(directory, 'zookeeper');
  if (dataDir !== null) mkdirSync(dataDir, { recursive: true });
  const server = await startEmbeddedServer({
    host: '127.0.0.1',
    port: zookeeperPort ?? 0,
    tickMs: TICK_MS,
    maxSessionTimeoutMs: MAX_SESSION_TIMEOUT_MS,
    ...(dataDir === null ? {} : { dataDir }),
  });
  return inProcess({
    shared: server.shared,
    connect: `127.0.0.1:${server.port}`,
    close: () => server.close(),
  });
}

export function ensemble(connect: string): Agreement {
  return {
    connect,
    tree: null,
    source: ({ sessionTimeoutMs }) =>
      zookeeperSource({
        connect,
        sessionTimeoutMs,
        connectionTimeoutMs: sessionTimeoutMs,
        maxInFlightRequests: 10,
      }),
    close: () => Promise.resolve(),
  };
}
