/** `odradek zookeeper`: the embedded server as a process of its own. */
import { sleep, systemClock } from '../../broker/platform/clock.ts';
import { type EmbeddedServer, startEmbeddedServer } from '../../coordinator-client/embedded/server.ts';
import {
  type AskedToEndMessage,
  STOP_TIMEOUT_MS,
  tellParent,
  untilParentAsks,
  untilSignalled,
} from '../cluster/ending.ts';
import type { Arguments, CommandSpec } from './arguments.ts';
import { print } from './output.ts';

const LOOK_AGAIN_MS = 50;

export const zookeeperCommand: CommandSpec = {
  name: 'zookeeper',
  summary: "Runs a one-process server that speaks ZooKeeper's protocol.",
  options: [
    { name: 'host', value: 'HOST', help: 'address to listen on', fallback: '127.0.0.1' },
    {
      name: 'port',
      value: 'PORT',
      kind: 'integer',
      min: 0,
      max: 65_535,
      help: 'port to listen on; 0: any',
      fallback: '2181',
    },
    { name: 'data-dir', value: 'DIR', help: 'keep everything there (otherwise in memory only)' },
    {
      name: 'tick-ms',
      value: 'MS',
      kind: 'integer',
      min: 10,
      max: 60_000,
      help: 'granularity of session timeouts',
      fallback: '100',
    },
    {
      name: 'min-session-timeout-ms',
      value: 'MS',
      kind: 'integer',
      min: 100,
      max: 3_600_000,
      help: 'shortest session timeout to grant',
      fallback: '500',
    },
    {
      name: 'max-session-timeout-ms',
      value: 'MS',
      kind: 'integer',
      min: 100,
      max: 3_600_000,
      help: 'longest session timeout to grant',
      fallback: '60000',
    },
    {
      name: 'max-client-connections',
      value: 'N',
      kind: 'integer',
      min: 0,
      max: 100_000,
      help: "connections of one address (ZooKeeper's maxClientCnxns); 0: as many as it likes",
      fallback: '60',
    },
  ],
  outlivesOutput: true,
  run,
};

async function run(given: Arguments): Promise<number> {
  const dataDir = given.text('data-dir');
  const asked = Promise.race([untilSignalled().then(() => 'signalled' as const), untilParentAsks()]);
  let diskFailed: (error: unknown) => void = () => {};
  const failure = new Promise<unknown>((resolve) => {
    diskFailed = resolve;
  });
  const server = await startEmbeddedServer({
    failed: diskFailed,
    host: given.needText('host'),
    port: given.needInteger('port'),
    ...(dataDir === null ? {} : { dataDir }),
    tickMs: given.needInteger('tick-ms'),
    minSessionTimeoutMs: given.needInteger('min-session-timeout-ms'),
    maxSessionTimeoutMs: given.needInteger('max-session-timeout-ms'),
    maxConnectionsPerAddress: given.needInteger('max-client-connections'),
    log: say,
  });
  say(`zookeeper listens on ${given.needText('host')}:${server.port}`);
  tellParent({ type: 'started', port: server.port });
  const failed = await Promise.race([asked.then((by) => clientsEnded(server, by)), failure]);
  await server.close();
  if (failed !== null) throw failed;
  return 0;
}

/** A log that nobody reads stops no server. */
function say(line: string): void {
  print(line).catch(() => {});
}

/**
 * Whoever started brokers beside this server ends them before it. So a signal is passed on to them and
 * not obeyed at once, and when they are gone the brokers, which notice that too, are waited for.
 */
async function clientsEnded(
  server: EmbeddedServer,
  askedBy: 'signalled' | 'told' | 'orphaned',
): Promise<null> {
  const isChild = process.send !== undefined;
  if (!isChild || askedBy === 'told') return null;
  const message: AskedToEndMessage = { type: 'asked-to-end' };
  tellParent(message);
  say(`asked to end (${askedBy}): waiting for the clients to end first, at most ${STOP_TIMEOUT_MS} ms`);
  let isTold = false;
  void untilParentAsks().then((by) => {
    isTold = by === 'told';
  });
  const deadlineMs = performance.now() + STOP_TIMEOUT_MS;
  while (!isTold && server.connectionCount > 0 && performance.now() < deadlineMs)
    await sleep(systemClock, LOOK_AGAIN_MS);
  return null;
}
