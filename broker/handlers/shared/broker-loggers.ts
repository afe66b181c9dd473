/**
 * The loggers of this broker as a config resource (KIP-412): read by DescribeConfigs, set by
 * IncrementalAlterConfigs, never by AlterConfigs. A broker tells and sets its own only. All changes of a
 * resource are judged before the first is made.
 * Source: ConfigHelper (BROKER_LOGGER), RuntimeLoggerManager, LogLevelConfig.
 */
import { CONFIG_SOURCE, type EffectiveEntry } from '../../config/effective.ts';
import { TYPE_CODE } from '../../config/property.ts';
import { ErrorCode } from '../../errors.ts';
import { LEVELS, type Level, type Loggers, ROOT_LOGGER } from '../../platform/loggers.ts';
import { atOnce } from '../../platform/turns.ts';
import { CLUSTER, Operation } from '../../security/operations.ts';
import type { RequestContext } from '../handler.ts';
import type { Needs } from '../services.ts';
import { type ConfigOperation, OpType, unknownOperation } from './config-operations.ts';
import { type ConfigRefusal, configRefusal, loggersNameError } from './config-resources.ts';

type Needed = Needs<'brokerId' | 'diagnostics'>;

/** In the order in which Kafka names them. */
const LEVELS_TEXT = 'DEBUG, ERROR, FATAL, INFO, TRACE, WARN';

/** Every logger with the level that counts for it. */
export function describeLoggers(broker: string, services: Needed): EffectiveEntry[] | ConfigRefusal {
  const nameError = loggersNameError(broker, services, 'describe');
  if (nameError !== null) return nameError;
  return [...services.diagnostics.loggers.levels()].map(([name, level]) => ({
    name,
    value: level.toUpperCase(),
    source: CONFIG_SOURCE.DYNAMIC_BROKER_LOGGER,
    type: TYPE_CODE.UNKNOWN,
    readOnly: false,
    sensitive: false,
    documentation: '',
    synonyms: [],
  }));
}

/** Sets levels, or takes them away; with `validateOnly` it only judges. */
export function alterLoggers(
  broker: string,
  operations: readonly ConfigOperation[],
  validateOnly: boolean,
  { context, services }: { context: RequestContext; services: Needed },
): ConfigRefusal {
  const { loggers } = services.diagnostics;
  const refused =
    mayNotAlter(broker, context, services) ??
    atOnce(unknownOperation(operations)) ??
    firstProblem(operations, loggers);
  if (refused !== null) return refused;
  for (const operation of validateOnly ? [] : operations) apply(operation, services);
  return configRefusal(ErrorCode.NONE);
}

function mayNotAlter(broker: string, context: RequestContext, services: Needed): ConfigRefusal | null {
  if (!context.may(Operation.ALTER_CONFIGS, CLUSTER)) {
    return configRefusal(ErrorCode.CLUSTER_AUTHORIZATION_FAILED);
  }
  return loggersNameError(broker, services, 'alter');
}

/** There are few loggers, and each is named once: of very many operations one of the first has a problem. */
function firstProblem(operations: readonly ConfigOperation[], loggers: Loggers): ConfigRefusal | null {
  for (const operation of operations) {
    const problem = problemOf(operation, loggers);
    if (problem !== null) return problem;
  }
  return null;
}

function problemOf(
  { name, configOperation, value }: ConfigOperation,
  loggers: Loggers,
): ConfigRefusal | null {
  if (configOperation === OpType.APPEND || configOperation === OpType.SUBTRACT) {
    const verb = configOperation === OpType.APPEND ? 'APPEND' : 'SUBTRACT';
    const message = `${verb} operation is not allowed for the BROKER_LOGGER resource`;
    return configRefusal(ErrorCode.INVALID_REQUEST, message);
  }
  if (!loggers.has(name)) return configRefusal(ErrorCode.INVALID_CONFIG, `Logger ${name} does not exist!`);
  if (configOperation === OpType.DELETE) {
    if (name !== ROOT_LOGGER) return null;
    const message = `Removing the log level of the ${ROOT_LOGGER} logger is not allowed`;
    return configRefusal(ErrorCode.INVALID_REQUEST, message);
  }
  if (levelOf(value) !== undefined) return null;
  const message = `Cannot set the log level of ${name} to ${value} as it is not a supported log level. Valid log levels are ${LEVELS_TEXT}`;
  return configRefusal(ErrorCode.INVALID_CONFIG, message);
}

/** Only in capitals. */
function levelOf(text: string | null): Level | undefined {
  return LEVELS.find((level) => level.toUpperCase() === text);
}

function apply({ name, configOperation, value }: ConfigOperation, services: Needed): void {
  const { diagnostics } = services;
  const level = levelOf(value);
  if (configOperation === OpType.DELETE) {
    diagnostics.loggers.unset(name);
    diagnostics.warn(`Unset the log level of ${name}`);
  } else if (level !== undefined) {
    diagnostics.loggers.set(name, level);
    diagnostics.warn(`Updated the log level of ${name} to ${value}`);
  }
}
