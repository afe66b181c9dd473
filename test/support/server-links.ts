/**
 * The ways between the servers of an ensemble, and from clients to each, through proxies, so that one server can
 * be cut off from everybody, as when its cable is pulled. All are on the loopback interface.
 *
 * A server that elects tells the others where it can be called back, which would be past the proxies: what it
 * says is rewritten on the way to the proxy that leads to it. Source: QuorumCnxManager.initiateConnection and
 * InitialMessage.parse of ZooKeeper 3.5 to 3.9.
 */
import { type FaultProxy, startFaultProxy } from './fault-proxy.ts';

const HERE = '127.0.0.1';
/** Protocol version, the server's number, the length of its addresses. */
const GREETING_HEAD_BYTES = 20;
const ONE_ADDRESS = -65536n;

/** Where a server really listens. */
export interface ServerPorts {
  readonly client: number;
  readonly quorum: number;
  readonly election: number;
}

export interface ServerLinks {
  /** What clients take, by server. */
  readonly clientPorts: readonly number[];
  /** Where one server (from 1) finds another: two ports, of the quorum and of elections. */
  peerPorts(from: number, to: number): readonly [number, number];
  /** Nothing gets to the server or comes from it, and nobody is told. */
  cut(server: number): void;
  /** Connections of the time of the cut end. */
  mend(server: number): void;
  close(): Promise<void>;
}

interface Link {
  readonly ends: readonly number[];
  readonly proxy: FaultProxy;
}

/** `clientPorts`: those the proxies for clients are to have; any unless given. */
export async function startServerLinks(
  servers: readonly ServerPorts[],
  clientPorts: readonly number[] = [],
): Promise<ServerLinks> {
  const links: Link[] = [];
  const cutOff = new Set<number>();
  const ways = new Map<string, [number, number]>();
  const start = async (ends: readonly number[], ...how: Parameters<typeof startFaultProxy>) => {
    const proxy = await startFaultProxy(...how);
    links.push({ ends, proxy });
    return proxy.port;
  };
  const close = async (): Promise<void> => {
    await Promise.all(links.map(({ proxy }) => proxy.close()));
  };
  const apply = (server: number): void => {
    for (const { ends, proxy } of links)
      if (ends.includes(server)) proxy.blackhole(ends.some((end) => cutOff.has(end)));
  };
  const peerPorts = (from: number, to: number): [number, number] => {
    const found = ways.get(`${from}-${to}`);
    if (found === undefined) throw new Error(`no way from server ${from} to server ${to}`);
    return found;
  };
  try {
    const forClients = await Promise.all(
      servers.map(({ client }, index) => start([index + 1], client, { port: clientPorts[index] ?? 0 })),
    );
    for (const [from, to] of pairs(servers.length)) {
      const { quorum = 0, election = 0 } = servers[to - 1] ?? {};
      const opening = (bytes: Buffer): Buffer | null => rewrittenGreeting(bytes, peerPorts(to, from)[1]);
      const both = [start([from, to], quorum), start([from, to], election, { opening })] as const;
      ways.set(`${from}-${to}`, await Promise.all(both));
    }
    return {
      clientPorts: forClients,
      peerPorts,
      cut: (server) => {
        cutOff.add(server);
        apply(server);
      },
      mend: (server) => {
        cutOff.delete(server);
        apply(server);
      },
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Every server with every other. */
function pairs(count: number): [number, number][] {
  const numbers = Array.from({ length: count }, (_, index) => index + 1);
  return numbers.flatMap((from) =>
    numbers.filter((to) => to !== from).map((to): [number, number] => [from, to]),
  );
}

/** The first bytes of a connection for elections with another port to be called back at; null: they are not all. */
export function rewrittenGreeting(bytes: Buffer, port: number): Buffer | null {
  if (bytes.length < GREETING_HEAD_BYTES) return null;
  // One of another form is none of ours to change.
  if (bytes.readBigInt64BE(0) !== ONE_ADDRESS) return bytes;
  const end = GREETING_HEAD_BYTES + bytes.readInt32BE(16);
  if (bytes.length < end) return null;
  const address = Buffer.from(`${HERE}:${port}`);
  const head = Buffer.from(bytes.subarray(0, GREETING_HEAD_BYTES));
  head.writeInt32BE(address.length, 16);
  return Buffer.concat([head, address, bytes.subarray(end)]);
}
