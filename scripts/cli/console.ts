/** `odradek console`: a page in the browser that shows a cluster as it lives. */
import { readFileSync } from 'node:fs';
import { ListenerConfig } from '../../broker/config/listener-config.ts';
import { ConfigError } from '../../broker/config/property.ts';
import { nodeDisk } from '../../broker/platform/node-disk.ts';
import type { TlsServerEnd } from '../../broker/platform/tls.ts';
import { javaStores } from '../../broker/security/tls/java-stores.ts';
import { serverEnd } from '../../broker/security/tls/tls-configs.ts';
import type { ZookeeperAccess } from '../../broker/security/zookeeper/zookeeper-access.ts';
import type { Coordinator } from '../../coordinator-client/coordinator.ts';
import { untilSignalled } from '../cluster/ending.ts';
import { avroSchema } from '../console/avro/avro-schema.ts';
import { SchemaRegistry } from '../console/avro/schema-registry.ts';
import { ValueReader } from '../console/avro/value-reader.ts';
import { type Door, GuardedDoor, openDoor } from '../console/door.ts';
import { DrillDesk } from '../console/drill-desk.ts';
import { EventFeed } from '../console/event-feed.ts';
import { pageFiles } from '../console/page-files.ts';
import { type CommonSources, openReader } from '../console/reader.ts';
import { MOST_ENTRIES } from '../console/recorder.ts';
import { isLocal, serveConsole } from '../console/server.ts';
import { AdminClient } from './admin-client.ts';
import { type Arguments, type CommandSpec, UsageError } from './arguments.ts';
import { bootstrapAddresses, clientOptions } from './bootstrap.ts';
import { type ClientSecurity, clientSecurity, loggedInAs } from './client-security.ts';
import { resourceConfigs } from './configs/resource-configs.ts';
import { print } from './output.ts';
import { propertiesOf } from './properties-file.ts';
import { DRILLS_OUT } from './told-drill.ts';
import { openZookeeper, zkTlsOption, zookeeperAccessOf } from './zookeeper-client.ts';

const CLIENT_ID = 'odradek-console';
const DEFAULT_PORT = 8090;
/** Of what is remembered for each of those who log in. */
const MOST_ENTRIES_OF_ONE = 25_000;
const SESSION_TIMEOUT_MS = 10_000;
const CONNECT_TIMEOUT_MS = 3000;
/** A broker that does not answer in that time is left out of this look. */
const WAITS = { patienceMs: 0, answerTimeoutMs: 2000 };

export const consoleCommand: CommandSpec = {
  name: 'console',
  summary: 'Shows a cluster in the browser, live: brokers, partitions, groups, records, znodes.',
  options: [
    ...clientOptions,
    {
      name: 'zookeeper',
      value: 'HOST:PORT,…',
      help: "the ensemble; unless given, the one that the brokers' configuration names",
    },
    zkTlsOption,
    { name: 'host', value: 'ADDRESS', help: 'where it listens', fallback: '127.0.0.1' },
    {
      name: 'ssl-config',
      value: 'FILE',
      help: "the page comes by HTTPS, with the certificate of this file's ssl.keystore.*, as of a listener",
    },
    {
      name: 'port',
      value: 'PORT',
      kind: 'integer',
      min: 0,
      max: 65_535,
      help: 'where it listens; 0: any that is free',
      fallback: String(DEFAULT_PORT),
    },
    {
      name: 'allow-changes',
      help: 'from the page leaders may be elected, partitions moved, faults struck and drills run',
    },
    {
      name: 'schema-registry',
      value: 'URL',
      help: 'where schemas of records in Avro are, by their ids; user:password@ may stand in it',
    },
    {
      name: 'avro-schema',
      value: 'FILE',
      repeats: true,
      help: "a schema of records in Avro's single-object encoding, which name it by its fingerprint; may be repeated",
    },
    { name: 'drills-out', value: 'DIR', help: 'where the reports of drills go', fallback: DRILLS_OUT },
  ],
  notes:
    'Without --allow-changes it only shows. Apache Kafka in ZooKeeper mode can be looked at as well.\nWith SASL in --command-config each browser logs in with a user and a password of the cluster, and sees and does what that user may.',
  outlivesOutput: true,
  run,
};

interface ConsoleChoice {
  /** As `--bootstrap-server` takes them. */
  readonly bootstrap: string;
  readonly security: ClientSecurity;
  /** Null: the ensemble that the brokers' configuration names. */
  readonly zookeeper: string | null;
  /** Who the console is to ZooKeeper. */
  readonly access: ZookeeperAccess;
  /** Reads keys and values of records. */
  readonly values: ValueReader;
  /** Where the reports of drills go. */
  readonly drillsOut: string;
  readonly host: string;
  /** 0: any that is free. */
  readonly port: number;
  /** What the page is shown with; null: in the clear. */
  readonly tls: TlsServerEnd | null;
  readonly allowChanges: boolean;
}

async function run(given: Arguments): Promise<number> {
  const security = await clientSecurity(given);
  const host = given.needText('host');
  const tls = await pageEnd(given.text('ssl-config'));
  if (!isLocal(host) && tls === null && (security.tls !== null || security.login !== null))
    throw new UsageError(
      `--host takes a loopback address with a --command-config that has security, not ${host}: the page comes in the clear without --ssl-config (or an SSH tunnel leads to it)`,
    );
  const shared = sharedProof(security);
  if (!isLocal(host) && shared !== null)
    throw new UsageError(
      `--host takes a loopback address with a ${shared} in --command-config, not ${host}: whoever opens the page sees what the ${shared} may`,
    );
  const opened = await openConsole({
    bootstrap: given.needText('bootstrap-server'),
    security,
    zookeeper: given.text('zookeeper'),
    access: await zookeeperAccessOf(given),
    values: valuesBy(given),
    drillsOut: given.needText('drills-out'),
    host,
    port: given.needInteger('port'),
    tls,
    allowChanges: given.flag('allow-changes'),
  });
  await print(`console at ${opened.url}; Ctrl-C ends it`);
  // Whoever insists would only leave the files of a drill behind: its processes are killed, which takes no time.
  await untilSignalled(() => {});
  await opened.close();
  return 0;
}

/** A console until `close` has resolved; then no drill of it runs any more, either. One that did is told of. */
export async function openConsole(
  choice: ConsoleChoice,
): Promise<{ readonly url: string; close(): Promise<void> }> {
  const { bootstrap, security, values, host, port, tls, allowChanges } = choice;
  const admin = new AdminClient(bootstrap, CLIENT_ID, WAITS, security);
  const coordinator = await openCoordinator(admin, choice);
  const events = new EventFeed(admin);
  const drills = new DrillDesk({ out: choice.drillsOut, nowMs: Date.now });
  const common = { drills, values, events, coordinator, nowMs: Date.now };
  const [files, door] = await Promise.all([pageFiles(), doorTo(admin, security, { bootstrap, common })]);
  events.start();
  const server = await serveConsole(door, { host, port, allowChanges, tls, files });
  return {
    url: server.url,
    async close() {
      server.close();
      const drill = await drills.callOff();
      if (drill !== null) tellCalledOff(drill);
      door.close();
      admin.close();
      await coordinator?.close();
    },
  };
}

/** That nobody reads it is no reason to leave anything behind. */
function tellCalledOff(drill: string): void {
  print(`the drill ${drill}, which was run from the page, is called off`).catch(() => {});
}

/** What stands in a file that is no schema is told before anything is opened. */
function valuesBy(given: Arguments): ValueReader {
  const schemas: string[] = [];
  for (const file of given.all('avro-schema')) {
    try {
      const schema = readFileSync(file, 'utf8');
      avroSchema(schema);
      schemas.push(schema);
    } catch (error) {
      throw new UsageError(`--avro-schema ${file}: ${error instanceof Error ? error.message : error}`);
    }
  }
  return new ValueReader(registryOf(given), schemas);
}

/** Null: none is named. */
function registryOf(given: Arguments): SchemaRegistry | null {
  const text = given.text('schema-registry');
  if (text === null) return null;
  const url = URL.parse(text);
  if (url === null || !/^https?:$/.test(url.protocol) || /%(?![\da-f]{2})/i.test(url.username + url.password))
    throw new UsageError('--schema-registry takes an http:// or https:// URL');
  return new SchemaRegistry(url, Date.now);
}

interface DoorParts {
  readonly bootstrap: string;
  readonly common: Omit<CommonSources, 'mostEntries'>;
}

/** By what everybody who opens the page acts as one user of the cluster's; null: by nothing. */
function sharedProof(security: ClientSecurity): 'token' | 'certificate' | null {
  if (hasToken(security)) return 'token';
  const { tls, login } = security;
  return login === null && tls !== null && tls.identity !== null ? 'certificate' : null;
}

/** A token is of one user, and nobody else can log in by what he knows. */
function hasToken({ login }: ClientSecurity): boolean {
  return login !== null && 'getToken' in login;
}

/** Whoever has a user and a password of the cluster's logs in with them; where it has none, all come in. */
async function doorTo(
  admin: AdminClient,
  security: ClientSecurity,
  { bootstrap, common }: DoorParts,
): Promise<Door> {
  if (security.login === null || hasToken(security))
    return openDoor(await openReader({ ...common, mostEntries: MOST_ENTRIES }, admin, null));
  // What is wrong with the console's own login is told at once.
  await admin.metadata([]);
  return new GuardedDoor({
    ...common,
    mostEntries: MOST_ENTRIES_OF_ONE,
    bootstrap: bootstrapAddresses(bootstrap),
    clientOf: (user, password) =>
      new AdminClient(bootstrap, CLIENT_ID, WAITS, loggedInAs(security, user, password)),
  });
}

/** Null, with a line that says why, where it can't be reached: then everything else is shown. */
async function openCoordinator(
  admin: AdminClient,
  { zookeeper: named, access }: Pick<ConsoleChoice, 'zookeeper' | 'access'>,
): Promise<Coordinator | null> {
  const connect = named ?? (await configuredEnsemble(admin));
  if (connect === '') {
    await print('no broker tells its ensemble: znodes and sessions are not shown (--zookeeper HOST:PORT)');
    return null;
  }
  const times = { sessionTimeoutMs: SESSION_TIMEOUT_MS, connectionTimeoutMs: CONNECT_TIMEOUT_MS };
  try {
    return await openZookeeper(connect, access, times);
  } catch (error) {
    if (named !== null) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    await print(`${reason}: znodes and sessions are not shown (--zookeeper HOST:PORT)`);
    return null;
  }
}

/** What the page is shown with; null: in the clear. Throws UsageError, which names the config. */
async function pageEnd(file: string | null): Promise<TlsServerEnd | null> {
  if (file === null) return null;
  const { values } = new ListenerConfig(propertiesOf('ssl-config', file), '');
  try {
    return await serverEnd(values, '', { disk: nodeDisk, javaStores });
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    throw new UsageError(`--ssl-config ${file}: ${error.message}`);
  }
}

async function configuredEnsemble(admin: AdminClient): Promise<string> {
  const { brokers } = await admin.metadata([]);
  const id = String(brokers[0]?.nodeId ?? '');
  // Who may not see a broker's configs may see the rest.
  const configs = await resourceConfigs(admin, { type: 'brokers', name: id }).catch(() => []);
  return configs.find(({ name }) => name === 'zookeeper.connect')?.value ?? '';
}
