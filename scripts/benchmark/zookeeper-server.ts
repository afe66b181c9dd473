/** One standalone ZooKeeper server in a JVM, the same for both systems; it does not flush to the disk. */
import { writeFileSync } from 'node:fs';
import net from 'node:net';
import { join } from 'node:path';
import { freePort } from '../cluster/ports.ts';
import type { Java } from './java.ts';
import { endProcess, lastLines, type Workplace } from './workplace.ts';

const FLAGS =
  '-Xms64m -Xmx256m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -XX:-UsePerfData -Dzookeeper.forceSync=no ' +
  '-Dzookeeper.jmx.log4j.disable=true -Djute.maxbuffer=16777216';
const TICK_MS = 500;
const START_LIMIT_MS = 30_000;

export interface ZooKeeperServer {
  readonly connect: string;
  stop(): Promise<void>;
}

export async function startZooKeeper(workplace: Workplace, java: Java): Promise<ZooKeeperServer> {
  const home = workplace.folder('zookeeper');
  const port = await freePort();
  const config = {
    dataDir: join(home, 'data'),
    clientPort: port,
    clientPortAddress: '127.0.0.1',
    tickTime: TICK_MS,
    minSessionTimeout: TICK_MS * 2,
    maxSessionTimeout: TICK_MS * 120,
    maxClientCnxns: 0,
    'admin.enableServer': false,
    '4lw.commands.whitelist': '*',
  };
  const file = join(home, 'zoo.cfg');
  const lines = Object.entries(config).map(([key, value]) => `${key}=${value}`);
  writeFileSync(file, `${lines.join('\n')}\n`);
  const main = 'org.apache.zookeeper.server.quorum.QuorumPeerMain';
  const log = join(home, 'log');
  const child = workplace.start(
    ['java', ...FLAGS.split(' '), '-cp', java.zookeeperClasspath, main, file],
    log,
  );
  const deadlineMs = performance.now() + START_LIMIT_MS;
  while (!(await serves(port))) {
    if (performance.now() > deadlineMs || child.exitCode !== null)
      throw new Error(`ZooKeeper did not start: ${lastLines(log)}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return { connect: `127.0.0.1:${port}`, stop: () => endProcess(child, 0) };
}

function serves(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    let answer = '';
    const socket = net.connect({ host: '127.0.0.1', port, timeout: 1000 }, () => socket.write('srvr'));
    socket.setEncoding('utf8').on('data', (text) => {
      answer += text;
    });
    socket.on('timeout', () => socket.destroy());
    socket.on('error', () => {});
    socket.on('close', () => resolve(answer.includes('Mode: ')));
  });
}
