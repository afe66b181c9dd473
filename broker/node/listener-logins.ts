/**
 * What clients of each listener with SASL log in by, as it is configured at this moment: whoever connects
 * after a change is judged by it, and a change that can't be leaves what was there before.
 * Source: DynamicListenerConfig, SaslChannelBuilder.reconfigure of Kafka.
 */
import type { BrokerConfig } from '../config/broker-config.ts';
import { ListenerConfig } from '../config/listener-config.ts';
import { hasLogin, type Listener } from '../config/listeners.ts';
import type { Live } from '../config/live.ts';
import { ConfigError } from '../config/property.ts';
import type { Diagnostics } from '../platform/diagnostics.ts';
import { systemRandom } from '../platform/random.ts';
import { type ListenerLogin, listenerLogin } from '../security/sasl/listener-login.ts';

type Texts = ReadonlyMap<string, string>;

interface ListenerLoginsParts {
  readonly listeners: readonly Listener[];
  readonly liveConfig: Live<BrokerConfig>;
  readonly diagnostics: Diagnostics;
  readonly login: Parameters<typeof listenerLogin>[1];
}

/** Throws ConfigError when what a listener's clients are to log in by can't be; nothing is opened for it. */
export function checkLogins(listeners: readonly Listener[], texts: Texts): void {
  const scram = { user: () => undefined, token: async () => undefined };
  for (const name of namesWithLogin(listeners)) {
    listenerLogin(new ListenerConfig(texts, name), { scram, random: systemRandom });
  }
}

function namesWithLogin(listeners: readonly Listener[]): string[] {
  return listeners.filter(({ securityProtocol }) => hasLogin(securityProtocol)).map(({ name }) => name);
}

/** There is one for each listener with SASL, from the beginning. */
export class ListenerLogins {
  readonly #parts: ListenerLoginsParts;
  readonly #logins = new Map<string, ListenerLogin>();

  /** Throws ConfigError when a listener can't be as it is configured. */
  constructor(parts: ListenerLoginsParts) {
    this.#parts = parts;
    for (const name of namesWithLogin(parts.listeners)) this.#logins.set(name, this.#made(name));
    parts.liveConfig.onChange(() => this.#remake());
  }

  of(listener: string): ListenerLogin {
    const login = this.#logins.get(listener);
    if (login === undefined) throw new Error(`listener ${listener} has no SASL`);
    return login;
  }

  #remake(): void {
    for (const name of this.#logins.keys()) {
      try {
        this.#logins.set(name, this.#made(name));
      } catch (error) {
        if (!(error instanceof ConfigError)) throw error;
        this.#parts.diagnostics.error(`Listener ${name} keeps the logins it had: ${error.message}`);
      }
    }
  }

  #made(name: string): ListenerLogin {
    return listenerLogin(new ListenerConfig(this.#parts.liveConfig.now.texts, name), this.#parts.login);
  }
}
