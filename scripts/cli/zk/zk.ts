/** `odradek zk`: a look at the coordination tree and a hand on it, on a real ensemble or the embedded server. */
import type { Coordinator } from '../../../coordinator-client/coordinator.ts';
import { type Arguments, type CommandSpec, UsageError } from '../arguments.ts';
import { print } from '../output.ts';
import { withProgress } from '../progress.ts';
import { openZookeeper, zkTlsOption, zookeeperAccessOf } from '../zookeeper-client.ts';
import { createNode, deleteNodes, setNode } from './change-nodes.ts';
import { confirm, isKafkas } from './kafka-nodes.ts';

export const zkCommand: CommandSpec = {
  name: 'zk',
  summary: 'Looks at the coordination tree, and changes nodes by hand.',
  words: 'ls|get|stat|create|set|delete PATH [DATA]',
  options: [
    {
      name: 'zookeeper',
      value: 'HOST:PORT,…',
      help: 'the ensemble, with a chroot if there is one',
      fallback: '127.0.0.1:2181',
    },
    zkTlsOption,
    { name: 'recursive', help: 'ls, delete: all nodes below as well' },
    { name: 'version', value: 'N', kind: 'integer', help: 'set, delete: only if the node has this version' },
    { name: 'yes', help: "create, set, delete: do not ask, even if the node is Kafka's own" },
    { name: 'json', help: 'ls, get, stat: answer in JSON' },
  ],
  run,
};

/** What each verb takes besides its path. */
const VERBS: Readonly<Record<string, { readonly options: readonly string[]; readonly data: boolean }>> = {
  ls: { options: ['recursive', 'json'], data: false },
  get: { options: ['json'], data: false },
  stat: { options: ['json'], data: false },
  create: { options: ['yes'], data: true },
  set: { options: ['yes', 'version'], data: true },
  delete: { options: ['yes', 'version', 'recursive'], data: false },
};

async function run(given: Arguments): Promise<number> {
  const [name = '', path = '/', data = '', ...more] = given.words;
  const verb = VERBS[name];
  if (verb === undefined) throw new UsageError(`zk takes ${Object.keys(VERBS).join(', ')}, not '${name}'`);
  if (more.length > 0 || (given.words.length > 2 && !verb.data) || (name === 'set' && given.words.length < 3))
    throw new UsageError(`zk ${name} takes one path${verb.data ? ', and the data' : ''}`);
  if (!path.startsWith('/')) throw new UsageError(`a path begins with /, not '${path}'`);
  const wrong = given.sequence.find(
    (option) => !['zookeeper', zkTlsOption.name].includes(option.name) && !verb.options.includes(option.name),
  );
  if (wrong !== undefined) throw new UsageError(`--${wrong.name} does not go with ${name}`);
  if (given.flag('version') && given.flag('recursive'))
    throw new UsageError('--version does not go with --recursive');
  const isChange = verb.options.includes('yes');
  if (isChange && path === '/') throw new UsageError(`zk ${name} takes a node below /`);
  if (isChange && isKafkas(path) && !given.flag('yes')) await confirm(`${name} ${path}`);
  const connect = given.needText('zookeeper');
  const coordinator = await openZookeeper(connect, await zookeeperAccessOf(given));
  try {
    if (!isChange) return await look(coordinator, name, path, given);
    const version = given.integer('version');
    if (name === 'create') await createNode(coordinator, path, data);
    else if (name === 'set') await setNode(coordinator, path, { data, version });
    else await withProgress(remove(coordinator, path, given), () => `deleting what is below ${path}`);
    return 0;
  } finally {
    await coordinator.close();
  }
}

async function remove(coordinator: Coordinator, path: string, given: Arguments): Promise<void> {
  const paths = given.flag('recursive') ? await below(coordinator, path) : [path];
  if (paths === null) throw new Error(`there is no node ${path}`);
  await deleteNodes(coordinator, paths, given.integer('version'));
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
