/**
 * A real ZooKeeper ensemble of JVM processes, on the loopback interface unless told otherwise, from Debian's packages
 * libzookeeper-java and libslf4j-java, without Docker. Servers can be killed, stopped and started again, and cut off
 * from everybody. Everything is gone when `close` has resolved, and also when this process dies, however it dies.
 */
import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type EnsembleSecurity, SECURE_JARS, secureFlag, secureLines } from './ensemble-security.ts';
import { modeOf, Server } from './ensemble-server.ts';
import { freePorts } from './free-ports.ts';
import { type ServerLinks, type ServerPorts, startServerLinks } from './server-links.ts';

const JARS = ['/usr/share/java/zookeeper.jar', '/usr/share/java/slf4j-simple.jar'];
const HOST = '127.0.0.1';
const FLAGS =
  '-Xms16m -Xmx64m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Xss256k -XX:MaxMetaspaceSize=64m ' +
  '-XX:ReservedCodeCacheSize=16m -XX:-UsePerfData -Djava.net.preferIPv4Stack=true ' +
  '-Dzookeeper.jmx.log4j.disable=true -Dzookeeper.forceSync=no -Dorg.slf4j.simpleLogger.showDateTime=true';

export interface Ensemble {
  /** All servers, for `zookeeper.connect`. */
  readonly connect: string;
  readonly ports: readonly number[];
  /** kill -9. Servers are numbered from 1. */
  kill(server: number): Promise<void>;
  /** SIGTERM: an orderly end. */
  end(server: number): Promise<void>;
  /** SIGSTOP: the server holds its connections and says nothing. */
  stop(server: number): void;
  /** SIGCONT. */
  cont(server: number): void;
  /** Starts a killed server again and waits until it serves. */
  start(server: number): Promise<void>;
  /** With `links`: nobody reaches the server, nor does it anybody, and nobody is told. */
  cut(server: number): void;
  /** Ends that. */
  mend(server: number): void;
  pid(server: number): number;
  /** The number of the server that leads. */
  leader(): Promise<number>;
  close(): Promise<void>;
}

/** What this machine lacks for a real ensemble, in words; null when it has everything. */
export function ensembleLacks(): string | null {
  const jar = JARS.find((name) => !existsSync(name));
  if (jar !== undefined) return `${jar} is not installed`;
  try {
    execFileSync('java', ['-version'], { stdio: 'ignore' });
    return null;
  } catch {
    return 'java is not installed';
  }
}

/** The address that a server binds, and the words before its command that have it run there. */
interface ServerPlace {
  readonly host: string;
  readonly command: readonly string[];
}

interface EnsembleOptions {
  readonly nodes: number;
  readonly tickMs: number;
  /** How long a server may take to find its leader and to catch up; 40 unless given. */
  readonly initTicks?: number;
  readonly classpath?: string;
  readonly security?: EnsembleSecurity;
  readonly place?: (server: number) => ServerPlace;
  /** Where everything is kept beyond the end; otherwise a directory of its own, removed then. */
  readonly directory?: string;
  /** For clients, by server; any free ones unless given. */
  readonly clientPorts?: readonly number[];
  /** Everybody reaches a server through proxies, so that it can be cut off; on the loopback interface only. */
  readonly links?: boolean;
  /** In process groups of their own: Ctrl-C at the terminal is not for them. */
  readonly detached?: boolean;
  /** Aborted in the middle of the start: everything is killed, and `startEnsemble` rejects. */
  readonly signal?: AbortSignal;
  /** A server has ended, and nobody had asked it to; `how`: by which signal, or with which status. */
  readonly died?: (server: { readonly number: number; readonly logFile: string }, how: string) => void;
}

const HERE: ServerPlace = { host: HOST, command: [] };

/**
 * Resolves when every server serves. The session timeout may be from 2 to 120 ticks. Of another ZooKeeper
 * than Debian's with its `classpath`; elsewhere than on the loopback interface with `place`.
 */
export async function startEnsemble(o: EnsembleOptions): Promise<Ensemble> {
  const directory = o.directory ?? mkdtempSync(join(tmpdir(), 'odradek-zookeeper-'));
  const endGuard = guard(directory, o.directory === undefined);
  const parts: { servers: readonly Server[]; links: ServerLinks | null } = { servers: [], links: null };
  const close = async (): Promise<void> => {
    await Promise.all(parts.servers.map((server) => server.end('SIGKILL')));
    await parts.links?.close();
    endGuard();
    if (o.directory === undefined) rmSync(directory, { recursive: true, force: true });
  };
  const callOff = (): void => void close();
  o.signal?.addEventListener('abort', callOff);
  try {
    o.signal?.throwIfAborted();
    const ports = await serverPorts(o);
    parts.links = o.links === true ? await startServerLinks(ports, o.clientPorts) : null;
    parts.servers = ports.map((_, index) =>
      makeServer(directory, index, { ...o, ports, links: parts.links }),
    );
    o.signal?.throwIfAborted();
    for (const server of parts.servers) server.start();
    await Promise.all(parts.servers.map((server) => server.serves()));
  } catch (error) {
    await close();
    throw error;
  } finally {
    o.signal?.removeEventListener('abort', callOff);
  }
  return ensembleOf(parts, close);
}

function ensembleOf(
  { servers, links }: { readonly servers: readonly Server[]; readonly links: ServerLinks | null },
  close: () => Promise<void>,
): Ensemble {
  const at = (server: number): Server => {
    const found = servers[server - 1];
    if (found === undefined) throw new Error(`no server ${server}`);
    return found;
  };
  const wires = (): ServerLinks => {
    if (links === null) throw new Error('this ensemble was started without links');
    return links;
  };
  const addresses = servers.map(({ address }) => address);
  const ports = links?.clientPorts ?? addresses.map(({ port }) => port);
  return {
    connect: addresses.map(({ host }, index) => `${host}:${ports[index]}`).join(','),
    ports,
    kill: (server) => at(server).end('SIGKILL'),
    end: (server) => at(server).end('SIGTERM'),
    stop: (server) => at(server).signal('SIGSTOP'),
    cont: (server) => at(server).signal('SIGCONT'),
    start: (server) => {
      at(server).start();
      return at(server).serves();
    },
    cut: (server) => wires().cut(at(server).number),
    mend: (server) => wires().mend(at(server).number),
    pid: (server) => at(server).pid,
    leader: async () => {
      const modes = await Promise.all(addresses.map(modeOf));
      return modes.findIndex((mode) => mode === 'leader' || mode === 'standalone') + 1;
    },
    close,
  };
}

async function serverPorts({ nodes, clientPorts, links }: EnsembleOptions): Promise<ServerPorts[]> {
  const ports = await freePorts(nodes * 3);
  return Array.from({ length: nodes }, (_, index) => ({
    // With links the ports for clients are those of the proxies.
    client: (links === true ? undefined : clientPorts?.[index] || undefined) ?? portAt(ports, index),
    quorum: portAt(ports, nodes + index),
    election: portAt(ports, 2 * nodes + index),
  }));
}

interface Layout extends Omit<EnsembleOptions, 'links'> {
  readonly ports: readonly ServerPorts[];
  readonly links: ServerLinks | null;
}

function makeServer(directory: string, index: number, o: Layout): Server {
  const number = index + 1;
  const home = join(directory, String(number));
  mkdirSync(join(home, 'data'), { recursive: true });
  writeFileSync(join(home, 'data', 'myid'), String(number));
  writeFileSync(join(home, 'zoo.cfg'), configuration(home, index, o));
  const { host, command } = placeOf(o, number);
  const flags = o.security === undefined ? [] : [secureFlag(home, o.security)];
  const jars = o.security === undefined ? JARS : [...JARS, ...SECURE_JARS];
  const server: Server = new Server({
    ...{ number, home, detached: o.detached === true },
    address: { host, port: o.ports[index]?.client ?? 0 },
    java: [...command, 'java', ...FLAGS.split(' '), ...flags, '-cp', o.classpath ?? jars.join(':')],
    died: (how) => o.died?.(server, how),
  });
  return server;
}

/**
 * A shell that waits for the end of its input, which comes when this process is gone, and then kills what
 * is left. Every running server has its process id in a file.
 */
function guard(directory: string, isTemporary: boolean): () => void {
  const end = 'cat >/dev/null; cat "$0"/*/pid 2>/dev/null | xargs -r kill -9 2>/dev/null';
  const script = `${end}; ${isTemporary ? 'rm -rf "$0"' : 'rm -f "$0"/*/pid'}`;
  const shell = spawn('sh', ['-c', script, directory], {
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  shell.unref();
  return () => shell.stdin.end();
}

function configuration(home: string, index: number, o: Layout): string {
  const { host } = placeOf(o, index + 1);
  const lines = [
    `dataDir=${join(home, 'data')}`,
    `clientPort=${o.ports[index]?.client}`,
    `clientPortAddress=${host}`,
    `tickTime=${o.tickMs}`,
    `initLimit=${o.initTicks ?? 40}`,
    'syncLimit=8',
    `minSessionTimeout=${o.tickMs * 2}`,
    `maxSessionTimeout=${o.tickMs * 120}`,
    'maxClientCnxns=0',
    'admin.enableServer=false',
    '4lw.commands.whitelist=*',
    'preAllocSize=1024',
    'snapCount=100000',
  ];
  if (o.security !== undefined) lines.push(...secureLines(home, o.security));
  if (o.nodes > 1) lines.push(...o.ports.map((_, peer) => peerLine(index + 1, peer + 1, o)));
  return `${lines.join('\n')}\n`;
}

/** Where one server finds another; itself where it listens. */
function peerLine(from: number, to: number, o: Layout): string {
  const { quorum, election } = o.ports[to - 1] ?? {};
  const ports = o.links === null || from === to ? [quorum, election] : o.links.peerPorts(from, to);
  return `server.${to}=${placeOf(o, to).host}:${ports.join(':')}`;
}

function placeOf({ place }: Layout, server: number): ServerPlace {
  return place?.(server) ?? HERE;
}

function portAt(ports: readonly number[], index: number): number {
  const port = ports[index];
  if (port === undefined) throw new Error(`no port ${index}`);
  return port;
}
