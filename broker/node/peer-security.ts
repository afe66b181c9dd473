/**
 * TLS between brokers: whether peers speak it, what they show and whom they believe. PEER in
 * listener.security.protocol.map decides, or else the listener that brokers use among themselves; the
 * certificates are those of the listener that has decided, and are replaced while the broker runs as a
 * listener's are.
 * Source: security.inter.broker.protocol and inter.broker.listener.name of Kafka.
 */
import type { BrokerConfig, FixedConfig } from '../config/broker-config.ts';
import { splitSuperUsers } from '../config/consistency.ts';
import { ListenerConfig } from '../config/listener-config.ts';
import type { Live } from '../config/live.ts';
import { ConfigError } from '../config/property.ts';
import type { PeerTls } from '../peers/peer-tls.ts';
import type { Diagnostics } from '../platform/diagnostics.ts';
import type { TlsClientEnd, TlsServerEnd } from '../platform/tls.ts';
import { principalText, userNamed } from '../security/principal.ts';
import { subjectName } from '../security/tls/certificate-name.ts';
import type { StoreReader } from '../security/tls/key-stores.ts';
import { principalMapping } from '../security/tls/principal-mapping.ts';
import { clientEnd, serverEnd } from '../security/tls/tls-configs.ts';

export interface PeerSecurityParts {
  readonly liveConfig: Live<BrokerConfig>;
  readonly diagnostics: Diagnostics;
  readonly reader: StoreReader;
}

interface Ends {
  readonly server: TlsServerEnd;
  readonly client: TlsClientEnd;
  readonly isBrokers: (certificate: Buffer) => boolean;
}

/** As the listener of this name has it. Rejects with ConfigError when peers can't speak as configured. */
export async function peerSecurity(
  listener: string,
  config: FixedConfig,
  { liveConfig, diagnostics, reader }: PeerSecurityParts,
): Promise<PeerTls> {
  const make = (): Promise<Ends> => endsOf(listener, liveConfig.now.texts, config, reader);
  let ends = await make();
  let changing: Promise<void> = Promise.resolve();
  liveConfig.onChange(() => {
    changing = changing.then(async () => {
      try {
        ends = await make();
      } catch (error) {
        const reason = error instanceof ConfigError ? error.message : String(error);
        diagnostics.error(`Peers keep the security they had: ${reason}`);
      }
    });
  });
  return {
    serverEnd: () => ends.server,
    clientEnd: () => ends.client,
    isBrokers: (certificate) => ends.isBrokers(certificate),
  };
}

async function endsOf(
  listener: string,
  texts: ReadonlyMap<string, string>,
  config: FixedConfig,
  reader: StoreReader,
): Promise<Ends> {
  const { values, prefix } = new ListenerConfig(texts, listener);
  const nameOf = principalMapping(values.sslPrincipalMappingRules);
  const superUsers = new Set(splitSuperUsers(config.superUsers));
  const areRuled = config.authorizerClassName.trim() !== '';
  return {
    server: await serverEnd(values, prefix, reader),
    client: await clientEnd(values, prefix, reader),
    isBrokers(certificate) {
      if (!areRuled) return true;
      const name = nameOf(subjectName(certificate));
      return name !== null && superUsers.has(principalText(userNamed(name)));
    },
  };
}
