/** One znode as the explorer shows it: what it holds, readable; whose it is; what is below it. */
import type { Coordinator, ZNode } from '../../coordinator-client/coordinator.ts';
import { NotFound } from './refusals.ts';
import type { Readable, ZnodeView } from './views.ts';

/** What is shown of data; there may be a megabyte. */
const SHOWN_BYTES = 64 * 1024;
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

function statOf(node: ZNode): Omit<ZnodeView, 'path' | 'format' | 'data' | 'children' | 'childrenCount'> {
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

export function readable(data: Buffer): Readable {
  if (data.length === 0) return { format: 'empty', data: '' };
  const shown = data.subarray(0, SHOWN_BYTES);
  const text = decoded(shown);
  if (text === null) return { format: 'hex', data: shown.toString('hex') };
  try {
    return { format: 'json', data: JSON.stringify(JSON.parse(text), null, 2) };
  } catch {
    return { format: 'text', data: text };
  }
}

/** Null unless it is text. */
function decoded(bytes: Buffer): string | null {
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    // Control characters but for tabs and line ends: rather a number than a text.
    return /\p{Cc}/u.test(text.replaceAll(/[\t\n\r]/g, '')) ? null : text;
  } catch {
    return null;
  }
}

function hexadecimal(id: bigint): string {
  return `0x${id.toString(16)}`;
}

function byNumberThenName(one: string, other: string): number {
  const difference = Number(one) - Number(other);
  return Number.isNaN(difference) || difference === 0 ? (one < other ? -1 : 1) : difference;
}
