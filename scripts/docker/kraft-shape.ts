/**
 * Settings for a KRaft node, as today's containers are started with: what they ask for, said in the words
 * of a broker in ZooKeeper mode. The container then brings the coordination along that the node's
 * controller would have been. So does a container that is told of no ZooKeeper at all.
 */

/** What stands for a cluster of one node, where nothing else is said; Kafka's own image has the same. */
const ALONE: Readonly<Record<string, string>> = {
  'broker.id': '1',
  'offsets.topic.replication.factor': '1',
  'transaction.state.log.replication.factor': '1',
  'transaction.state.log.min.isr': '1',
  'group.initial.rebalance.delay.ms': '0',
};
/** What only a KRaft node has. */
const OF_KRAFT = [
  'process.roles',
  'node.id',
  'controller.quorum.voters',
  'controller.quorum.bootstrap.servers',
  'controller.listener.names',
];
/** Each is a list of listeners, of which the controller's are not the broker's. */
const LISTENER_LISTS = ['listeners', 'advertised.listeners', 'listener.security.protocol.map'];

/** The coordination that a container brings along, where its broker and `odradek zk` find it. */
export const EMBEDDED_CONNECT = '127.0.0.1:2181';

export interface Shape {
  /** The container brings its own coordination. */
  readonly isEmbedded: boolean;
  /** The settings were those of a KRaft node. */
  readonly isKraft: boolean;
  readonly properties: ReadonlyMap<string, string>;
  /** Why a container can't be that; one line. */
  readonly problem: string | null;
}

/** `given`: what the container was told; `defaults`: the file of the image, which it may replace. */
export function shapeOf(given: ReadonlyMap<string, string>, defaults: ReadonlyMap<string, string>): Shape {
  const isKraft = given.has('process.roles');
  const isEmbedded = isKraft || !(given.has('zookeeper.connect') || defaults.has('zookeeper.connect'));
  if (!isEmbedded)
    return { isEmbedded, isKraft, properties: new Map([...defaults, ...given]), problem: null };
  const own = new Map(given);
  const nodeId = own.get('node.id');
  const controllers = wordsOf(own.get('controller.listener.names') ?? '');
  for (const key of OF_KRAFT) own.delete(key);
  if (nodeId !== undefined) own.set('broker.id', nodeId);
  for (const key of LISTENER_LISTS) {
    const list = own.get(key);
    if (list !== undefined) own.set(key, without(list, controllers));
  }
  own.set('zookeeper.connect', EMBEDDED_CONNECT);
  const properties = new Map([...defaults, ...Object.entries(ALONE), ...own]);
  // Nobody has said by what name this machine is reached: the port is published on it.
  if (!own.has('listeners') && !own.has('advertised.listeners')) {
    properties.set('listeners', 'PLAINTEXT://0.0.0.0:9092');
    properties.set('advertised.listeners', 'PLAINTEXT://localhost:9092');
  }
  return { isEmbedded, isKraft, properties, problem: isKraft ? problemOf(given) : null };
}

function problemOf(given: ReadonlyMap<string, string>): string | null {
  const roles = wordsOf(given.get('process.roles') ?? '');
  if (!roles.includes('broker') || !roles.includes('controller'))
    return `KAFKA_PROCESS_ROLES=${roles.join(',')}: this image runs broker and controller in one node; for several nodes give them a ZooKeeper (KAFKA_ZOOKEEPER_CONNECT)`;
  const voters = wordsOf(given.get('controller.quorum.voters') ?? '');
  if (voters.length > 1)
    return `KAFKA_CONTROLLER_QUORUM_VOTERS names ${voters.length} nodes: a quorum of controllers can't be had here; for several nodes give them a ZooKeeper (KAFKA_ZOOKEEPER_CONNECT)`;
  return null;
}

/** Without the entries, `NAME:…` or `NAME://…`, of these names. */
function without(list: string, names: readonly string[]): string {
  return wordsOf(list)
    .filter((word) => !names.includes(word.split(':')[0] ?? ''))
    .join(',');
}

function wordsOf(list: string): string[] {
  return list
    .split(',')
    .map((word) => word.trim())
    .filter((word) => word !== '');
}
