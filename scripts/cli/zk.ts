/** `odradek zk ls|get|stat`: a look at the coordination tree, on a real ensemble or the embedded server. */
import type { Coordinator } from '../../coordinator-client/coordinator.ts';
import { zookeeperSource } from '../../coordinator-client/zookeeper/zookeeper.ts';
import { type Arguments, type CommandSpec, UsageError } from './arguments.ts';
import { print } from './output.ts';

const TIMEOUT_MS = 10_000;

export const zkCommand: CommandSpec = {
  name: 'zk',
  summary: 'Looks at the coordination tree.',
  words: 'ls|get|stat PATH',
  options: [
    {
      name: 'zookeeper',
      value: 'HOST:PORT,…',
      help: 'the ensemble, with a chroot if there is one',
      fallback: '127.0.0.1:2181',
    },
    { name: 'recursive', help: 'ls: all nodes below as well' },
    { name: 'json', help: 'answer in JSON' },
  ],
  run,
};

async function run(given: Arguments): Promise<number> {
  const [verb = '', path = '/', ...more] = given.words;
  if (!['ls', 'get', 'stat'].includes(verb) || more.length > 0)
    throw new UsageError('zk takes ls, get or stat, and one path');
  if (!path.startsWith('/')) throw new UsageError(`a path begins with /, not '${path}'`);
  const connect = given.needText('zookeeper');
  const source = zookeeperSource({
    connect,
    sessionTimeoutMs: TIMEOUT_MS,
    connectionTimeoutMs: TIMEOUT_MS,
    maxInFlightRequests: 50,
    log: () => {},
  });
  const coordinator = await source.open(TIMEOUT_MS).catch(() => {
    throw new Error(`no ZooKeeper answered at ${connect} within ${TIMEOUT_MS} ms`);
  });
  try {
    return await look(coordinator, verb, path, given);
  } finally {
    await coordinator.close();
  }
}

async function look(coordinator: Coordinator, verb: string, path: string, given: Arguments): Promise<number> {
  const json = given.flag('json');
  if (verb === 'ls') {
    const names = given.flag('recursive') ? await below(coordinator, path) : await coordinator.children(path);
    if (names === null) throw new Error(`there is no node ${path}`);
    await print(json ? JSON.stringify(names) : names.join('\n'));
    return 0;
  }
  const node = await coordinator.read(path);
  if (node === null) throw new Error(`there is no node ${path}`);
  const stat = {
    version: node.version,
    czxid: `0x${node.czxid.toString(16)}`,
    mzxid: `0x${node.mzxid.toString(16)}`,
    ctime: new Date(node.createdMs).toISOString(),
    mtime: new Date(node.modifiedMs).toISOString(),
    ephemeralOwner: `0x${node.ephemeralOwner.toString(16)}`,
    dataLength: node.data.length,
    numChildren: node.childrenCount,
  };
  if (verb === 'get')
    await print(json ? JSON.stringify({ path, data: node.data.toString(), ...stat }) : node.data.toString());
  else if (json) await print(JSON.stringify({ path, ...stat }));
  else for (const [key, value] of Object.entries(stat)) await print(`${key} = ${value}`);
  return 0;
}

/** Full paths of all nodes at and below `path`; null when there is none. */
async function below(coordinator: Coordinator, path: string): Promise<string[] | null> {
  const names = await coordinator.children(path);
  if (names === null) return null;
  const nested = await Promise.all(
    names.map((name) => below(coordinator, path === '/' ? `/${name}` : `${path}/${name}`)),
  );
  return [path, ...nested.flatMap((paths) => paths ?? [])];
}
