/**
 * A TCP proxy that breaks connections on command: cut, refuse, swallow everything (a network that drops
 * packets, where not even the end of a connection gets through), or cut after so many bytes of an answer.
 */
import net from 'node:net';

export interface FaultProxy {
  readonly port: number;
  /** How many connections stand. */
  connections(): number;
  /** How many wait, because there are as many as may be. */
  kept(): number;
  /** There may be any number from now on. */
  admit(): void;
  /** Resets the connections that stand. New ones work. */
  cut(): void;
  /** While true, connections are cut and new ones refused. */
  refuse(on: boolean): void;
  /** While true, nothing gets through in either direction and nobody is told. Ends with a cut. */
  blackhole(on: boolean): void;
  /** Cuts the connection on which the next `sizeBytes` bytes towards the client have been let through. */
  cutAfter(sizeBytes: number): void;
  /** Loses the next bytes towards the client and cuts the connection they came on. */
  dropNextAnswer(): void;
  close(): Promise<void>;
}

interface Pair {
  readonly client: net.Socket;
  readonly server: net.Socket;
}

interface ProxyOptions {
  /** Of the target. */
  readonly host?: string;
  /** That the proxy listens on; any unless given. */
  readonly port?: number;
  /** So many connections at a time are let through; others wait. */
  readonly most?: number;
  /** What arrives instead of a connection's first bytes from the client; null: these are not all of them. */
  readonly opening?: (bytes: Buffer) => Buffer | null;
}

const HERE = '127.0.0.1';

export async function startFaultProxy(
  target: number,
  { host = HERE, port = 0, most: mostAtFirst = Number.POSITIVE_INFINITY, opening }: ProxyOptions = {},
): Promise<FaultProxy> {
  const pairs = new Set<Pair>();
  const kept = new Set<net.Socket>();
  let most = mostAtFirst;
  let refusing = false;
  let swallowing = false;
  let dropping = false;
  let budgetBytes = Number.POSITIVE_INFINITY;

  const cutPair = (pair: Pair): void => {
    pairs.delete(pair);
    pair.client.resetAndDestroy();
    pair.server.destroy();
  };
  const cut = (): void => {
    for (const pair of [...pairs]) cutPair(pair);
  };
  const accept = (client: net.Socket): void => {
    client.on('error', () => {});
    if (refusing) {
      client.resetAndDestroy();
      return;
    }
    if (pairs.size >= most) {
      kept.add(client);
      return;
    }
    const server = net.connect({ host, port: target, noDelay: true });
    client.setNoDelay(true);
    const pair = { client, server };
    pairs.add(pair);
    server.on('error', () => {});
    let rewrite = opening ?? null;
    let held: Buffer = Buffer.alloc(0);
    client.on('data', (bytes: Buffer) => {
      if (swallowing) return;
      if (rewrite === null) return void server.write(bytes);
      held = Buffer.concat([held, bytes]);
      const first = rewrite(held);
      if (first === null) return;
      rewrite = null;
      server.write(first);
    });
    server.on('data', (bytes) => {
      if (swallowing) return;
      if (dropping) {
        dropping = false;
        cutPair(pair);
        return;
      }
      client.write(bytes.subarray(0, Math.min(bytes.length, budgetBytes)));
      budgetBytes -= bytes.length;
      if (budgetBytes > 0) return;
      budgetBytes = Number.POSITIVE_INFINITY;
      client.end(() => cutPair(pair)); // after the bytes that were let through
    });
    for (const socket of [client, server]) {
      socket.on('close', () => {
        if (!swallowing && pairs.has(pair)) cutPair(pair);
      });
    }
  };

  const listener = net.createServer(accept);
  await new Promise<void>((resolve, reject) => {
    listener.once('error', reject);
    listener.listen(port, HERE, resolve);
  });
  const address = listener.address();
  if (address === null || typeof address === 'string') throw new Error('not a TCP port');
  return {
    port: address.port,
    connections: () => pairs.size,
    kept: () => kept.size,
    admit: () => {
      most = Number.POSITIVE_INFINITY;
      for (const client of kept) accept(client);
      kept.clear();
    },
    cut,
    refuse: (on) => {
      refusing = on;
      if (on) cut();
    },
    blackhole: (on) => {
      swallowing = on;
      if (!on) cut();
    },
    cutAfter: (sizeBytes) => {
      budgetBytes = sizeBytes;
    },
    dropNextAnswer: () => {
      dropping = true;
    },
    close: () =>
      new Promise((resolve) => {
        cut();
        for (const socket of kept) socket.destroy();
        listener.close(() => resolve());
      }),
  };
}
