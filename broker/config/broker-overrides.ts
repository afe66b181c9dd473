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
    reconfigured(config, new Map(), overrides);
    const problem = threadCountProblem(config, afterwards(config, overrides, scope, stored) ?? config);
    return problem === null ? null : new ConfigError(problem);
  } catch (error) {
    if (error instanceof ConfigError) return error;
    throw error;
  }
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
function afterwards(
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
