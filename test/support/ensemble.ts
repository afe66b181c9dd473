/**
 * A real ZooKeeper ensemble of JVM processes, on the loopback interface unless told otherwise, from Debian's packages
 * libzookeeper-java and libslf4j-java, without Docker. Servers can be killed, stopped and started again.
 * Everything is gone when `close` has resolved, and also when this process dies, however it dies.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePorts } from './free-ports.ts';

const JARS = ['/usr/share/java/zookeeper.jar', '/usr/share/java/slf4j-simple.jar'];
const HOST = '127.0.0.1';
const QUORUM_DEADLINE_MS = 30_000;
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
  /** SIGSTOP: the server holds its connections and says nothing. */
  stop(server: number): void;
  /** SIGCONT. */
  cont(server: number): void;
  /** Starts a killed server again and waits until it serves. */
  start(server: number): Promise<void>;
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
  readonly classpath?: string;
  readonly place?: (server: number) => ServerPlace;
}

const HERE: ServerPlace = { host: HOST, command: [] };

/**
 * Resolves when every server serves. The session timeout may be from 2 to 120 ticks. Of another ZooKeeper
 * than Debian's with its `classpath`; elsewhere than on the loopback interface with `place`.
 */
export async function startEnsemble(o: EnsembleOptions): Promise<Ensemble> {
  const directory = mkdtempSync(join(tmpdir(), 'odradek-zookeeper-'));
  const ports = await freePorts(o.nodes * 3);
  const places = Array.from({ length: o.nodes }, (_, index) => o.place?.(index + 1) ?? HERE);
  const servers = Array.from({ length: o.nodes }, (_, index) => {
    const home = join(directory, String(index + 1));
    mkdirSync(join(home, 'data'), { recursive: true });
    writeFileSync(join(home, 'data', 'myid'), String(index + 1));
    writeFileSync(join(home, 'zoo.cfg'), configuration(home, index, { ...o, ports, places }));
    const address = { host: placeAt(places, index).host, port: portAt(ports, index) };
    return new Server(home, address, [
      ...placeAt(places, index).command,
      'java',
      ...FLAGS.split(' '),
      '-cp',
      o.classpath ?? JARS.join(':'),
    ]);
  });
  const at = (server: number): Server => {
    const found = servers[server - 1];
    if (found === undefined) throw new Error(`no server ${server}`);
    return found;
  };
  const endGuard = guard(directory);
  const close = async (): Promise<void> => {
    await Promise.all(servers.map((server) => server.kill()));
    endGuard();
    rmSync(directory, { recursive: true, force: true });
  };
  try {
    for (const server of servers) server.start();
    await Promise.all(servers.map((server) => server.serves()));
  } catch (error) {
    await close();
    throw error;
  }
  const addresses = servers.map(({ address }) => address);
  return {
    connect: addresses.map(({ host, port }) => `${host}:${port}`).join(','),
    ports: addresses.map(({ port }) => port),
    kill: (server) => at(server).kill(),
    stop: (server) => at(server).signal('SIGSTOP'),
    cont: (server) => at(server).signal('SIGCONT'),
    start: (server) => {
      at(server).start();
      return at(server).serves();
    },
    leader: async () => {
      const modes = await Promise.all(addresses.map(modeOf));
      return modes.findIndex((mode) => mode === 'leader' || mode === 'standalone') + 1;
    },
    close,
  };
}

/**
 * A shell that waits for the end of its input, which comes when this process is gone, and then kills what
 * is left. Every running server has its process id in a file.
 */
function guard(directory: string): () => void {
  const script = `cat >/dev/null; cat "$0"/*/pid 2>/dev/null | xargs -r kill -9 2>/dev/null; rm -rf "$0"`;
  const shell = spawn('sh', ['-c', script, directory], {
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  shell.unref();
  return () => shell.stdin.end();
}

interface Address {
  readonly host: string;
  readonly port: number;
}

class Server {
  readonly address: Address;
  readonly #home: string;
  /** With all flags, up to the class that is run. */
  readonly #java: readonly string[];
  #process: ChildProcess | undefined;

  constructor(home: string, address: Address, java: readonly string[]) {
    this.#home = home;
    this.address = address;
    this.#java = java;
  }

  start(): void {
    const log = openSync(join(this.#home, 'log'), 'a');
    const [program = '', ...argv] = this.#java;
    const main = ['org.apache.zookeeper.server.quorum.QuorumPeerMain', join(this.#home, 'zoo.cfg')];
    this.#process = spawn(program, [...argv, ...main], { stdio: ['ignore', log, log] });
    closeSync(log);
    writeFileSync(join(this.#home, 'pid'), `${this.#process.pid}\n`);
  }

  async serves(): Promise<void> {
    const deadlineMs = performance.now() + QUORUM_DEADLINE_MS;
    while ((await modeOf(this.address)) === null) {
      if (performance.now() > deadlineMs) throw new Error(`no quorum; see ${join(this.#home, 'log')}`);
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
  }

  signal(signal: NodeJS.Signals): void {
    this.#process?.kill(signal);
  }

  async kill(): Promise<void> {
    const running = this.#process;
    if (running === undefined || running.exitCode !== null || running.signalCode !== null) return;
    const exit = new Promise((resolve) => running.once('exit', resolve));
    running.kill('SIGKILL');
    await exit;
    rmSync(join(this.#home, 'pid'), { force: true });
  }
}

function configuration(
  home: string,
  index: number,
  o: {
    nodes: number;
    tickMs: number;
    ports: readonly number[];
    places: readonly ServerPlace[];
  },
): string {
  const lines = [
    `dataDir=${join(home, 'data')}`,
    `clientPort=${portAt(o.ports, index)}`,
    `clientPortAddress=${placeAt(o.places, index).host}`,
    `tickTime=${o.tickMs}`,
    'initLimit=40',
    'syncLimit=8',
    `minSessionTimeout=${o.tickMs * 2}`,
    `maxSessionTimeout=${o.tickMs * 120}`,
    'maxClientCnxns=0',
    'admin.enableServer=false',
    '4lw.commands.whitelist=*',
    'preAllocSize=1024',
    'snapCount=100000',
  ];
  if (o.nodes > 1) {
    for (let peer = 0; peer < o.nodes; peer++) {
      const [quorum, election] = [portAt(o.ports, o.nodes + peer), portAt(o.ports, 2 * o.nodes + peer)];
      lines.push(`server.${peer + 1}=${placeAt(o.places, peer).host}:${quorum}:${election}`);
    }
  }
  return `${lines.join('\n')}\n`;
}

/** `leader`, `follower` or `standalone`; null while the server does not serve. */
async function modeOf({ host, port }: Address): Promise<string | null> {
  return /^Mode: (\w+)$/m.exec(await srvr(port, host))?.[1] ?? null;
}

/** Its three numbers; none when the server does not serve. */
export async function versionOf(port: number): Promise<readonly number[]> {
  return (/^Zookeeper version: (\d+)\.(\d+)\.(\d+)/m.exec(await srvr(port)) ?? []).slice(1).map(Number);
}

/** The answer to the administrator's word of that name; empty while the server does not serve. */
function srvr(port: number, host = HOST): Promise<string> {
  return new Promise((resolve) => {
    let answer = '';
    const socket = net.connect({ host, port, timeout: 1_000 }, () => socket.write('srvr'));
    socket.setEncoding('utf8');
    socket.on('data', (text) => {
      answer += text;
    });
    socket.on('timeout', () => socket.destroy());
    socket.on('error', () => {});
    socket.on('close', () => resolve(answer));
  });
}

function portAt(ports: readonly number[], index: number): number {
  const port = ports[index];
  if (port === undefined) throw new Error(`no port ${index}`);
  return port;
}

function placeAt(places: readonly ServerPlace[], index: number): ServerPlace {
  const place = places[index];
  if (place === undefined) throw new Error(`no place ${index}`);
  return place;
}
