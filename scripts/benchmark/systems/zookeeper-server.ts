/**
 * Coordination services: a standalone ZooKeeper server in a JVM, the same for both systems, which does
 * not flush to the disk; the same as it is shipped; and Odradek's embedded one, from any checkout.
 */
import type { ChildProcess } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { join } from 'node:path';
import { freePort } from '../../cluster/ports.ts';
import { endedByItself, endProcess, type Workplace } from '../workplace.ts';
import type { Java } from './java.ts';
import { pause } from './wire.ts';

const QUICK_FLAGS =
  '-Xms64m -Xmx256m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -XX:-UsePerfData -Dzookeeper.forceSync=no';
/** What zkServer.sh passes. */
const SHIPPED_FLAGS = '-Xmx1000m';
const FLAGS = '-Dzookeeper.jmx.log4j.disable=true -Djute.maxbuffer=16777216';
const QUICK_TICK_MS = 500;
const SHIPPED_TICK_MS = 2000;
const SESSION_LIMIT_MS = 60_000;
const START_LIMIT_MS = 30_000;
const POLL_MS = 5;
const LOOPBACK = '127.0.0.1';

export interface ZooKeeperServer {
  readonly connect: string;
  readonly pid: number;
  /** Resolves when it ends without having been told to. */
  readonly broken: Promise<Error>;
  stop(): Promise<void>;
}

/** `shipped`: with the JVM options, tick and flushes to the disk that a user has who changes nothing. */
export async function startZooKeeper(
  workplace: Workplace,
  java: Java,
  shipped = false,
): Promise<ZooKeeperServer> {
  const home = workplace.folder('zookeeper');
  const port = await freePort();
  const tickMs = shipped ? SHIPPED_TICK_MS : QUICK_TICK_MS;
  const config = {
    dataDir: join(home, 'data'),
    clientPort: port,
    clientPortAddress: '127.0.0.1',
    tickTime: tickMs,
    minSessionTimeout: Math.min(tickMs * 2, 1000),
    maxSessionTimeout: SESSION_LIMIT_MS,
    maxClientCnxns: 0,
    'admin.enableServer': false,
    '4lw.commands.whitelist': '*',
  };
  const file = join(home, 'zoo.cfg');
  const lines = Object.entries(config).map(([key, value]) => `${key}=${value}`);
  writeFileSync(file, `${lines.join('\n')}\n`);
  const main = 'org.apache.zookeeper.server.quorum.QuorumPeerMain';
  const flags = `${shipped ? SHIPPED_FLAGS : QUICK_FLAGS} ${FLAGS}`.split(' ');
  const logFile = join(home, 'log');
  const child = workplace.start(['java', ...flags, '-cp', java.zookeeperClasspath, main, file], logFile);
  return serving(child, { port, logFile, name: 'ZooKeeper' });
}

/** As `odradek cluster` starts it: a process of its own that keeps what it is told on the disk. */
export async function startEmbedded(
  workplace: Workplace,
  checkout: string,
  host = LOOPBACK,
): Promise<ZooKeeperServer> {
  const home = workplace.folder('zookeeper');
  const data = join(home, 'data');
  mkdirSync(data);
  const port = await freePort(host);
  const argv = ['zookeeper', '--host', host, '--port', String(port), '--data-dir', data];
  const program = join(checkout, 'scripts', 'cli', 'main.ts');
  const logFile = join(home, 'log');
  const child = workplace.start([process.execPath, program, ...argv], logFile);
  return serving(child, { host, port, logFile, name: 'the embedded ZooKeeper' });
}

async function serving(
  child: ChildProcess,
  address: { host?: string; port: number; logFile: string; name: string },
): Promise<ZooKeeperServer> {
  const { host = LOOPBACK, port, logFile, name } = address;
  let told = false;
  const broken = endedByItself(child, { name, logFile, told: () => told });
  let problem: Error | null = null;
  void broken.then((error) => {
    problem = error;
  });
  const deadlineMs = performance.now() + START_LIMIT_MS;
  while (!(await serves(host, port))) {
    if (problem !== null) throw problem;
    if (performance.now() > deadlineMs) throw new Error(`${name} did not start; see ${logFile}`);
    await pause(POLL_MS);
  }
  const stop = (): Promise<void> => {
    told = true;
    return endProcess(child, 0);
  };
  return { connect: `${host}:${port}`, pid: child.pid ?? -1, broken, stop };
}

function serves(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    let answer = '';
    const socket = net.connect({ host, port, timeout: 1000 }, () => socket.write('srvr'));
    socket.setEncoding('utf8').on('data', (text) => {
      answer += text;
    });
    socket.on('timeout', () => socket.destroy());
    socket.on('error', () => {});
    socket.on('close', () => resolve(answer.includes('Mode: ')));
  });
}
