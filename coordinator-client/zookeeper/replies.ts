/**
 * Reads the body of an answer, by the type of its request, with node-zookeeper-client's jute records, and
 * the two request types those lack: create2 (a create that answers with the node's stat) and sync.
 */
import jute from 'node-zookeeper-client/lib/jute/index.js';
import { Opcode } from './opcodes.ts';
import type { Request } from './requests.ts';

type JuteRecord = NonNullable<Request['payload']>;
export type Stat = InstanceType<typeof jute.data.Stat>;

interface ReplyHeader {
  readonly xid: number;
  /** Eight bytes; in the answer to a write it is that write's own zxid. */
  readonly zxid: Buffer;
  readonly err: number;
}

/** The payload is null with an error. */
export interface Reply<Payload = object | null> {
  readonly header: ReplyHeader;
  readonly payload: Payload;
}

export type AclRecords = InstanceType<typeof jute.protocol.GetACLResponse>;

export interface Created {
  readonly path: string;
  readonly stat: Stat;
}

export const REPLY_HEADER_BYTES = 16;

/** The zxid is a copy: the frame may go. */
export function readReplyHeader(frame: Buffer): ReplyHeader {
  return {
    xid: frame.readInt32BE(0),
    zxid: Buffer.from(frame.subarray(4, 12)),
    err: frame.readInt32BE(12),
  };
}

/** The answer's body; null where a request type has none that anyone asks for. */
export function readReply(opcode: number, frame: Buffer, chroot: string | undefined): object | null {
  const record = recordFor(opcode);
  if (record === null) return null;
  record.setChrootPath(chroot);
  const at = REPLY_HEADER_BYTES + record.deserialize(frame, REPLY_HEADER_BYTES);
  if (opcode !== Opcode.create2) return record;
  const stat = new jute.data.Stat();
  stat.deserialize(frame, at);
  return { path: 'path' in record ? record.path : '', stat };
}

function recordFor(opcode: number): JuteRecord | null {
  switch (opcode) {
    case Opcode.create:
    case Opcode.create2:
      return new jute.protocol.CreateResponse();
    case Opcode.exists:
      return new jute.protocol.ExistsResponse();
    case Opcode.getData:
      return new jute.protocol.GetDataResponse();
    case Opcode.setData:
      return new jute.protocol.SetDataResponse();
    case Opcode.getAcl:
      return new jute.protocol.GetACLResponse();
    case Opcode.setAcl:
      return new jute.protocol.SetACLResponse();
    case Opcode.getChildren2:
      return new jute.protocol.GetChildren2Response();
    case Opcode.multi:
      return new jute.TransactionResponse();
    default:
      return null;
  }
}
