/**
 * ZooKeeper for commands: by TLS as `--zk-tls-config-file` says, as whoever the JAAS file in KAFKA_OPTS names.
 * Who can be told from others secures what it makes, as Kafka's tools do.
 * Source: ZkSecurityMigrator.createZkClientConfigFromFile, AclCommand and ConfigCommand of Kafka 3.9.
 */
import { ConfigError } from '../../broker/config/property.ts';
import { zookeeperSessions } from '../../broker/node/zookeeper-session.ts';
import { nodeDisk } from '../../broker/platform/node-disk.ts';
import { tcpSockets } from '../../broker/platform/tcp-sockets.ts';
import { jvmProperties } from '../../broker/security/jvm-options.ts';
import { javaStores } from '../../broker/security/tls/java-stores.ts';
import {
  TLS_CONFIGS,
  type ZookeeperAccess,
  zookeeperAccess,
} from '../../broker/security/zookeeper/zookeeper-access.ts';
import { securedAcl } from '../../coordinator-client/znodes/znode-acls.ts';
import { type Arguments, type OptionSpec, UsageError } from './arguments.ts';
import { propertiesOf } from './properties-file.ts';

type ZookeeperSession = Awaited<ReturnType<ReturnType<typeof zookeeperSessions>['open']>>;

const FILE_OPTION = 'zk-tls-config-file';
const TIMEOUT_MS = 10_000;
const MAX_IN_FLIGHT_REQUESTS = 50;

/** For every command that talks to ZooKeeper itself. */
export const zkTlsOption: OptionSpec = {
  name: FILE_OPTION,
  value: 'FILE',
  help: 'TLS to ZooKeeper: zookeeper.ssl.client.enable, zookeeper.clientCnxnSocket, zookeeper.ssl.*; other lines mean nothing',
};

/** Who a command is to ZooKeeper. Throws UsageError, which names the config. */
export async function zookeeperAccessOf(given: Arguments): Promise<ZookeeperAccess> {
  const file = given.text(FILE_OPTION);
  try {
    const jvm = jvmProperties(process.env['KAFKA_OPTS'] ?? '');
    return await zookeeperAccess(file === null ? new Map() : tlsConfigsIn(file), jvm, {
      disk: nodeDisk,
      javaStores,
    });
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    throw new UsageError(file === null ? error.message : `--${FILE_OPTION} ${file}: ${error.message}`);
  }
}

/** Opens a session, or throws in one line. `aclOf` of the access is not asked. */
export async function openZookeeper(
  connect: string,
  access: ZookeeperAccess,
  times: { readonly sessionTimeoutMs?: number; readonly connectionTimeoutMs?: number } = {},
): Promise<ZookeeperSession> {
  const timeoutMs = times.connectionTimeoutMs ?? TIMEOUT_MS;
  const source = zookeeperSessions(
    {
      zookeeperConnect: connect,
      zookeeperSessionTimeoutMs: times.sessionTimeoutMs ?? TIMEOUT_MS,
      zookeeperConnectionTimeoutMs: timeoutMs,
      zookeeperMaxInFlightRequests: MAX_IN_FLIGHT_REQUESTS,
    },
    { ...access, aclOf: access.isIdentified ? securedAcl : null },
    { sockets: tcpSockets() },
  );
  return source.open(timeoutMs).catch((error: unknown) => {
    const reason = error instanceof Error ? error.message : String(error);
    if (/^no session within/.test(reason))
      throw new Error(`no ZooKeeper answered at ${connect} within ${timeoutMs} ms`);
    throw new Error(`ZooKeeper at ${connect}: ${reason}`);
  });
}

function tlsConfigsIn(file: string): ReadonlyMap<string, string> {
  return new Map([...propertiesOf(FILE_OPTION, file)].filter(([name]) => TLS_CONFIGS.includes(name)));
}
