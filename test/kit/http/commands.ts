/**
 * What can be done with a test cluster from outside its process: the kit's own members by their own names,
 * so that the two can't drift apart, each with its parameters and in the kit's order. The router and the
 * OpenAPI description are made from this table.
 */
import type { KitCluster } from '../kit-cluster.ts';

export type ParameterType = 'string' | 'integer' | 'number' | 'boolean' | 'object' | 'array' | 'any';

/** A field of the JSON body. */
export interface Parameter {
  readonly name: string;
  readonly type: ParameterType;
  readonly required: boolean;
  readonly help: string;
}

export interface Command {
  readonly name: CommandName;
  readonly summary: string;
  readonly parameters: readonly Parameter[];
  /** The member takes any number of arguments, and the command a list of them. */
  readonly takesRest?: true;
  /** Given the body, which has the parameters and nothing else. What it resolves to is answered as JSON. */
  run(cluster: KitCluster, body: Body): unknown;
}

export type Body = Readonly<Record<string, unknown>>;

/** Those that make sense across processes: all but what is looked into. */
export type CommandName =
  | Exclude<
      keyof KitCluster,
      'bootstrapServers' | 'security' | 'zookeeper' | 'brokers' | 'clock' | 'close' | 'bootstrapServersOf'
    >
  | 'advance';

const need = (name: string, type: ParameterType, help: string): Parameter => ({
  name,
  type,
  required: true,
  help,
});
const may = (name: string, type: ParameterType, help: string): Parameter => ({
  name,
  type,
  required: false,
  help,
});

const BROKER = need('broker', 'integer', 'id of a broker');
const TOPIC = need('topic', 'string', 'name of a topic');
const PARTITION = may('partition', 'integer', 'of the topic; 0 unless given');
const GROUP = need('group', 'string', 'id of a group');
const TIMEOUT = may('timeoutMs', 'integer', 'how long to wait; 10000 unless given');
const TO = need('to', 'integer', 'id of the broker that is to have it');
const DISK_PLACE: readonly Parameter[] = [
  may('topic', 'string', 'only its files'),
  may('partition', 'integer', 'with topic'),
];
const ENDS: readonly Parameter[] = [
  need('one', 'any', "id of a broker, 'zookeeper' or 'clients'"),
  need('other', 'any', 'the other end'),
];

/** The options of a wait in a body, and of nothing else. */
function wait({ timeoutMs }: Body): { timeoutMs?: number } {
  return timeoutMs === undefined ? {} : { timeoutMs: timeoutMs as number };
}

function without(body: Body, ...names: readonly string[]): Body {
  return Object.fromEntries(Object.entries(body).filter(([name]) => !names.includes(name)));
}

type Runs = { readonly [Name in CommandName]: Omit<Command, 'name'> };

/* The router has checked the types that the table names: what is cast here has been looked at. */
const TABLE: Runs = {
  state: {
    summary: 'running, paused, stopped, killed or starting',
    parameters: [BROKER],
    run: (cluster, { broker }) => cluster.state(broker as number),
  },
  createTopics: {
    summary: 'Makes topics; resolves when their partitions have leaders',
    parameters: [need('topics', 'array', 'names, or { name, partitions, replicationFactor, configs }')],
    takesRest: true,
    run: (cluster, { topics }) => cluster.createTopics(...(topics as string[])),
  },
  deleteTopics: {
    summary: 'Deletes topics; resolves when their names can be used again',
    parameters: [need('names', 'array', 'of topics')],
    takesRest: true,
    run: (cluster, { names }) => cluster.deleteTopics(...(names as string[])),
  },
  produce: {
    summary: 'Writes records with acks=all; where each lies',
    parameters: [
      TOPIC,
      need('records', 'array', 'values, or { key, value, headers, partition, timestampMs }'),
      TIMEOUT,
    ],
    run: (cluster, body) => cluster.produce(body['topic'] as string, body['records'] as string[], wait(body)),
  },
  consume: {
    summary: 'Reads records without a group',
    parameters: [
      TOPIC,
      may('partition', 'integer', 'all unless given'),
      may('from', 'integer', 'offset to begin at'),
      may('count', 'integer', 'wait until there are so many'),
      may('isolation', 'string', 'read_uncommitted unless given, or read_committed'),
      TIMEOUT,
    ],
    run: (cluster, body) => cluster.consume(body['topic'] as string, without(body, 'topic')),
  },
  expectEveryAcknowledgedRecordOnce: {
    summary: 'Fails with the values that are not in the topic, or more than once',
    parameters: [TOPIC, need('acknowledged', 'array', 'values')],
    run: (cluster, { topic, acknowledged }) =>
      cluster.expectEveryAcknowledgedRecordOnce(topic as string, acknowledged as string[]),
  },
  awaitLeader: {
    summary: 'Waits until all running brokers see the same leader; its id',
    parameters: [TOPIC, PARTITION, may('leader', 'integer', 'this broker leads'), TIMEOUT],
    run: (cluster, body) =>
      cluster.awaitLeader(
        body['topic'] as string,
        body['partition'] as number,
        without(body, 'topic', 'partition'),
      ),
  },
  awaitIsr: {
    summary: 'Waits until the in-sync replicas are these, or so many',
    parameters: [TOPIC, PARTITION, need('isr', 'any', 'ids of brokers, or how many'), TIMEOUT],
    run: (cluster, body) => {
      const { topic, partition = 0, isr } = body;
      return cluster.awaitIsr(topic as string, partition as number, isr as number, wait(body));
    },
  },
  awaitGroup: {
    summary: 'Waits until the group is Empty, PreparingRebalance, CompletingRebalance, Stable or Dead',
    parameters: [GROUP, need('state', 'string', 'that it is to have'), TIMEOUT],
    run: (cluster, body) =>
      cluster.awaitGroup(body['group'] as string, body['state'] as 'Stable', wait(body)),
  },
  awaitAssigned: {
    summary: 'Waits until every partition of the topic is some member\u2019s; who has which',
    parameters: [GROUP, TOPIC, TIMEOUT],
    run: async (cluster, body) =>
      Object.fromEntries(
        await cluster.awaitAssigned(body['group'] as string, body['topic'] as string, wait(body)),
      ),
  },
  stop: {
    summary: 'Stops a broker cleanly',
    parameters: [BROKER],
    run: (cluster, { broker }) => cluster.stop(broker as number),
  },
  start: {
    summary: 'Starts a broker again, on its ports and its files',
    parameters: [BROKER],
    run: (cluster, { broker }) => cluster.start(broker as number),
  },
  kill: {
    summary: 'kill -9 of a broker',
    parameters: [BROKER],
    run: (cluster, { broker }) => cluster.kill(broker as number),
  },
  pause: {
    summary: 'SIGSTOP of a broker',
    parameters: [BROKER],
    run: (cluster, { broker }) => cluster.pause(broker as number),
  },
  resume: {
    summary: 'SIGCONT of a broker',
    parameters: [BROKER],
    run: (cluster, { broker }) => cluster.resume(broker as number),
  },
  moveLeader: {
    summary: 'Makes a broker in sync the leader',
    parameters: [TOPIC, PARTITION, TO],
    run: (cluster, { topic, partition = 0, to }) =>
      cluster.moveLeader(topic as string, partition as number, to as number),
  },
  moveCoordinator: {
    summary: 'Moves the coordinator of a group',
    parameters: [GROUP, TO],
    run: (cluster, { group, to }) => cluster.moveCoordinator(group as string, to as number),
  },
  moveController: {
    summary: 'Has this broker become the controller',
    parameters: [TO],
    run: (cluster, { to }) => cluster.moveController(to as number),
  },
  expireSession: {
    summary: 'Ends the ZooKeeper session of a broker that goes on',
    parameters: [BROKER],
    run: (cluster, { broker }) => cluster.expireSession(broker as number),
  },
  cut: {
    summary: 'Cuts the way between two',
    parameters: [...ENDS, may('how', 'string', "'reset' unless given, or 'silent'")],
    run: (cluster, { one, other, ...how }) => cluster.cut(one as number, other as number, how),
  },
  slow: {
    summary: 'Makes everything between two take longer, each way',
    parameters: [...ENDS, need('delayMs', 'number', 'so much longer')],
    run: (cluster, { one, other, delayMs }) =>
      cluster.slow(one as number, other as number, delayMs as number),
  },
  heal: {
    summary: 'Mends the way between two, or all',
    parameters: ENDS.map((end) => ({ ...end, required: false })),
    run: (cluster, { one, other }) => cluster.heal(one as number, other as number),
  },
  failDisk: {
    summary: 'The disk of a broker fails: reads, writes, syncs, or everything',
    parameters: [
      BROKER,
      may('operation', 'string', 'read, write or sync; everything unless given'),
      may('error', 'string', 'EIO unless given, or ENOSPC, EROFS, EACCES'),
      may('times', 'integer', 'operations that fail; any number unless given'),
      ...DISK_PLACE,
    ],
    run: (cluster, { broker, ...how }) => cluster.failDisk(broker as number, how),
  },
  fillDisk: {
    summary: 'The disk of a broker is full, at once or when so many more bytes are written',
    parameters: [BROKER, may('afterBytes', 'integer', 'room that is left; none unless given'), ...DISK_PLACE],
    run: (cluster, { broker, ...how }) => cluster.fillDisk(broker as number, how),
  },
  healDisk: {
    summary: 'The disk is whole again; a directory that was given up serves from the next start',
    parameters: [may('broker', 'integer', 'all unless given')],
    run: (cluster, { broker }) => cluster.healDisk(broker as number),
  },
  failNext: {
    summary: 'Has requests fail: with an error, close, no answer, or late',
    parameters: [
      may('api', 'string', 'such as Produce; all unless given'),
      may('error', 'string', "Kafka's name of an error, 'close' or 'no answer'"),
      may('times', 'integer', 'requests that it strikes; 1 unless given'),
      may('delayMs', 'number', 'how much later the answer comes'),
      may('topic', 'string', 'only requests that name it'),
      may('partition', 'integer', 'with topic'),
      may('clientId', 'string', 'only of this client'),
      may('broker', 'integer', 'only on this broker'),
      may('carriedOut', 'boolean', 'the request is done, and its answer lost'),
      may('probability', 'number', 'share of the requests it fits'),
    ],
    run: (cluster, body) => {
      cluster.failNext(body);
    },
  },
  requests: {
    summary: 'What clients sent, decoded',
    parameters: [may('api', 'string', 'only these'), may('clientId', 'string', 'only of this client')],
    run: (cluster, body) => cluster.requests(body),
  },
  limitVersions: {
    summary: 'Limits the versions of APIs that brokers speak',
    parameters: [need('limits', 'object', '{ "Fetch": [4, 11], "CreatePartitions": null }')],
    run: (cluster, { limits }) => cluster.limitVersions(limits as Record<string, [number, number]>),
  },
  actLike: {
    summary: 'Has brokers speak as those of an earlier release',
    parameters: [need('release', 'string', "such as '2.8'")],
    run: (cluster, { release }) => cluster.actLike(release as string),
  },
  events: {
    summary: 'What has happened to the cluster',
    parameters: [may('kind', 'string', 'such as leader-moved'), may('broker', 'integer', 'who recorded it')],
    run: (cluster, body) => cluster.events(body),
  },
  reset: {
    summary: 'Everything as if it were new: topics, groups, configs and faults are gone',
    parameters: [],
    run: (cluster) => cluster.reset(),
  },
  snapshot: {
    summary: 'A picture of everything, for restore',
    parameters: [may('directory', 'string', 'to keep it; removed at the end unless given')],
    run: (cluster, { directory }) => cluster.snapshot(directory as string | undefined),
  },
  restore: {
    summary: 'Everything as in the picture',
    parameters: [need('directory', 'string', 'that snapshot has answered')],
    run: (cluster, { directory }) => cluster.restore({ directory: directory as string }),
  },
  advance: {
    summary: 'Skips so much of the brokers\u2019 time, in a cluster started with --virtual-time',
    parameters: [need('ms', 'number', 'milliseconds')],
    run: (cluster, { ms }) => cluster.clock.advance(ms as number),
  },
};

export const COMMANDS: ReadonlyMap<string, Command> = new Map(
  Object.entries(TABLE).map(([name, command]) => [name, { name: name as CommandName, ...command }]),
);
