/**
 * A commit as ZooKeeper requests and back: a single change as the plain request (cheaper for the server
 * than a transaction), several as a multi. A version is passed on as it is: the package's Transaction
 * takes 0 for "any version", so its operations are written here.
 */
import type jute from 'node-zookeeper-client/lib/jute/index.js';
import type { Change, ChangeResult, Committed, Rejected, RejectReason } from '../coordinator.ts';
import type { Acl } from '../tree/acl.ts';
import { isValidPath } from '../tree/path.ts';
import { Opcode, ServerCode } from './opcodes.ts';
import type { Created, Reply, Stat } from './replies.ts';
import {
  aclEntries,
  create2Request,
  createMode,
  multiRequest,
  type Operation,
  type Request,
  removeRequest,
  setDataRequest,
} from './requests.ts';

type MultiResults = InstanceType<typeof jute.TransactionResponse>['results'];

/** Headers, flags and access list of one change, generously: a list has two entries at most. */
const CHANGE_OVERHEAD_BYTES = 96;

const REASONS = new Map<number, RejectReason>([
  [ServerCode.nodeExists, 'exists'],
  [ServerCode.noNode, 'missing'],
  [ServerCode.badVersion, 'version'],
  [ServerCode.notEmpty, 'not-empty'],
  [ServerCode.noChildrenForEphemerals, 'ephemeral-parent'],
  [ServerCode.noAuth, 'denied'],
  [ServerCode.badArguments, 'invalid'],
  [ServerCode.marshallingError, 'invalid'],
  [ServerCode.invalidAcl, 'invalid'],
  [ServerCode.quotaExceeded, 'invalid'],
]);

/**
 * The first change that ZooKeeper would refuse by its form, or at which the request outgrows
 * `maxRequestBytes`: a server does not answer such a request but closes the connection.
 */
export function refusedByForm(
  changes: readonly Change[],
  o: { maxRequestBytes: number; chrootBytes: number },
): Rejected | null {
  let sizeBytes = 0;
  for (const [index, change] of changes.entries()) {
    sizeBytes += CHANGE_OVERHEAD_BYTES + o.chrootBytes + Buffer.byteLength(change.path);
    if ('data' in change) sizeBytes += change.data.length;
    const sequential = change.op === 'create' && change.sequential === true;
    if (!isValidPath(sequential ? `${change.path}0` : change.path) || sizeBytes > o.maxRequestBytes) {
      return { ok: false, index, reason: 'invalid' };
    }
  }
  return null;
}

/** The list that a node is created with. */
export type AclOf = (path: string) => readonly Acl[];

/** `changes` is not empty and has passed `refusedByForm`. */
export function commitRequest(changes: readonly Change[], aclOf: AclOf): Request {
  const [only] = changes;
  if (changes.length === 1 && only !== undefined) {
    switch (only.op) {
      case 'create':
        return create2Request(only.path, dataOf(only), {
          mode: createMode(only.lifetime, only.sequential === true),
          acl: aclOf(only.path),
        });
      case 'put':
        return setDataRequest(only.path, only.data, only.version);
      case 'remove':
        return removeRequest(only.path, only.version);
      case 'check': // exists only inside a transaction
    }
  }
  return multiRequest(changes.map((change) => operationOf(change, aclOf)));
}

function operationOf(change: Change, aclOf: AclOf): Operation {
  const { path } = change;
  switch (change.op) {
    case 'create':
      return {
        type: Opcode.create,
        path,
        data: dataOf(change),
        acls: aclEntries(aclOf(path)),
        mode: createMode(change.lifetime, change.sequential === true),
      };
    case 'put':
      return { type: Opcode.setData, path, data: change.data, version: change.version };
    case 'remove':
      return { type: Opcode.remove, path, version: change.version };
    case 'check':
      return { type: Opcode.check, path, version: change.version };
  }
}

/** A node that is made for its name or its children has no data at all, as Kafka makes them. */
function dataOf({ data }: Extract<Change, { op: 'create' }>): Buffer | null {
  return data.length === 0 ? null : data;
}

/** The outcome that the answer to `commitRequest(changes)` tells. */
export function outcomeOf(changes: readonly Change[], reply: Reply): Committed | Rejected {
  const { payload } = reply;
  const [only] = changes;
  if (payload !== null && 'results' in payload) {
    const results = payload.results as MultiResults;
    return refusalIn(results) ?? { ok: true, results: changes.map(multiResult(results, reply.header.zxid)) };
  }
  if (only === undefined) return { ok: true, results: [] };
  return { ok: true, results: [singleResult(only, payload)] };
}

/** The rejection that an error code of a single request stands for; null when it is none. */
export function refusalOf(code: number): Rejected | null {
  const reason = REASONS.get(code);
  return reason === undefined ? null : { ok: false, index: 0, reason };
}

/** In a refused transaction the changes before the guilty one carry 0, the later ones "not looked at". */
function refusalIn(results: MultiResults): Rejected | null {
  const index = results.findIndex((result) => result.err !== undefined && result.err !== ServerCode.ok);
  const code = results[index]?.err;
  if (code === undefined) return null;
  return { ok: false, index, reason: REASONS.get(code) ?? 'invalid' };
}

function singleResult(change: Change, payload: object | null): ChangeResult {
  if (change.op === 'create') {
    const created = payload as Created;
    return { path: created.path, version: created.stat.version, czxid: created.stat.czxid.readBigInt64BE() };
  }
  if (change.op === 'put') return putResult(change.path, (payload as { stat: Stat }).stat);
  return { path: change.path, version: -1, czxid: 0n };
}

function multiResult(results: MultiResults, zxid: Buffer): (change: Change, index: number) => ChangeResult {
  return (change, index) => {
    const result = results[index];
    switch (change.op) {
      case 'create': // a transaction has one zxid, which its answer carries
        return { path: result?.path ?? change.path, version: 0, czxid: zxid.readBigInt64BE() };
      case 'put':
        return putResult(change.path, result?.stat);
      case 'remove':
        return { path: change.path, version: -1, czxid: 0n };
      case 'check':
        return { path: change.path, version: change.version, czxid: 0n };
    }
  };
}

function putResult(path: string, stat: Stat | undefined): ChangeResult {
  if (stat === undefined) throw new Error(`no stat in the answer to a put of ${path}`);
  return { path, version: stat.version, czxid: stat.czxid.readBigInt64BE() };
}
