/** One znode as the explorer shows it: what it holds, readable; whose it is; what is below it. */
import type { Coordinator, ZNode } from '../../coordinator-client/coordinator.ts';
import { readable } from './readable.ts';
import { NotFound } from './refusals.ts';
import type { ZnodeView } from './views.ts';

const SHOWN_CHILDREN = 5000;

/** Throws NotFound. */
export async function znodeView(coordinator: Coordinator, path: string): Promise<ZnodeView> {
  const [node, names] = await Promise.all([coordinator.read(path), coordinator.children(path)]);
  if (node === null) throw new NotFound(`there is no node ${path}`);
  const children = [...(names ?? [])].sort(byNumberThenName);
  return {
    path,
    ...readable(node.data),
    ...statOf(node),
    children: children.slice(0, SHOWN_CHILDREN),
    childrenCount: children.length,
  };
}

function statOf(
  node: ZNode,
): Omit<ZnodeView, 'path' | 'format' | 'data' | 'note' | 'children' | 'childrenCount'> {
  const { version, czxid, mzxid, createdMs, modifiedMs, ephemeralOwner } = node;
  return {
    dataLength: node.data.length,
    version,
    czxid: hexadecimal(czxid),
    mzxid: hexadecimal(mzxid),
    createdMs,
    modifiedMs,
    sessionId: ephemeralOwner === 0n ? null : hexadecimal(ephemeralOwner),
  };
}

function hexadecimal(id: bigint): string {
  return `0x${id.toString(16)}`;
}

function byNumberThenName(one: string, other: string): number {
  const difference = Number(one) - Number(other);
  return Number.isNaN(difference) || difference === 0 ? (one < other ? -1 : 1) : difference;
}
