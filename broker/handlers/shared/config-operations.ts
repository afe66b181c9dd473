/**
 * From what is stored of a resource's dynamic configs, and what a client asks for, to what shall be
 * stored: pure, before any judgement of values.
 * Source: ConfigAdminManager.prepareIncrementalConfigs.
 */
import { NameMap } from '../../bounded-name.ts';
import { type Property, splitList } from '../../config/property.ts';
import { topicProperty } from '../../config/topic-config.ts';
import { ErrorCode } from '../../errors.ts';
import type { Overrides } from '../../metadata/config-feed.ts';
import { FEW, filtered, LOOKS_PER_STEP, type Steps } from '../../platform/turns.ts';
import { type ConfigRefusal, configRefusal } from './config-resources.ts';
import { repeatedNames } from './named-once.ts';

/** What shall be stored in place of `stored`, or why that can't be. */
export type Change = (
  stored: Overrides,
  propertyOf: (name: string) => Property | undefined,
) => Steps<Overrides | ConfigRefusal>;

export const OpType = { SET: 0, DELETE: 1, APPEND: 2, SUBTRACT: 3 } as const;

export interface ConfigOperation {
  readonly name: string;
  readonly configOperation: number;
  readonly value: string | null;
}

/** The change that single operations make (IncrementalAlterConfigs). */
export function incrementally(operations: readonly ConfigOperation[]): Change {
  return function* (stored, propertyOf) {
    const unknown = yield* unknownOperation(operations);
    if (unknown !== null) return unknown;
    const next = new NameMap(stored);
    for (const [index, operation] of operations.entries()) {
      if (index >= FEW) yield;
      const { name, configOperation, value } = operation;
      if (configOperation === OpType.DELETE) next.delete(name);
      else if (configOperation === OpType.SET) next.set(name, value ?? '');
      else {
        const list = changedList(operation, next.get(name), propertyOf(name));
        if (typeof list !== 'string') return list;
        next.set(name, list);
      }
    }
    return next;
  };
}

/** APPEND and SUBTRACT: what is appended is there once, what is subtracted not at all. */
function changedList(
  { name, configOperation, value }: ConfigOperation,
  stored: string | undefined,
  property: Property | undefined,
): string | ConfigRefusal {
  if (property === undefined) return configRefusal(ErrorCode.INVALID_CONFIG, `Unknown config name: ${name}`);
  const append = configOperation === OpType.APPEND;
  if (property.type !== 'LIST') {
    const verb = append ? 'append' : 'subtract';
    return configRefusal(
      ErrorCode.INVALID_CONFIG,
      `Config value ${verb} is not allowed for config key: ${name}`,
    );
  }
  const old = splitList(stored ?? property.default ?? '');
  const given = splitList(value ?? '');
  const excluded = new Set(append ? old : given);
  const remaining = (append ? given : old).filter((element) => !excluded.has(element));
  return (append ? [...old, ...remaining] : remaining).join(',');
}

/**
 * Configs that are named twice or lack their value: what no resource allows, whichever way it is altered.
 * Kafka separates the names differently where configs are replaced.
 */
export function* malformedConfigs(
  configs: readonly {
    readonly name: string;
    readonly value: string | null;
    readonly configOperation?: number;
  }[],
): Steps<ConfigRefusal | null> {
  if ((yield* repeatedNames(configs, ({ name }) => name)).size > 0) {
    return configRefusal(ErrorCode.INVALID_REQUEST, 'Error due to duplicate config keys');
  }
  const nulls = yield* filtered(
    configs,
    ({ value, configOperation }) => value === null && configOperation !== OpType.DELETE,
  );
  if (nulls.length === 0) return null;
  const separator = nulls[0]?.configOperation === undefined ? ',' : ', ';
  let names = '';
  for (const [index, { name }] of nulls.entries()) {
    if (index > 0) names += separator;
    names += name;
    yield;
  }
  return configRefusal(ErrorCode.INVALID_REQUEST, `Null value not supported for : ${names}`);
}

/**
 * Of very many configs of a topic, those that decide what it is answered: of unknown ones that are set, which a
 * topic can't have, the first is the one that is told. The others would all be looked at in one step.
 */
export function* decisiveConfigs<C extends { readonly name: string; readonly configOperation?: number }>(
  configs: readonly C[],
): Steps<readonly C[]> {
  const decisive: C[] = [];
  let isUnknownTold = false;
  for (const config of configs) {
    yield;
    const isSet = (config.configOperation ?? OpType.SET) === OpType.SET;
    if (isSet && topicProperty(config.name) === undefined) {
      if (isUnknownTold) continue;
      isUnknownTold = true;
    }
    decisive.push(config);
  }
  return decisive;
}

/** An operation that does not exist; where Kafka fails over it, this broker refuses it. */
export function* unknownOperation(operations: readonly ConfigOperation[]): Steps<ConfigRefusal | null> {
  const known: readonly number[] = Object.values(OpType);
  for (const [index, { configOperation }] of operations.entries()) {
    if (index >= FEW && index % LOOKS_PER_STEP === 0) yield;
    if (known.includes(configOperation)) continue;
    return configRefusal(ErrorCode.INVALID_REQUEST, `Unknown operations type ${configOperation}`);
  }
  return null;
}

/** The change that puts `configs` in place of all that is stored (AlterConfigs). */
export function replacing(
  configs: readonly { readonly name: string; readonly value: string | null }[],
): Change {
  return function* () {
    const next = new NameMap<string>();
    for (const [index, { name, value }] of configs.entries()) {
      if (index >= FEW) yield;
      next.set(name, value ?? '');
    }
    return next;
  };
}
