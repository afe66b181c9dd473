/**
 * The numbers of ZooKeeper's protocol and the records that many answers share.
 * Source: org.apache.zookeeper.ZooDefs.OpCode, zookeeper.jute, Watcher.Event.EventType.
 */
import type { Acl } from '../tree/acl.ts';
import type { WatchEventType } from '../tree/watches.ts';
import type { Stat } from '../tree/znode.ts';
import type { JuteReader, JuteWriter } from './jute.ts';

export const Opcode = {
  CREATE: 1,
  DELETE: 2,
  EXISTS: 3,
  GET_DATA: 4,
  SET_DATA: 5,
  GET_ACL: 6,
  SET_ACL: 7,
  GET_CHILDREN: 8,
  SYNC: 9,
  PING: 11,
  GET_CHILDREN2: 12,
  CHECK: 13,
  MULTI: 14,
  CREATE2: 15,
  RECONFIG: 16,
  CHECK_WATCHES: 17,
  REMOVE_WATCHES: 18,
  CREATE_CONTAINER: 19,
  CREATE_TTL: 21,
  MULTI_READ: 22,
  AUTH: 100,
  SET_WATCHES: 101,
  SASL: 102,
  GET_EPHEMERALS: 103,
  GET_ALL_CHILDREN_NUMBER: 104,
  SET_WATCHES2: 105,
  ADD_WATCH: 106,
  WHO_AM_I: 107,
  CLOSE_SESSION: -11,
  /** In the results of a multi. */
  ERROR: -1,
} as const;

/** Correlation ids that stand for something else than a request of the client. */
export const Xid = { EVENT: -1, PING: -2, AUTH: -4 } as const;

/** The session state in every watch event: SyncConnected. */
const SYNC_CONNECTED = 3;

const EVENT_TYPES: Readonly<Record<WatchEventType, number>> = {
  created: 1,
  deleted: 2,
  dataChanged: 3,
  childrenChanged: 4,
};

/** An empty vector of ACLs or strings takes no less than this per element. */
const SMALLEST_ACL_BYTES = 12;

/** `stat` in zookeeper.jute. */
export function writeStat(writer: JuteWriter, stat: Stat): void {
  writer.long(stat.czxid).long(stat.mzxid).safeLong(stat.ctimeMs).safeLong(stat.mtimeMs);
  writer.int(stat.version).int(stat.cversion).int(stat.aversion).long(stat.ephemeralOwner);
  writer.int(stat.dataLength).int(stat.numChildren).long(stat.pzxid);
}

export function writeAcl(writer: JuteWriter, acl: readonly Acl[]): void {
  writer.int(acl.length);
  for (const entry of acl) writer.int(entry.permissions).string(entry.scheme).string(entry.id);
}

export function readAcl(reader: JuteReader): Acl[] {
  return reader.vector(SMALLEST_ACL_BYTES, () => ({
    permissions: reader.int(),
    scheme: reader.string(),
    id: reader.string(),
  }));
}

/** `zxid` is the last one of the database, or that of the change in an event. */
export function writeReplyHeader(writer: JuteWriter, xid: number, zxid: bigint, code: number): void {
  writer.int(xid).long(zxid).int(code);
}

/** The body of a watch event, behind its reply header. */
export function writeWatchEvent(writer: JuteWriter, type: WatchEventType, path: string): void {
  writer.int(EVENT_TYPES[type]).int(SYNC_CONNECTED).string(path);
}
