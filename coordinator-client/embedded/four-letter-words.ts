/**
 * The administrator's words: four letters as the first bytes of a connection, answered with text.
 * Source: org.apache.zookeeper.server.command.
 */
import type { ClientConnection, ServerCore } from './server-core.ts';

/** The ZooKeeper whose behaviour this server has. */
const VERSION = '3.9.3-odradek';

const WORDS: ReadonlyMap<string, (core: ServerCore) => string> = new Map([
  ['ruok', () => 'imok'],
  ['isro', () => 'rw'],
  ['srvr', (core) => `${versionLine()}${statusLines(core)}`],
  ['stat', (core) => `${versionLine()}Clients:\n${clientLines(core)}\n${statusLines(core)}`],
  ['cons', (core) => `${clientLines(core)}\n`],
  ['conf', configuration],
  ['envi', environment],
  ['mntr', monitor],
  ['dump', dump],
  ['dirs', directories],
  ['wchs', watchSummary],
  ['wchc', watchesByConnection],
  ['wchp', watchesByPath],
  ['crst', resetConnections],
  ['srst', resetStatistics],
]);

/** `bytes` are the first four of a connection. */
export function isFourLetterWord(bytes: Buffer): boolean {
  return WORDS.has(bytes.toString('latin1'));
}

/** Empty for a word that is none. */
export function fourLetterAnswer(word: string, core: ServerCore): string {
  return WORDS.get(word)?.(core) ?? '';
}

function versionLine(): string {
  return `Zookeeper version: ${VERSION}\n`;
}

function hex(value: bigint): string {
  return `0x${BigInt.asUintN(64, value).toString(16)}`;
}

function statusLines(core: ServerCore): string {
  const { statistics, database } = core;
  return lines([
    `Received: ${statistics.received}`,
    `Sent: ${statistics.sent}`,
    `Connections: ${core.connections.size}`,
    `Outstanding: ${core.journal.appended - core.journal.durable}`,
    `Zxid: ${hex(database.lastZxid)}`,
    'Mode: standalone',
    `Node count: ${database.tree.size}`,
  ]);
}

function clientLines(core: ServerCore): string {
  return lines(Array.from(core.connections, (connection) => ` ${clientLine(core, connection)}`));
}

function clientLine(core: ServerCore, connection: ClientConnection): string {
  const { traffic, sessionId } = connection;
  const session = sessionId === null ? undefined : core.database.sessions.get(sessionId);
  const counts = `queued=0,recved=${traffic.received},sent=${traffic.sent}`;
  const more = session
    ? `,sid=${hex(session.id)},lop=${traffic.lastOpcode},est=${connection.establishedMs},to=${session.timeoutMs}` +
      `,lcxid=0x${(traffic.lastXid >>> 0).toString(16)},lzxid=${hex(traffic.lastZxid)}`
    : '';
  return `${endOf(connection)}[${session ? 1 : 0}](${counts}${more})`;
}

function endOf(connection: ClientConnection): string {
  return `/${connection.address}:${connection.port}`;
}

/** Sizes of the files, both 0 for a server in memory. */
function directories({ journal }: ServerCore): string {
  const { snapshotBytes, logBytes } = journal.sizes();
  return lines([`datadir_size: ${snapshotBytes}`, `logdir_size: ${logBytes}`]);
}

function configuration({ options }: ServerCore): string {
  return lines([
    `clientPort=${options.port}`,
    `dataDir=${options.dataDir ?? ''}`,
    `tickTime=${options.tickMs}`,
    `maxClientCnxns=${options.maxConnectionsPerAddress}`,
    `minSessionTimeout=${options.minSessionTimeoutMs}`,
    `maxSessionTimeout=${options.maxSessionTimeoutMs}`,
    `jute.maxbuffer=${options.maxRequestBytes}`,
    'serverId=0',
  ]);
}

function environment(): string {
  return lines([
    'Environment:',
    `zookeeper.version=${VERSION}`,
    `node.version=${process.version}`,
    `os.name=${process.platform}`,
    `os.arch=${process.arch}`,
  ]);
}

function monitor(core: ServerCore): string {
  const { database, statistics } = core;
  const figures: readonly (readonly [string, string | number])[] = [
    ['version', VERSION],
    ['server_state', 'standalone'],
    ['packets_received', statistics.received],
    ['packets_sent', statistics.sent],
    ['num_alive_connections', core.connections.size],
    ['outstanding_requests', core.journal.appended - core.journal.durable],
    ['znode_count', database.tree.size],
    ['watch_count', database.watches.counts().watches],
    ['ephemerals_count', database.tree.ephemeralCount],
    ['approximate_data_size', database.tree.approximateBytes],
    ['global_sessions', database.sessions.size],
    ['uptime', core.clock.wallMs() - core.startedMs],
  ];
  return lines(figures.map(([name, value]) => `zk_${name}\t${value}`));
}

function dump(core: ServerCore): string {
  const sessions = [...core.database.sessions.all()];
  const owning = sessions.filter(({ id }) => core.database.tree.ephemeralsOf(id).size > 0);
  return lines([
    'SessionTracker dump:',
    `Global Sessions(${sessions.length}):`,
    ...sessions.map(({ id, timeoutMs }) => `${hex(id)}\t${timeoutMs}ms`),
    'ephemeral nodes dump:',
    `Sessions with Ephemerals (${owning.length}):`,
    ...owning.flatMap(({ id }) => [
      `${hex(id)}:`,
      ...Array.from(core.database.tree.ephemeralsOf(id), tabbed),
    ]),
    'Connections dump:',
    `Connections Sets (${core.connections.size}):`,
    ...Array.from(core.connections, (connection) => `\t${endOf(connection)}`),
  ]);
}

function watchSummary(core: ServerCore): string {
  const { watchers, paths, watches } = core.database.watches.counts();
  return lines([`${watchers} connections watching ${paths} paths`, `Total watches:${watches}`]);
}

function watchesByConnection(core: ServerCore): string {
  const blocks: string[] = [];
  for (const [watcher, paths] of core.database.watches.byWatcher()) {
    blocks.push(sessionOf(watcher as ClientConnection), ...Array.from(paths, tabbed));
  }
  return lines(blocks);
}

function watchesByPath(core: ServerCore): string {
  const byPath = new Map<string, string[]>();
  for (const [watcher, paths] of core.database.watches.byWatcher()) {
    for (const path of paths)
      byPath.set(path, [...(byPath.get(path) ?? []), sessionOf(watcher as ClientConnection)]);
  }
  return lines([...byPath].flatMap(([path, sessions]) => [path, ...sessions.map(tabbed)]));
}

function resetConnections(core: ServerCore): string {
  for (const { traffic } of core.connections) Object.assign(traffic, { received: 0, sent: 0 });
  return 'Connection stats reset.\n';
}

function resetStatistics(core: ServerCore): string {
  Object.assign(core.statistics, { received: 0, sent: 0 });
  return 'Server stats reset.\n';
}

function sessionOf(connection: ClientConnection): string {
  return hex(connection.sessionId ?? 0n);
}

function tabbed(text: string): string {
  return `\t${text}`;
}

function lines(all: readonly string[]): string {
  return all.map((line) => `${line}\n`).join('');
}
