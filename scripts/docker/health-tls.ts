/** What the health check shows where peers speak TLS: what the broker itself does. */
import { brokerConfig } from '../../broker/config/broker-config.ts';
import { ListenerConfig } from '../../broker/config/listener-config.ts';
import { peerTlsListener } from '../../broker/config/peer-protocol.ts';
import { nodeDisk } from '../../broker/platform/node-disk.ts';
import type { TlsClientEnd } from '../../broker/platform/tls.ts';
import { javaStores } from '../../broker/security/tls/java-stores.ts';
import { clientEnd } from '../../broker/security/tls/tls-configs.ts';

/** null: peers speak in the clear. Rejects with ConfigError. */
export async function healthTls(properties: ReadonlyMap<string, string>): Promise<TlsClientEnd | null> {
  const listener = peerTlsListener(brokerConfig(properties));
  if (listener === null) return null;
  const { values, prefix } = new ListenerConfig(properties, listener);
  const end = await clientEnd(values, prefix, { disk: nodeDisk, javaStores });
  // It is dialled by its address in the container, which no certificate has to name; and a broker alone need not
  // trust who has issued its own.
  return { ...end, verifiesHost: false, believesAnybody: true };
}
