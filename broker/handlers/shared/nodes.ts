/**
 * Brokers as clients see them: by the endpoint of the listener that the request came in on. A broker
 * that does not have that listener can't be reached by this client and is left out.
 */

import type { BrokerInfo, Endpoint } from '../../cluster.ts';
import type { MetadataCache } from '../../metadata/metadata-cache.ts';
import type { CurrentLeader } from '../../replication/hosted-partitions.ts';
import type { BrokerId } from '../../types.ts';

interface Node {
  readonly id: BrokerId;
  readonly host: string;
  readonly port: number;
  readonly rack: string | null;
}

/** Where a broker is reached by way of a listener, if it has that one. */
function endpointOn(broker: BrokerInfo, listener: string): Endpoint | undefined {
  return broker.endpoints.find((endpoint) => endpoint.listener === listener);
}

/** The broker, if it is alive and has the listener. */
export function aliveNode(metadata: MetadataCache, id: BrokerId, listener: string): Node | undefined {
  const broker = metadata.broker(id);
  return broker === undefined ? undefined : nodeOf(broker, listener);
}

/** All live brokers that have the listener, by id. */
export function aliveNodes(metadata: MetadataCache, listener: string): Node[] {
  const nodes: Node[] = [];
  for (const broker of metadata.image.brokers.values()) {
    const node = nodeOf(broker, listener);
    if (node !== undefined) nodes.push(node);
  }
  return nodes.sort((a, b) => a.id - b.id);
}

/** The brokers that lead, of answers where some partitions have no leader. */
export function leadersOf(leaders: readonly CurrentLeader[]): ReadonlySet<BrokerId> {
  return new Set(leaders.map(({ leaderId }) => leaderId).filter((id) => id >= 0));
}

/** Where clients find the leaders that an error answer points to (KIP-951). */
export function nodeEndpoints(
  metadata: MetadataCache,
  listener: string,
  leaders: ReadonlySet<BrokerId>,
): { nodeId: number; host: string; port: number; rack: string | null }[] {
  const endpoints = [];
  for (const id of leaders) {
    const node = aliveNode(metadata, id, listener);
    if (node === undefined) continue;
    endpoints.push({ nodeId: node.id, host: node.host, port: node.port, rack: node.rack });
  }
  return endpoints;
}

function nodeOf(broker: BrokerInfo, listener: string): Node | undefined {
  const endpoint = endpointOn(broker, listener);
  if (endpoint === undefined) return undefined;
  return { id: broker.id, host: endpoint.host, port: endpoint.port, rack: broker.rack };
}
