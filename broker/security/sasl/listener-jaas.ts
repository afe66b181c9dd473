/**
 * What listeners log clients in by where their own configs don't say it: in the JAAS file that the JVM's options
 * name, the section `KafkaServer`, or `listener.KafkaServer` before it. Each mechanism's entry becomes its
 * config, so that all else knows of configs only.
 * Source: JaasContext.loadServerContext, defaultContext of Kafka.
 */
import { ListenerConfig } from '../../config/listener-config.ts';
import { hasLogin, type Listener } from '../../config/listeners.ts';
import type { Disk } from '../../platform/disk.ts';
import { type JvmProperties, jaasSections } from '../jvm-options.ts';
import type { JaasEntry } from './jaas.ts';
import { LOGIN_MODULES } from './listener-login.ts';

const SECTION = 'KafkaServer';
const JAAS_CONFIG = 'sasl.jaas.config';

/** What there is to be added to the properties, where listeners need it. Throws ConfigError. */
export function loginsOfJaasFile(
  properties: ReadonlyMap<string, string>,
  listeners: readonly Listener[],
  jvm: JvmProperties,
  disk: Pick<Disk, 'readFile'>,
): ReadonlyMap<string, string> {
  const added = new Map<string, string>();
  for (const { name } of listeners.filter(({ securityProtocol }) => hasLogin(securityProtocol))) {
    const config = new ListenerConfig(properties, name);
    for (const mechanism of config.values.saslEnabledMechanisms) {
      if (config.ofMechanismAlone(mechanism, JAAS_CONFIG) !== null) continue;
      const sections = jaasSections(jvm, disk);
      const entries = sections?.get(`${name.toLowerCase()}.${SECTION}`) ?? sections?.get(SECTION) ?? [];
      const loginModule = Object.entries(LOGIN_MODULES).find(([known]) => known === mechanism)?.[1];
      const entry = entries.find((each) => each.loginModule === loginModule);
      if (entry !== undefined) added.set(config.mechanismKey(mechanism, JAAS_CONFIG), textOf(entry));
    }
  }
  return added;
}

function textOf({ loginModule, options }: JaasEntry): string {
  const words = [...options].map(([key, value]) => `${quoted(key)}=${quoted(value)}`);
  return `${[loginModule, 'required', ...words].join(' ')};`;
}

function quoted(text: string): string {
  const escaped = text.replaceAll(/["\\]/g, String.raw`\$&`).replaceAll('\n', '\\n').replaceAll('\r', '\\r');
  return `"${escaped}"`;
}
