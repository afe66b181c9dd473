/**
 * Judges one operation against the tree as it is now: either an error code or the edit it comes
 * down to. The order of the checks is ZooKeeper's, since it decides which error a client sees.
 * Source: org.apache.zookeeper.server.PrepRequestProcessor.pRequest2Txn.
 */
import { isAllowed, Permission, resolveAcl } from './acl.ts';
import { ZkError, type ZkErrorCode } from './error-codes.ts';
import { CONTAINER_OWNER, kindOfOwner, LONGEST_TTL_MS, PERSISTENT_OWNER, ttlOwner } from './owner.ts';
import { isValidPath, parentOf } from './path.ts';
import type { Actor, NodeEdit, Operation } from './transaction.ts';
import { SPECIAL_PATHS, type Tree } from './tree.ts';

type OperationOf<Kind extends Operation['kind']> = Operation & { kind: Kind };

/** The edit; null for a check that holds; a number is the code of the refusal. */
export function prepare(tree: Tree, operation: Operation, actor: Actor): NodeEdit | null | ZkErrorCode {
  switch (operation.kind) {
    case 'create':
      return prepareCreate(tree, operation, actor);
    case 'delete':
      return prepareDelete(tree, operation, actor);
    case 'setData':
      return prepareSetData(tree, operation, actor);
    case 'setAcl':
      return prepareSetAcl(tree, operation, actor);
    case 'check':
      return prepareCheck(tree, operation, actor);
  }
}

function prepareCreate(tree: Tree, asked: OperationOf<'create'>, actor: Actor): NodeEdit | ZkErrorCode {
  const owner = ownerFor(asked, actor);
  if (owner === null || !asked.path.includes('/') || asked.path.includes('\0')) return ZkError.BAD_ARGUMENTS;
  const acl = resolveAcl(asked.acl, actor);
  if (acl === null) return ZkError.INVALID_ACL;
  const parent = tree.get(parentOf(asked.path));
  if (!parent) return ZkError.NO_NODE;
  if (!isAllowed(parent.acl, Permission.CREATE, actor.identities)) return ZkError.NO_AUTH;
  const path = asked.sequential ? asked.path + sequenceSuffix(parent.creations) : asked.path;
  if (!isValidPath(path)) return ZkError.BAD_ARGUMENTS;
  if (tree.get(path)) return ZkError.NODE_EXISTS;
  if (kindOfOwner(parent.owner) === 'ephemeral') return ZkError.NO_CHILDREN_FOR_EPHEMERALS;
  return { kind: 'create', path, data: asked.data, acl, owner };
}

function prepareDelete(tree: Tree, asked: OperationOf<'delete'>, actor: Actor): NodeEdit | ZkErrorCode {
  const { path, version } = asked;
  if (!path.includes('/') || path.includes('\0') || SPECIAL_PATHS.has(path)) return ZkError.BAD_ARGUMENTS;
  const parent = tree.get(parentOf(path));
  if (!parent) return ZkError.NO_NODE;
  if (!isAllowed(parent.acl, Permission.DELETE, actor.identities)) return ZkError.NO_AUTH;
  const node = tree.get(path);
  if (!node) return ZkError.NO_NODE;
  if (!versionFits(version, node.version)) return ZkError.BAD_VERSION;
  if (node.children.size > 0) return ZkError.NOT_EMPTY;
  return { kind: 'delete', path };
}

function prepareSetData(tree: Tree, asked: OperationOf<'setData'>, actor: Actor): NodeEdit | ZkErrorCode {
  const { path, data, version } = asked;
  if (!isValidPath(path)) return ZkError.BAD_ARGUMENTS;
  const node = tree.get(path);
  if (!node) return ZkError.NO_NODE;
  if (!isAllowed(node.acl, Permission.WRITE, actor.identities)) return ZkError.NO_AUTH;
  if (!versionFits(version, node.version)) return ZkError.BAD_VERSION;
  return { kind: 'setData', path, data };
}

function prepareSetAcl(tree: Tree, asked: OperationOf<'setAcl'>, actor: Actor): NodeEdit | ZkErrorCode {
  const { path, version } = asked;
  if (!isValidPath(path)) return ZkError.BAD_ARGUMENTS;
  const acl = resolveAcl(asked.acl, actor);
  if (acl === null) return ZkError.INVALID_ACL;
  const node = tree.get(path);
  if (!node) return ZkError.NO_NODE;
  if (!isAllowed(node.acl, Permission.ADMIN, actor.identities)) return ZkError.NO_AUTH;
  if (!versionFits(version, node.aversion)) return ZkError.BAD_VERSION;
  return { kind: 'setAcl', path, acl };
}

function prepareCheck(tree: Tree, asked: OperationOf<'check'>, actor: Actor): null | ZkErrorCode {
  const { path, version } = asked;
  if (!isValidPath(path)) return ZkError.BAD_ARGUMENTS;
  const node = tree.get(path);
  if (!node) return ZkError.NO_NODE;
  if (!isAllowed(node.acl, Permission.READ, actor.identities)) return ZkError.NO_AUTH;
  return versionFits(version, node.version) ? null : ZkError.BAD_VERSION;
}

/** null when the time to live is not one. */
function ownerFor(asked: OperationOf<'create'>, actor: Actor): bigint | null {
  switch (asked.node) {
    case 'persistent':
      return PERSISTENT_OWNER;
    case 'ephemeral':
      return actor.sessionId;
    case 'container':
      return CONTAINER_OWNER;
    case 'ttl': {
      const ttlMs = asked.ttlMs ?? 0;
      return ttlMs > 0 && ttlMs <= LONGEST_TTL_MS ? ttlOwner(ttlMs) : null;
    }
  }
}

/** Java's %010d: the sign counts as a digit. */
function sequenceSuffix(creations: number): string {
  return creations < 0 ? `-${String(-creations).padStart(9, '0')}` : String(creations).padStart(10, '0');
}

function versionFits(expected: number, actual: number): boolean {
  return expected === -1 || expected === actual;
}
