/**
 * Judges what is set for brokers at run time: only where Kafka lets it be, only valid values, and threads in
 * steps. Source: DynamicBrokerConfig of Kafka 3.9.
 */
import { type BrokerConfig, brokerProperty, reconfigured } from './broker-config.ts';
import { ConfigError } from './property.ts';
import { threadCountProblem } from './thread-counts.ts';

/** Judges configs that are to be set at run time, for one broker or as the default of all. `config` is the one in use. */
export function validateBrokerOverrides(
  config: BrokerConfig,
  overrides: ReadonlyMap<string, string>,
  scope: 'broker' | 'default',
  stored: StoredOverrides = NOTHING_STORED,
): ConfigError | null {
  const misplaced = misplacedOverrides([...overrides.keys()], scope);
  if (misplaced !== null) return misplaced;
  try {
    const next = reconfigured(config, new Map(), overrides);
    const problem =
      threadCountProblem(config, withOverrides(config, overrides, scope, stored) ?? config) ??
      localRetentionProblem(next);
    // Kafka asks its parts one after the other, and wraps what the second or a later one objects in these words.
    return problem === null
      ? null
      : new ConfigError(
          `Invalid value org.apache.kafka.common.config.ConfigException: ${problem} for configuration Invalid dynamic configuration`,
        );
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return error.rule === 'requirement' ? new ConfigError(`requirement failed: ${error.message}`) : error;
  }
}

/** At run time Kafka asks this of a broker without tiered storage as well; in its start file it doesn't. */
function localRetentionProblem(config: BrokerConfig): string | null {
  const pairs = [
    ['log.local.retention.ms', config.logLocalRetentionMs, 'log.retention.ms', config.logRetentionMs],
    [
      'log.local.retention.bytes',
      config.logLocalRetentionBytes,
      'log.retention.bytes',
      config.logRetentionBytes,
    ],
  ] as const;
  for (const [local, localValue, whole, wholeValue] of pairs) {
    if (wholeValue === -1 || localValue === -2) continue;
    const complaint = `Invalid value ${localValue} for configuration ${local}:`;
    if (localValue === -1)
      return `${complaint} Value must not be -1 as ${whole} value is set as ${wholeValue}.`;
    if (localValue > wholeValue)
      return `${complaint} Value must not be more than ${whole} property value: ${wholeValue}`;
  }
  return null;
}

/** What is wrong with one config that stands in ZooKeeper for this broker or for all; null when nothing is. */
export function overrideProblem(
  config: BrokerConfig,
  [name, value]: readonly [string, string],
  scope: 'broker' | 'default',
): ConfigError | null {
  const misplaced = misplacedOverrides([name], scope);
  if (misplaced !== null) return misplaced;
  try {
    reconfigured(config, new Map(), new Map([[name, value]]));
    return null;
  } catch (error) {
    if (error instanceof ConfigError) return error;
    throw error;
  }
}

function misplacedOverrides(names: readonly string[], scope: 'broker' | 'default'): ConfigError | null {
  const readOnly = names.filter((name) => brokerProperty(name)?.update === 'read-only');
  if (readOnly.length > 0) {
    return new ConfigError(`Cannot update these configs dynamically: Set(${readOnly.join(', ')})`);
  }
  const ofAListener = names.filter(
    (name) => name.startsWith('ssl.') && brokerProperty(name)?.update === 'per-broker',
  );
  if (ofAListener.length > 0) {
    return new ConfigError(
      `These security configs can be dynamically updated only per-listener using the listener prefix: HashSet(${ofAListener.join(', ')})`,
    );
  }
  const perBroker = names.filter((name) => brokerProperty(name)?.update === 'per-broker');
  if (scope === 'broker' || perBroker.length === 0) return null;
  return new ConfigError(
    `Cannot update these configs at default cluster level, broker id must be specified: Set(${perBroker.join(', ')})`,
  );
}

/** What is set at run time so far. */
interface StoredOverrides {
  readonly defaults: ReadonlyMap<string, string>;
  readonly broker: ReadonlyMap<string, string>;
}

const NOTHING_STORED: StoredOverrides = { defaults: new Map(), broker: new Map() };

/** The configuration with the overrides among what is stored; null when something stored is spoilt. */
function withOverrides(
  config: BrokerConfig,
  overrides: ReadonlyMap<string, string>,
  scope: 'broker' | 'default',
  { defaults, broker }: StoredOverrides,
): BrokerConfig | null {
  try {
    return scope === 'default'
      ? reconfigured(config, overrides, broker)
      : reconfigured(config, defaults, overrides);
  } catch (error) {
    if (error instanceof ConfigError) return null;
    throw error;
  }
}
