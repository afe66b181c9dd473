/**
 * The security configs of one listener: what is said of it (`listener.name.internal.ssl.client.auth`) goes
 * before what is said of all listeners (`ssl.client.auth`), and what is said of one of its mechanisms
 * (`listener.name.internal.plain.sasl.jaas.config`) before both.
 * Source: ListenerName.configPrefix, AbstractConfig.valuesWithPrefixOverride, SaslChannelBuilder of Kafka.
 */
import { SASL_CONFIGS } from './definitions/sasl.ts';
import { SECURITY_CONFIGS } from './definitions/security.ts';
import { type Property, parseValue, type ValuesOf, valuesOf } from './property.ts';

const TABLE = { ...SECURITY_CONFIGS, ...SASL_CONFIGS };

type Values = ValuesOf<typeof TABLE>;

export class ListenerConfig {
  /** `listener.name.internal.` */
  readonly prefix: string;
  /** What holds for the listener as a whole. Throws ConfigError for a value that can't be. */
  readonly values: Values;
  readonly #texts: ReadonlyMap<string, string>;

  /** `texts`: the properties of the broker, with what is set at run time laid over them. */
  constructor(texts: ReadonlyMap<string, string>, listener: string) {
    this.prefix = listenerPrefix(listener);
    const own = Object.keys(TABLE).flatMap((name) => {
      const text = texts.get(`${this.prefix}${name}`);
      return text === undefined ? [] : [[name, text] as const];
    });
    this.values = valuesOf(TABLE, new Map([...texts, ...own]));
    this.#texts = texts;
  }

  /** The config of one mechanism where it must be its own, as with JAAS; null: there is none. */
  ofMechanismAlone(mechanism: string, name: keyof typeof TABLE): string | null {
    return this.#texts.get(this.mechanismKey(mechanism, name)) ?? null;
  }

  /** The config of one mechanism, or else of the listener. Throws ConfigError for a value that can't be. */
  ofMechanism<N extends keyof typeof TABLE>(mechanism: string, name: N): unknown {
    const text = this.ofMechanismAlone(mechanism, name) ?? this.#textOf(name);
    const property: Property = TABLE[name];
    return text === null ? null : parseValue(this.mechanismKey(mechanism, name), property, text);
  }

  /** As a user would write it: `listener.name.internal.plain.sasl.jaas.config`. */
  mechanismKey(mechanism: string, name: string): string {
    return `${this.prefix}${mechanism.toLowerCase()}.${name}`;
  }

  #textOf(name: keyof typeof TABLE): string | null {
    return this.#texts.get(`${this.prefix}${name}`) ?? this.#texts.get(name) ?? TABLE[name].default;
  }
}

/** Whether a config, by its name without prefixes, can be said of one listener. */
export function isListenerConfig(name: string): boolean {
  return Object.hasOwn(TABLE, name);
}

/** What all configs of this listener begin with. */
function listenerPrefix(listener: string): string {
  return `listener.name.${listener.toLowerCase()}.`;
}
