/** `odradek zookeeper`: the embedded server as a process of its own. */
import { startEmbeddedServer } from '../../coordinator-client/embedded/server.ts';
import { untilInterrupted } from '../cluster/cluster-options.ts';
import type { Arguments, CommandSpec } from './arguments.ts';

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
  run,
};

async function run(given: Arguments): Promise<number> {
  const dataDir = given.text('data-dir');
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
    log: (line: string) => console.log(line),
  });
  console.log(`zookeeper listens on ${given.needText('host')}:${server.port}`);
  const interrupted = untilInterrupted();
  process.send?.({ type: 'started', port: server.port });
  process.once('disconnect', () => process.kill(process.pid, 'SIGTERM'));
  const failed = await Promise.race([interrupted.then(() => null), failure]);
  await server.close();
  if (failed !== null) throw failed;
  return 0;
}
