/**
 * `odradek/testkit`: a replicating Kafka cluster inside your own test process, in a fraction of a
 * second. Brokers, controller, replication and logs are the real ones; only the ZooKeeper tree lives in
 * this process too, unless you name an ensemble. Any Kafka client can connect.
 *
 *     const cluster = await startCluster({ brokers: 3, topics: ['t'] });
 *     … new Kafka({ brokers: cluster.bootstrapServers.split(',') }) …
 *     await cluster.close();
 *
 * What there is to be done with it: kit-cluster.ts.
 */
import {
  faultAbilities,
  lifeAbilities,
  pictureAbilities,
  recordAbilities,
  startAll,
  waitAbilities,
} from './abilities.ts';
import { createTopics } from './administration.ts';
import { bootstrapServers, closedForNode, type Ground, makeGround } from './ground.ts';
import { commandsAt, type RemoteCluster } from './http/client.ts';
import { type BrokerFaults, faultsAt } from './http/fault-client.ts';
import type { KitCluster } from './kit-cluster.ts';
import { checkOptions, type KitOptions } from './options.ts';
import { plainly } from './plain-errors.ts';
import { ClusterClosed } from './waits.ts';

/** Where the workers of a run find its cluster; they inherit it. */
export const ADMIN_URL_VARIABLE = 'ODRADEK_ADMIN_URL';

export type { AclRule } from './acl-rules.ts';
export type { RemoteCluster } from './http/client.ts';
export type { BrokerFaults, HeldFaults, RemoteFault } from './http/fault-client.ts';
export type { BrokerInside, KitBroker } from './kit-broker.ts';
export type { KitCluster } from './kit-cluster.ts';
export type { KitOptions, TopicOptions } from './options.ts';
export type { KitSecurity } from './security.ts';
export type { SecurityOptions } from './security-options.ts';

/** Resolves when every broker serves and knows all the others. Rejects, with nothing left, when that can't be. */
export async function startCluster(options: KitOptions = {}): Promise<KitCluster> {
  const count = checkOptions(options);
  try {
    const ground = await makeGround(options, count);
    try {
      await startAll(ground.members);
      await createTopics(ground.admin(), ground.members, options.topics ?? []);
      return guarded(makeCluster(ground));
    } catch (error) {
      await ground.close();
      throw error;
    }
  } catch (error) {
    await closedForNode();
    throw plainly(error, options);
  }
}

/**
 * The cluster that a global set-up, or `odradek cluster --json`, has started; by its admin URL.
 * @example const cluster = remoteCluster(); await cluster.stop(1);
 */
export function remoteCluster(adminUrl = process.env[ADMIN_URL_VARIABLE]): RemoteCluster {
  if (adminUrl === undefined)
    throw new Error(`there is no ${ADMIN_URL_VARIABLE}: no global set-up has started a cluster`);
  return commandsAt(adminUrl);
}

function makeCluster(ground: Ground): KitCluster {
  const { members, agreement } = ground;
  let closing: Promise<void> | null = null;
  return {
    bootstrapServers: bootstrapServers(members),
    security: ground.secured?.told ?? null,
    zookeeper: agreement.connect,
    get brokers() {
      return members.map(({ broker }) => broker);
    },
    bootstrapServersOf: (listener) => bootstrapServers(members, listener),
    ...recordAbilities(ground),
    ...waitAbilities(ground),
    ...lifeAbilities(ground),
    ...faultAbilities(ground),
    ...pictureAbilities(ground),
    close() {
      closing ??= ground.close();
      return closing;
    },
  };
}

/** Once it is closed, everything but close() says so. */
function guarded(cluster: KitCluster): KitCluster {
  let closed = false;
  const refuse = (): never => {
    throw new ClusterClosed();
  };
  const wrap = (name: string, act: (...args: never[]) => unknown) => {
    if (name === 'close') {
      return () => {
        closed = true;
        return cluster.close();
      };
    }
    return (...args: never[]) => (closed ? refuse() : act(...args));
  };
  const functions = Object.entries(cluster).filter(([, member]) => typeof member === 'function');
  return {
    ...cluster,
    ...Object.fromEntries(functions.map(([name, act]) => [name, wrap(name, act)])),
    clock: { advance: (ms) => (closed ? refuse() : cluster.clock.advance(ms)) },
    get brokers() {
      return closed ? refuse() : cluster.brokers;
    },
  };
}

/**
 * Faults on demand of a broker in another process, started with `fault.api.enable=true`; by the URL of its
 * peer endpoint. With `odradek cluster --override fault.api.enable=true` each broker says where that is.
 * @example await brokerFaults('http://127.0.0.1:9190').strike('link-cut', { to: 2, forMs: 5000 })
 */
export function brokerFaults(peerUrl: string): BrokerFaults {
  return faultsAt(peerUrl);
}
