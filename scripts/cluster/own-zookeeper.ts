/**
 * The ZooKeeper of a local cluster, where it is the cluster's own: the embedded server, or an odd number of real
 * ones, which are Java's. Either way its servers can be hurt one by one.
 */
import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { type Ensemble, startEnsemble } from '../../test/support/ensemble.ts';
import type { Child, ChildOptions } from './child.ts';
import { freePort } from './ports.ts';
import { shellLine } from './program.ts';
import { type ServerProcess, ZookeeperServers } from './zookeeper-servers.ts';

export interface OwnZookeeper {
  readonly servers: ZookeeperServers;
  /** Ends it in order; `stop` does so with a process of the cluster. */
  stop(stop: (child: Child) => Promise<void>): Promise<void>;
  kill(): Promise<void>;
}

interface Surroundings {
  /** The cluster's. */
  readonly directory: string;
  /** Of the first server; 0: any. */
  readonly port: number;
  readonly sessionTimeoutMs: number;
  readonly startTimeoutMs: number;
  /** Real servers are reached through this process, so that they can be cut off. */
  readonly canBeCut: boolean;
  readonly launch: (
    options: Pick<ChildOptions, 'name' | 'argv' | 'logFile'>,
    startAgain: () => string,
  ) => Child;
  readonly say: (lines: string) => void;
  /** Told as soon as there is something to be ended. */
  readonly made: (zookeeper: OwnZookeeper) => void;
}

const EMBEDDED = 'zookeeper';
const SERVERS = 'zookeeper-servers';
const LONGEST_TICK_MS = 500;
const SHORTEST_TICK_MS = 250;
/** ZooKeeper's syncLimit here: a follower that is cut off stops serving before its sessions are over. */
const TICKS_OF_SESSION = 8;
/** Whoever waits for a leader that is cut off waits no longer. */
const INIT_TICKS = 20;

/** Resolves with what brokers take for `zookeeper.connect`, when it serves. */
export async function startEmbedded(o: Surroundings): Promise<string> {
  const directory = join(o.directory, EMBEDDED);
  mkdirSync(directory, { recursive: true });
  const logFile = join(o.directory, `${EMBEDDED}.log`);
  // The same when it is started again: one that the system gives away would be anybody's until then.
  const port = o.port === 0 ? await freePort() : o.port;
  const launch = (): Child => {
    const argv = ['zookeeper', '--port', String(port), '--data-dir', directory];
    return o.launch({ name: 'the embedded ZooKeeper', argv, logFile }, () => shellLine(argv));
  };
  let child = launch();
  const server: ServerProcess = {
    get pid() {
      return child.pid;
    },
    kill: () => child.kill(),
    stop: () => child.stop(o.startTimeoutMs),
    async start() {
      child = launch();
      await child.started(o.startTimeoutMs);
    },
    pause: () => child.pause(),
    resume: () => child.resume(),
    links: null,
  };
  o.made({
    servers: new ZookeeperServers([server], (_server, error) => o.say(notStarted('ZooKeeper', error))),
    stop: (stop) => stop(child),
    kill: () => child.kill(),
  });
  await child.started(o.startTimeoutMs);
  o.say(`  zookeeper (embedded) on 127.0.0.1:${port}`);
  return `127.0.0.1:${port}`;
}

/** The same with real servers; this machine must have what they need. */
export async function startServers(count: number, o: Surroundings): Promise<string> {
  const directory = join(o.directory, SERVERS);
  mkdirSync(directory, { recursive: true });
  const clientPorts = Array.from({ length: count }, (_, index) => (o.port === 0 ? 0 : o.port + index));
  const calledOff = new AbortController();
  const starting = startEnsemble({
    ...{ nodes: count, tickMs: tickMs(o.sessionTimeoutMs), directory, clientPorts },
    ...{ initTicks: INIT_TICKS, links: o.canBeCut, detached: true, signal: calledOff.signal },
    died: ({ number, logFile }, how) =>
      o.say(`ZooKeeper server ${number} has ended: ${how}; see ${logFile}. It is not started again.`),
  });
  const kill = async (): Promise<void> => {
    calledOff.abort();
    await (await starting.catch(() => null))?.close();
  };
  o.made({ servers: new ZookeeperServers([], () => {}), stop: kill, kill });
  const ensemble = await starting;
  const servers = clientPorts.map((_, index) => processOf(ensemble, index + 1, o.canBeCut));
  o.made({
    servers: new ZookeeperServers(servers, (server, error) =>
      o.say(notStarted(`ZooKeeper server ${server}`, error)),
    ),
    async stop() {
      await Promise.all(servers.map((server) => server.stop()));
      await ensemble.close();
    },
    kill,
  });
  for (const [index, port] of ensemble.ports.entries())
    o.say(`  zookeeper server ${index + 1} on 127.0.0.1:${port} (pid ${ensemble.pid(index + 1)})`);
  return ensemble.connect;
}

/** How many real servers a cluster has left here; 0: the embedded one; null: there has been none. */
export function keptServers(directory: string): number | null {
  const servers = join(directory, SERVERS);
  if (existsSync(servers)) return readdirSync(servers).length;
  return existsSync(join(directory, EMBEDDED)) ? 0 : null;
}

function processOf(ensemble: Ensemble, server: number, canBeCut: boolean): ServerProcess {
  return {
    get pid() {
      return ensemble.pid(server);
    },
    kill: () => ensemble.kill(server),
    stop: () => ensemble.end(server),
    start: () => ensemble.start(server),
    pause: () => ensemble.stop(server),
    resume: () => ensemble.cont(server),
    links: canBeCut ? { cut: () => ensemble.cut(server), mend: () => ensemble.mend(server) } : null,
  };
}

function tickMs(sessionTimeoutMs: number): number {
  const wanted = Math.floor(sessionTimeoutMs / TICKS_OF_SESSION);
  return Math.max(SHORTEST_TICK_MS, Math.min(LONGEST_TICK_MS, wanted));
}

/** What is said of a process that was to come back. */
export function notStarted(what: string, error: unknown): string {
  return `${what} could not be started again: ${String(error)}`;
}
