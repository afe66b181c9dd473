/** The clients' door: bound before the broker registers, so that its ports are known; opened when all else is up. */
import { NetworkServer } from '../network/server.ts';
import { askHttp } from '../platform/http-asker.ts';
import { IssuerKeySets } from '../security/sasl/issuer-keys.ts';
import { javaStores } from '../security/tls/java-stores.ts';
import { ListenerSecurity } from './listener-security.ts';
import type { Ground, Parts } from './parts.ts';

/** What clients that are being answered get, when the broker stops, until their connections are cut. */
const GRACE_MS = 500;

/** Binds the listeners; clients that connect wait. Rejects when a port can't be had. */
export async function makeClients(
  { platform, stops }: Ground,
  {
    config,
    configs,
    quotas,
    scram,
    tokenLogins,
    answerMemory,
  }: Pick<Parts, 'config' | 'configs' | 'quotas' | 'scram' | 'tokenLogins' | 'answerMemory'>,
): Promise<Pick<Parts, 'network' | 'listenerSecurity'>> {
  const keySets = new IssuerKeySets();
  const security = await ListenerSecurity.make({
    listeners: config.listeners,
    liveConfig: configs.live,
    diagnostics: platform.diagnostics.named('SocketServer'),
    materials: {
      ...platform,
      javaStores,
      askHttp,
      keySets,
      scram: {
        user: (mechanism, name) => scram.of(mechanism, name),
        token: async (mechanism, tokenId) => tokenLogins?.of(mechanism, tokenId),
      },
    },
  }).catch((error: unknown) => {
    keySets.close();
    throw error;
  });
  const network = new NetworkServer({
    ...platform,
    config,
    liveConfig: configs.live,
    rates: quotas.connections,
    answerMemory,
    securityOf: (listener) => security.of(listener),
  });
  await network.start().catch((error: unknown) => {
    keySets.close();
    throw error;
  });
  const stopped = (clean: boolean): Promise<void> => {
    keySets.close();
    return network.stop(clean ? GRACE_MS : 0);
  };
  // The last of the parts to be made, so the first to stop: while groups and replicas end, nobody asks them.
  stops.push({ name: 'the clients', stop: stopped });
  return { network, listenerSecurity: security };
}
