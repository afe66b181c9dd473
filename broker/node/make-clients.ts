/** The clients' door: bound before the broker registers, so that its ports are known; opened when all else is up. */
import { NetworkServer } from '../network/server.ts';
import type { Ground, Parts } from './parts.ts';

/** What clients that are being answered get, when the broker stops, until their connections are cut. */
const GRACE_MS = 500;

/** Binds the listeners; clients that connect wait. Rejects when a port can't be had. */
export async function makeClients(
  { platform, stops }: Ground,
  { config, configs, quotas, answerMemory }: Pick<Parts, 'config' | 'configs' | 'quotas' | 'answerMemory'>,
): Promise<NetworkServer> {
  const network = new NetworkServer({
    ...platform,
    config,
    liveConfig: configs.live,
    rates: quotas.connections,
    answerMemory,
  });
  await network.start();
  // The last of the parts to be made, so the first to stop: while groups and replicas end, nobody asks them.
  stops.push({ name: 'the clients', stop: (clean) => network.stop(clean ? GRACE_MS : 0) });
  return network;
}
