/**
 * Where the brokers of a test cluster agree: a tree in this process, which ZooKeeper's clients may reach as
 * well and which may be kept in a directory, or an ensemble that somebody else runs.
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Clock } from '../../broker/platform/clock.ts';
import type { CoordinatorSource } from '../../coordinator-client/coordinator.ts';
import { type LocalSource, localSource } from '../../coordinator-client/local/local.ts';
import { LocalTree } from '../../coordinator-client/local/local-tree.ts';
import type { KitOptions } from './options.ts';

export interface Agreement {
  /** zookeeper.connect of the brokers, where somebody listens there; else null. */
  readonly connect: string | null;
  /** The tree, where it is in this process. */
  readonly tree: LocalTree | null;
  /** For one life of a broker. */
  source(life: SourceOptions): CoordinatorSource & Partial<LocalSource>;
  close(): Promise<void>;
}

interface SourceOptions {
  readonly clock: Clock;
  readonly sessionTimeoutMs: number;
  /** How much longer each way takes, at this moment. */
  readonly delayMs: () => number;
}

/** ZooKeeper's unit of time towards its clients over the wire. */
const TICK_MS = 100;
const MAX_SESSION_TIMEOUT_MS = 60_000;

export async function openAgreement(options: KitOptions): Promise<Agreement> {
  const { zookeeper, directory, zookeeperPort } = options;
  if (zookeeper !== undefined) return ensemble(zookeeper);
  if (directory === undefined && zookeeperPort === undefined) {
    return local(new LocalTree(), null, () => Promise.resolve());
  }
  const dataDir = directory === undefined ? null : join(directory, 'zookeeper');
  if (dataDir !== null) mkdirSync(dataDir, { recursive: true });
  // Loaded by those who ask for it: a cluster whose tree nobody else sees starts sooner without.
  const { startEmbeddedServer } = await import('../../coordinator-client/embedded/server.ts');
  const server = await startEmbeddedServer({
    host: '127.0.0.1',
    port: zookeeperPort ?? 0,
    tickMs: TICK_MS,
    maxSessionTimeoutMs: MAX_SESSION_TIMEOUT_MS,
    ...(dataDir === null ? {} : { dataDir }),
  });
  return local(new LocalTree(server.shared), `127.0.0.1:${server.port}`, () => server.close());
}

function local(tree: LocalTree, connect: string | null, close: () => Promise<void>): Agreement {
  return {
    connect,
    tree,
    source: ({ clock, sessionTimeoutMs, delayMs }) => localSource({ tree, clock, sessionTimeoutMs, delayMs }),
    close,
  };
}

async function ensemble(connect: string): Promise<Agreement> {
  const { zookeeperSource } = await import('../../coordinator-client/zookeeper/zookeeper.ts');
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
