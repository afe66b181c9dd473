/** Access lists of nodes, read and replaced: what a tool does that secures a tree, and no broker ever. */
import { CoordinatorError, type RejectReason } from '../coordinator.ts';
import type { Acl } from '../tree/acl.ts';
import { refusalOf } from './commits.ts';
import { RequestError, ServerCode } from './opcodes.ts';
import type { AclRecords, Reply } from './replies.ts';
import { getAclRequest, type Request, setAclRequest } from './requests.ts';

export interface AccessList {
  readonly acl: readonly Acl[];
  /** Of the list, counted apart from that of the data. */
  readonly version: number;
}

type Send = (request: Request) => Promise<Reply>;

/** null when there is no such node, `denied` when we may not look. Rejects with CoordinatorError. */
export async function readAccessList(send: Send, path: string): Promise<AccessList | 'denied' | null> {
  try {
    const { acl, stat } = (await send(getAclRequest(path))).payload as AclRecords;
    const entries = acl.map(({ perms, id }) => ({ permissions: perms, scheme: id.scheme, id: id.id }));
    return { acl: entries, version: stat.aversion };
  } catch (error) {
    if (error instanceof RequestError && error.code === ServerCode.noNode) return null;
    if (error instanceof RequestError && error.code === ServerCode.noAuth) return 'denied';
    throw failureOf(error);
  }
}

/** null: done. `version`: of the list, or -1 for any. Rejects with CoordinatorError. */
export async function replaceAccessList(
  send: Send,
  path: string,
  { acl, version }: AccessList,
): Promise<RejectReason | null> {
  try {
    await send(setAclRequest(path, acl, version));
    return null;
  } catch (error) {
    const refusal = error instanceof RequestError ? refusalOf(error.code) : null;
    if (refusal !== null) return refusal.reason;
    throw failureOf(error);
  }
}

function failureOf(error: unknown): CoordinatorError {
  const sent = error instanceof RequestError && error.sent;
  const message = error instanceof Error ? error.message : String(error);
  return new CoordinatorError(sent ? 'outcome-unknown' : 'unavailable', message);
}
