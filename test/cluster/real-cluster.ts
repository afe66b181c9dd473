/**
 * Clusters of real processes for tests: on a real ensemble where this machine has one, else on the
 * embedded server, and it says which. Short session timeouts keep the tests short.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { EventKind, EventOf } from '../../broker/platform/cluster-events.ts';
import { LocalCluster } from '../../scripts/cluster/local-cluster.ts';
import { type Ensemble, ensembleLacks, startEnsemble } from '../support/ensemble.ts';
import { eventually } from '../support/eventually.ts';

/** As long as a server that is cut off may go on: `syncLimit` ticks. */
export const SESSION_TIMEOUT_MS = 4000;
const TICK_MS = 500;
const EVENT_TIMEOUT_MS = 60_000;
/** Who has not answered by then does not. */
export const SILENCE_MS = 5000;

export interface RealCluster {
  readonly cluster: LocalCluster;
  /** null: on the embedded server. */
  readonly ensemble: Ensemble | null;
  logOf(brokerId: number): string;
  /** Resolves with the first event of this kind that the broker records after one (a lastId of its events). */
  event<Kind extends EventKind>(brokerId: number, kind: Kind, afterId?: number): Promise<EventOf<Kind>>;
  health(brokerId: number): Promise<{ healthy: boolean; controllerId: number; isController: boolean } | null>;
  metric(brokerId: number, name: string): Promise<number>;
  /** Several metrics at one moment. */
  metrics(brokerId: number): Promise<(name: string) => number>;
  close(): Promise<void>;
}

export async function startRealCluster(options: {
  brokers: number;
  properties?: Record<string, string>;
  /** For what has nothing to do with the coordinator: the embedded server, wherever this runs. */
  embedded?: boolean;
  /** For each of its processes to serve. */
  startTimeoutMs?: number;
}): Promise<RealCluster> {
  const lacks = options.embedded === true ? 'not wanted' : ensembleLacks();
  if (lacks !== null && options.embedded !== true)
    console.warn(`no real ZooKeeper ensemble (${lacks}): this suite runs on the embedded server`);
  const ensemble = lacks === null ? await startEnsemble({ nodes: 3, tickMs: TICK_MS }) : null;
  const directory = mkdtempSync(join(tmpdir(), 'odradek-cluster-'));
  let cluster: LocalCluster;
  try {
    cluster = await LocalCluster.start({
      brokers: options.brokers,
      basePort: 0,
      directory,
      zookeeper: ensemble?.connect ?? null,
      zookeeperPort: 0,
      sessionTimeoutMs: SESSION_TIMEOUT_MS,
      ...(options.startTimeoutMs === undefined ? {} : { startTimeoutMs: options.startTimeoutMs }),
      properties: { 'group.initial.rebalance.delay.ms': '0', ...options.properties },
    });
  } catch (error) {
    await ensemble?.close();
    throw error;
  }
  const metrics = async (brokerId: number) => {
    const lines = ((await get(cluster.broker(brokerId).peerPort, '/metrics')) ?? '').split('\n');
    return (name: string): number => {
      const line = lines.find((each) => each.startsWith(`${name} `) || each.startsWith(`${name}{`));
      return line === undefined ? Number.NaN : Number(line.split(' ').at(-1));
    };
  };
  const logOf = (brokerId: number): string =>
    readFileSync(join(cluster.broker(brokerId).directory, 'server.log'), 'utf8');
  return {
    cluster,
    ensemble,
    logOf,
    async event(brokerId, kind, afterId = 0) {
      const { events } = cluster.broker(brokerId).child;
      const { event } = await events.first(kind, () => true, { afterId, timeoutMs: EVENT_TIMEOUT_MS });
      return event;
    },
    async health(brokerId) {
      const page = await get(cluster.broker(brokerId).peerPort, '/healthz');
      return page === null ? null : JSON.parse(page);
    },
    metric: async (brokerId, name) => (await metrics(brokerId))(name),
    metrics,
    async close() {
      await cluster.abandon();
      await ensemble?.close();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

async function get(port: number, path: string): Promise<string | null> {
  try {
    const response = await fetch(`http://127.0.0.1:${port}${path}`, {
      signal: AbortSignal.timeout(SILENCE_MS),
    });
    return await response.text();
  } catch {
    return null;
  }
}

/** Who is the controller, by asking the brokers; waits until one says so. */
export async function activeController(real: RealCluster, except = -1): Promise<number> {
  let found = -1;
  await eventually('some broker is the controller', async () => {
    for (const { id, child } of real.cluster.brokers) {
      if (id === except || child.ended !== null) continue;
      if ((await real.health(id))?.isController === true) found = id;
    }
    return found !== -1;
  });
  return found;
}
