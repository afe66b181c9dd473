/**
 * Builds requests from node-zookeeper-client's jute records, among them the ones its Client has no call
 * for. The chroot is put in front of paths when a request is queued.
 */
import { CreateMode } from 'node-zookeeper-client';
import jute from 'node-zookeeper-client/lib/jute/index.js';
import type { Acl } from '../tree/acl.ts';
import { Opcode } from './opcodes.ts';

export type Request = InstanceType<typeof jute.Request>;

type AclRecord = InstanceType<typeof jute.data.ACL>;

/** As the package's TransactionRequest takes the entries of a list. */
interface AclEntry {
  toRecord(): AclRecord;
}

export function createMode(lifetime: 'persistent' | 'session', sequential: boolean): number {
  if (lifetime === 'session') return sequential ? CreateMode.EPHEMERAL_SEQUENTIAL : CreateMode.EPHEMERAL;
  return sequential ? CreateMode.PERSISTENT_SEQUENTIAL : CreateMode.PERSISTENT;
}

/** A create that answers with the node's stat, and so with its czxid. */
export function create2Request(
  path: string,
  data: Buffer | null,
  o: { readonly mode: number; readonly acl: readonly Acl[] },
): Request {
  const payload = new jute.protocol.CreateRequest();
  payload.path = path;
  payload.data = data as Buffer; // null is written as such; the package's types say nothing of it
  payload.acl = o.acl.map(aclRecord);
  payload.flags = o.mode;
  return requestOf(Opcode.create2, payload);
}

export function setDataRequest(path: string, data: Buffer, version: number): Request {
  const payload = new jute.protocol.SetDataRequest();
  payload.path = path;
  payload.data = data;
  payload.version = version;
  return requestOf(Opcode.setData, payload);
}

export function removeRequest(path: string, version: number): Request {
  const payload = new jute.protocol.DeleteRequest();
  payload.path = path;
  payload.version = version;
  return requestOf(Opcode.remove, payload);
}

export function getAclRequest(path: string): Request {
  const payload = new jute.protocol.GetACLRequest();
  payload.path = path;
  return requestOf(Opcode.getAcl, payload);
}

/** `version` is that of the list, not of the data. */
export function setAclRequest(path: string, acl: readonly Acl[], version: number): Request {
  const payload = new jute.protocol.SetACLRequest();
  payload.path = path;
  payload.acl = acl.map(aclRecord);
  payload.version = version;
  return requestOf(Opcode.setAcl, payload);
}

/** Entries of a list inside an {@link Operation}. */
export function aclEntries(acl: readonly Acl[]): readonly AclEntry[] {
  return acl.map((entry) => ({ toRecord: () => aclRecord(entry) }));
}

function aclRecord({ permissions, scheme, id }: Acl): AclRecord {
  return new jute.data.ACL(permissions, new jute.data.Id(scheme, id));
}

/** Any path will do: a server syncs as a whole. */
export function syncRequest(path: string): Request {
  const payload = new jute.protocol.GetACLRequest(); // SyncRequest has the same layout: one path
  payload.path = path;
  return requestOf(Opcode.sync, payload);
}

/** One operation of a transaction, as the package's TransactionRequest takes it. */
export interface Operation {
  readonly type: number;
  readonly path: string;
  readonly version?: number;
  readonly data?: Buffer | null;
  readonly acls?: readonly AclEntry[];
  readonly mode?: number;
}

/** All or nothing. */
export function multiRequest(operations: readonly Operation[]): Request {
  return requestOf(Opcode.multi, new jute.TransactionRequest(operations));
}

export function closeSessionRequest(): Request {
  return requestOf(Opcode.closeSession, null);
}

/** The xid is filled in when it is sent. */
export function requestOf(opcode: number, payload: Request['payload']): Request {
  const header = new jute.protocol.RequestHeader();
  header.type = opcode;
  return new jute.Request(header, payload);
}

/**
 * The first frame of a connection. With the trailing read-only flag that servers since 3.4 expect and
 * node-zookeeper-client leaves out.
 */
export function connectFrame(o: {
  lastZxid: Buffer;
  timeoutMs: number;
  sessionId: Buffer;
  password: Buffer;
}): Buffer {
  const record = new jute.protocol.ConnectRequest(0, o.lastZxid, o.timeoutMs, o.sessionId, o.password);
  const sizeBytes = record.byteLength() + 1;
  const frame = Buffer.alloc(4 + sizeBytes);
  frame.writeInt32BE(sizeBytes, 0);
  record.serialize(frame, 4);
  return frame;
}
