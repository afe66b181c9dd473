/** `odradek zookeeper`: the embedded server as a process of its own. */

import { sleep, systemClock } from '../../broker/platform/clock.ts';
import { jvmProperties } from '../../broker/security/jvm-options.ts';
import type { EmbeddedServerOptions } from '../../coordinator-client/embedded/options.ts';
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
import { type FromFile, zooCfg } from './zoo-cfg.ts';

const LOOK_AGAIN_MS = 50;

export const zookeeperCommand: CommandSpec = {
  name: 'zookeeper',
  summary: "Runs a one-process server that speaks ZooKeeper's protocol.",
  options: [
    {
      name: 'config',
      value: 'FILE',
      help: "ZooKeeper's zoo.cfg: ports with and without TLS, logins; other options go before it",
    },
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
  notes:
    'With --config: clientPort, secureClientPort (and …Address), dataDir, tickTime, min/maxSessionTimeout, maxClientCnxns, ssl.keyStore.*, ssl.trustStore.*, ssl.clientAuth, ssl.enabledProtocols, ssl.ciphersuites, authProvider.N, sessionRequireClientSASLAuth. Logins: section Server of the JAAS file that SERVER_JVMFLAGS, JVMFLAGS or KAFKA_OPTS name with -Djava.security.auth.login.config=.',
  outlivesOutput: true,
  run,
};

async function run(given: Arguments): Promise<number> {
  const asked = Promise.race([untilSignalled().then(() => 'signalled' as const), untilParentAsks()]);
  let diskFailed: (error: unknown) => void = () => {};
  const failure = new Promise<unknown>((resolve) => {
    diskFailed = resolve;
  });
  const server = await startEmbeddedServer({ ...(await optionsOf(given)), failed: diskFailed, log: say });
  const secure = server.securePort;
  if (secure !== server.port) say(`zookeeper listens on ${server.host}:${server.port}`);
  if (secure !== null) say(`zookeeper listens on port ${secure} with TLS`);
  tellParent({ type: 'started', port: server.port });
  const failed = await Promise.race([asked.then((by) => clientsEnded(server, by)), failure]);
  await server.close();
  if (failed !== null) throw failed;
  return 0;
}

/** What is said on the command line goes before the file, and the file before what is taken otherwise. */
async function optionsOf(given: Arguments): Promise<EmbeddedServerOptions> {
  const file = given.text('config');
  const { SERVER_JVMFLAGS = '', JVMFLAGS = '', KAFKA_OPTS = '' } = process.env;
  const jvm = jvmProperties([KAFKA_OPTS, JVMFLAGS, SERVER_JVMFLAGS].join(' '));
  const fromFile: FromFile = file === null ? {} : await zooCfg(file, jvm, say);
  const said = new Set(given.sequence.map(({ name }) => name));
  const wants = (name: string, key: keyof FromFile): boolean => said.has(name) || fromFile[key] === undefined;
  const dataDir = given.text('data-dir');
  return {
    ...fromFile,
    host: wants('host', 'host') ? given.needText('host') : (fromFile.host ?? ''),
    port: wants('port', 'port') ? given.needInteger('port') : (fromFile.port ?? null),
    tickMs: wants('tick-ms', 'tickMs') ? given.needInteger('tick-ms') : (fromFile.tickMs ?? 0),
    ...(dataDir === null ? {} : { dataDir }),
    ...Object.fromEntries(
      LIMITS.filter(([name, key]) => wants(name, key)).map(([name, key]) => [key, given.needInteger(name)]),
    ),
  };
}

const LIMITS = [
  ['min-session-timeout-ms', 'minSessionTimeoutMs'],
  ['max-session-timeout-ms', 'maxSessionTimeoutMs'],
  ['max-client-connections', 'maxConnectionsPerAddress'],
] as const;

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
