/** The sessions of a broker with ZooKeeper, as its configuration says: where, by which way, as whom. */
import { zookeeperSource } from '../../coordinator-client/zookeeper/zookeeper.ts';
import type { SocketNetwork } from '../platform/sockets.ts';
import { dialThrough } from '../platform/zookeeper-lines.ts';
import type { ZookeeperAccess } from '../security/zookeeper/zookeeper-access.ts';

/** The configs of a broker that say where, and how long; none of them changes at run time. */
interface ZookeeperPlace {
  readonly zookeeperConnect: string;
  readonly zookeeperSessionTimeoutMs: number;
  readonly zookeeperConnectionTimeoutMs: number;
  readonly zookeeperMaxInFlightRequests: number;
}

/** `sockets`: dials with TLS, and without it as well if `always`. Throws when zookeeper.connect can't be read. */
export function zookeeperSessions(
  config: ZookeeperPlace,
  { tls, credentials, aclOf }: ZookeeperAccess,
  way: {
    readonly sockets: SocketNetwork;
    readonly always?: boolean;
    readonly log?: (message: string) => void;
  },
): ReturnType<typeof zookeeperSource> {
  return zookeeperSource({
    connect: config.zookeeperConnect,
    sessionTimeoutMs: config.zookeeperSessionTimeoutMs,
    connectionTimeoutMs: config.zookeeperConnectionTimeoutMs,
    maxInFlightRequests: config.zookeeperMaxInFlightRequests,
    ...(way.log === undefined ? {} : { log: way.log }),
    ...(credentials === null ? {} : { credentials }),
    ...(aclOf === null ? {} : { aclOf }),
    ...(tls === null && way.always !== true ? {} : { dial: dialThrough(way.sockets, tls) }),
  });
}
