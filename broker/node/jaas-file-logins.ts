/** A configuration before the broker runs, with the logins of the JVM's JAAS file where it names one. */
import { type BrokerConfig, brokerConfig } from '../config/broker-config.ts';
import type { Disk } from '../platform/disk.ts';
import { type JvmProperties, namesJaasFile } from '../security/jvm-options.ts';

/** With what the JAAS file says of logins where the listeners' own configs say nothing. Rejects with ConfigError. */
export async function withJaasFile(
  config: BrokerConfig,
  jvm: JvmProperties,
  disk: Pick<Disk, 'readFile'>,
): Promise<BrokerConfig> {
  if (!namesJaasFile(jvm)) return config;
  const { loginsOfJaasFile } = await import('../security/sasl/listener-jaas.ts');
  const logins = loginsOfJaasFile(config.raw, config.listeners, jvm, disk);
  return logins.size === 0 ? config : brokerConfig(new Map([...config.raw, ...logins]));
}
