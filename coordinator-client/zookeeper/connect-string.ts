/**
 * Reads `zookeeper.connect`: a list of servers and an optional chroot, `host:port,[::1]:port/chroot`.
 * Source: Kafka's documentation of zookeeper.connect; ZooKeeper's ConnectStringParser.
 */
import { isValidPath } from '../tree/path.ts';

export interface ServerAddress {
  readonly host: string;
  readonly port: number;
}

export interface ConnectString {
  readonly servers: readonly ServerAddress[];
  /** '' when there is none. */
  readonly chroot: string;
}

const DEFAULT_PORT = 2181;

/** Throws with a message that names the faulty part. */
export function parseConnectString(connect: string): ConnectString {
  const slash = connect.indexOf('/');
  const list = slash < 0 ? connect : connect.slice(0, slash);
  const path = slash < 0 ? '/' : connect.slice(slash);
  if (!isValidPath(path)) throw new Error(`zookeeper.connect: invalid chroot '${path}'`);
  const servers = list
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '')
    .map(parseServer);
  if (servers.length === 0) throw new Error(`zookeeper.connect: no server in '${connect}'`);
  return { servers, chroot: path === '/' ? '' : path };
}

function parseServer(text: string): ServerAddress {
  const match = /^(?:\[([^\]]+)\]|([^:[\]]+))(?::(\d{1,5}))?$/.exec(text);
  const host = match?.[1] ?? match?.[2];
  const port = Number(match?.[3] ?? DEFAULT_PORT);
  if (host === undefined || port < 1 || port > 65535) {
    throw new Error(`zookeeper.connect: '${text}' is not host:port`);
  }
  return { host, port };
}
