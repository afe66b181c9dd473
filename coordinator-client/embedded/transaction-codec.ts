/**
 * Transactions and znodes as bytes, for the transaction log and the snapshots. A format of our own,
 * written with jute's primitives; a change of it is a new number in the files' magic.
 */

import { OPEN_ACL } from '../tree/acl.ts';
import type { Edit, Transaction } from '../tree/transaction.ts';
import type { Znode, ZnodeFields } from '../tree/znode.ts';
import { JuteError, type JuteReader, type JuteWriter } from './jute.ts';
import { readAcl, writeAcl } from './wire.ts';

const EditCode = {
  CREATE: 1,
  DELETE: 2,
  SET_DATA: 3,
  SET_ACL: 4,
  OPEN_SESSION: 5,
  CLOSE_SESSION: 6,
} as const;

/** An empty edit list element is a code and a path or a session id. */
const SMALLEST_EDIT_BYTES = 8;

export function writeTransaction(writer: JuteWriter, transaction: Transaction): void {
  writer.long(transaction.zxid).safeLong(transaction.timeMs).int(transaction.edits.length);
  for (const edit of transaction.edits) writeEdit(writer, edit);
}

/** Throws JuteError for what `writeTransaction` cannot have written. */
export function readTransaction(reader: JuteReader): Transaction {
  const zxid = reader.long();
  const timeMs = Number(reader.long());
  return { zxid, timeMs, edits: reader.vector(SMALLEST_EDIT_BYTES, () => readEdit(reader)) };
}

/** Without its children: each has a record of its own, behind its parent's. */
export function writeZnode(writer: JuteWriter, path: string, node: Znode): void {
  writer.string(path).buffer(node.data).long(node.owner);
  writer.long(node.czxid).long(node.mzxid).long(node.pzxid).safeLong(node.ctimeMs).safeLong(node.mtimeMs);
  writer.int(node.version).int(node.aversion).int(node.creations);
  writeAcl(writer, node.acl === OPEN_ACL ? [] : node.acl);
}

export function readZnode(reader: JuteReader): { path: string; fields: ZnodeFields } {
  const path = reader.string();
  const data = copied(reader.buffer());
  const owner = reader.long();
  const [czxid, mzxid, pzxid] = [reader.long(), reader.long(), reader.long()];
  const [ctimeMs, mtimeMs] = [Number(reader.long()), Number(reader.long())];
  const [version, aversion, creations] = [reader.int(), reader.int(), reader.int()];
  const acl = openIfEmpty(readAcl(reader));
  return {
    path,
    fields: { data, acl, owner, czxid, mzxid, pzxid, ctimeMs, mtimeMs, version, aversion, creations },
  };
}

function writeEdit(writer: JuteWriter, edit: Edit): void {
  switch (edit.kind) {
    case 'create':
      writer.int(EditCode.CREATE).string(edit.path).buffer(edit.data).long(edit.owner);
      writeAcl(writer, edit.acl === OPEN_ACL ? [] : edit.acl);
      break;
    case 'delete':
      writer.int(EditCode.DELETE).string(edit.path);
      break;
    case 'setData':
      writer.int(EditCode.SET_DATA).string(edit.path).buffer(edit.data);
      break;
    case 'setAcl':
      writer.int(EditCode.SET_ACL).string(edit.path);
      writeAcl(writer, edit.acl === OPEN_ACL ? [] : edit.acl);
      break;
    case 'openSession':
      writer.int(EditCode.OPEN_SESSION).long(edit.sessionId).int(edit.timeoutMs);
      break;
    case 'closeSession':
      writer.int(EditCode.CLOSE_SESSION).long(edit.sessionId);
      break;
  }
}

function readEdit(reader: JuteReader): Edit {
  const code = reader.int();
  switch (code) {
    case EditCode.CREATE: {
      const [path, data, owner] = [reader.string(), copied(reader.buffer()), reader.long()];
      return { kind: 'create', path, data, owner, acl: openIfEmpty(readAcl(reader)) };
    }
    case EditCode.DELETE:
      return { kind: 'delete', path: reader.string() };
    case EditCode.SET_DATA:
      return { kind: 'setData', path: reader.string(), data: copied(reader.buffer()) };
    case EditCode.SET_ACL:
      return { kind: 'setAcl', path: reader.string(), acl: openIfEmpty(readAcl(reader)) };
    case EditCode.OPEN_SESSION:
      return { kind: 'openSession', sessionId: reader.long(), timeoutMs: reader.int() };
    case EditCode.CLOSE_SESSION:
      return { kind: 'closeSession', sessionId: reader.long() };
    default:
      throw new JuteError(`edit ${code} is unknown`);
  }
}

function openIfEmpty(acl: ReturnType<typeof readAcl>): ZnodeFields['acl'] {
  return acl.length === 0 ? OPEN_ACL : acl;
}

function copied(view: Buffer | null): Buffer | null {
  return view === null ? null : Buffer.from(view);
}
