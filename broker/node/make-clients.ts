/** The clients' door: bound before the broker registers, so that its ports are known; opened when all else is up. */
import type { BrokerConfig } from '../config/broker-config.ts';
import { NetworkServer } from '../network/server.ts';
import type { Ground } from './parts.ts';

/** What clients that are being answered get, when the broker stops, until their connections are cut. */
const GRACE_MS = 500;

/** Binds the listeners; clients that connect wait. Rejects when a port can't be had. */
export async function makeClients({ platform, stops }: Ground, config: BrokerConfig): Promise<NetworkServer> {
  const network = new NetworkServer({ ...platform, config });
  await network.start();
  // The last of the parts to be made, so the first to stop: while groups and replicas end, nobody asks them.
  stops.push({ name: 'the clients', stop: (clean) => network.stop(clean ? GRACE_MS : 0) });
  return network;
}
