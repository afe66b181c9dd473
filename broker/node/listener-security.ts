/**
 * What the clients of each listener meet, as it is configured at this moment: what they log in by, the
 * certificate they are shown, and whom theirs names. Whoever connects after a change meets what is new; a
 * change that can't be leaves what was there before.
 * Source: DynamicListenerConfig, SaslChannelBuilder and SslFactory.reconfigure of Kafka.
 */
import type { BrokerConfig } from '../config/broker-config.ts';
import { ListenerConfig } from '../config/listener-config.ts';
import { hasLogin, hasTls, type Listener } from '../config/listeners.ts';
import type { Live } from '../config/live.ts';
import { ConfigError } from '../config/property.ts';
import type { SecuredListener } from '../network/secured-listener.ts';
import type { Diagnostics } from '../platform/diagnostics.ts';
import type { Random } from '../platform/random.ts';
import type { BearerParts } from '../security/sasl/oauth-login.ts';
import type { ScramLookup } from '../security/sasl/scram-credentials.ts';
import { replacementProblem } from '../security/tls/certificate-changes.ts';
import { principalMapping } from '../security/tls/principal-mapping.ts';

/** What listeners are made secure with. */
interface Materials extends BearerParts {
  readonly scram: ScramLookup;
  readonly random: Random;
}

interface ListenerSecurityParts {
  readonly listeners: readonly Listener[];
  readonly liveConfig: Live<BrokerConfig>;
  readonly diagnostics: Diagnostics;
  readonly materials: Materials;
}

/** What a listener's clients meet. Rejects with ConfigError for what can't be; nothing is opened for it. */
export async function securedListener(
  { name, securityProtocol }: Listener,
  texts: ReadonlyMap<string, string>,
  materials: Materials,
): Promise<SecuredListener> {
  const config = new ListenerConfig(texts, name);
  const login = hasLogin(securityProtocol) ? await loginOf(config, materials) : null;
  const tls = hasTls(securityProtocol) ? await tlsOf(config, materials) : null;
  return { login, tls, nameOf: principalMapping(config.values.sslPrincipalMappingRules) };
}

/** What only some listeners have is loaded for them: a start is mostly loading. */
async function loginOf(config: ListenerConfig, materials: Materials): Promise<SecuredListener['login']> {
  const { listenerLogin } = await import('../security/sasl/listener-login.ts');
  return listenerLogin(config, materials);
}

async function tlsOf(
  { values, prefix }: ListenerConfig,
  materials: Materials,
): Promise<SecuredListener['tls']> {
  const { serverEnd } = await import('../security/tls/tls-configs.ts');
  return serverEnd(values, prefix, materials);
}

/** There is something for each listener, from the beginning. */
export class ListenerSecurity {
  readonly #parts: ListenerSecurityParts;
  readonly #secured = new Map<string, SecuredListener>();
  /** A change is taken over after the one before. */
  #changing: Promise<void> = Promise.resolve();

  private constructor(parts: ListenerSecurityParts) {
    this.#parts = parts;
  }

  /** Rejects with ConfigError when a listener can't be as it is configured. */
  static async make(parts: ListenerSecurityParts): Promise<ListenerSecurity> {
    const security = new ListenerSecurity(parts);
    for (const listener of parts.listeners) await security.#make(listener);
    parts.liveConfig.onChange(() => {
      security.#changing = security.#changing.then(() => security.#remake());
    });
    return security;
  }

  of(listener: string): SecuredListener {
    const secured = this.#secured.get(listener);
    if (secured === undefined) throw new Error(`there is no listener ${listener}`);
    return secured;
  }

  /** Why listeners can't be as these configs have them, after what they are; null when they can. */
  async problemOf(texts: ReadonlyMap<string, string>): Promise<string | null> {
    const { listeners, materials } = this.#parts;
    for (const listener of listeners) {
      try {
        const { tls } = await securedListener(listener, texts, materials);
        const former = this.of(listener.name).tls;
        if (tls === null || former === null) continue;
        const { values, prefix } = new ListenerConfig(texts, listener.name);
        const problem = replacementProblem(former, tls, values, materials.clock.wallMs());
        if (problem !== null) return `${prefix}ssl.keystore: ${problem}`;
      } catch (error) {
        if (error instanceof ConfigError) return error.message;
        throw error;
      }
    }
    return null;
  }

  async #make(listener: Listener): Promise<void> {
    const { liveConfig, materials } = this.#parts;
    const secured = await securedListener(listener, liveConfig.now.texts, materials);
    await secured.login?.ready();
    const former = this.#secured.get(listener.name);
    this.#secured.set(listener.name, secured);
    // After what is new was made ready: what both need is had without a break.
    former?.login?.close();
  }

  /** Never rejects. */
  async #remake(): Promise<void> {
    const { listeners, diagnostics } = this.#parts;
    for (const listener of listeners) {
      await this.#make(listener).catch((error: unknown) => {
        const reason = error instanceof ConfigError ? error.message : error;
        diagnostics.error(`Listener ${listener.name} keeps the security it had: ${String(reason)}`);
      });
    }
  }
}
