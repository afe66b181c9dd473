/**
 * From what is stored of a resource's dynamic configs, and what a client asks for, to what shall be
 * stored: pure, before any judgement of values.
 * Source: ConfigAdminManager.prepareIncrementalConfigs.
 */
import { type Property, splitList } from '../config/property.ts';
import { ErrorCode } from '../protocol/errors.ts';
import { type ConfigRefusal, refusal } from './config-resources.ts';
import { repeatedNames } from './repeated-names.ts';

export type Overrides = ReadonlyMap<string, string>;

/** What shall be stored in place of `stored`, or why that can't be. */
export type Change = (
  stored: Overrides,
  propertyOf: (name: string) => Property | undefined,
) => Overrides | ConfigRefusal;

export const OpType = { SET: 0, DELETE: 1, APPEND: 2, SUBTRACT: 3 } as const;
const OPERATIONS: ReadonlySet<number> = new Set(Object.values(OpType));

export interface ConfigOperation {
  readonly name: string;
  readonly configOperation: number;
  readonly value: string | null;
}

/** The change that single operations make (IncrementalAlterConfigs). */
export function incrementally(operations: readonly ConfigOperation[]): Change {
  return (stored, propertyOf) => {
    const malformed = malformedOperations(operations);
    if (malformed !== null) return malformed;
    const next = new Map(stored);
    for (const operation of operations) {
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
  if (property === undefined) return refusal(ErrorCode.INVALID_CONFIG, `Unknown config name: ${name}`);
  const append = configOperation === OpType.APPEND;
  if (property.type !== 'LIST') {
    const verb = append ? 'append' : 'subtract';
    return refusal(ErrorCode.INVALID_CONFIG, `Config value ${verb} is not allowed for config key: ${name}`);
  }
  const old = splitList(stored ?? property.default ?? '');
  const given = splitList(value ?? '');
  const excluded = new Set(append ? old : given);
  const remaining = (append ? given : old).filter((element) => !excluded.has(element));
  return (append ? [...old, ...remaining] : remaining).join(',');
}

function malformedOperations(operations: readonly ConfigOperation[]): ConfigRefusal | null {
  if (repeatedNames(operations).size > 0) return DUPLICATE_KEYS;
  const unknown = operations.find(({ configOperation }) => !OPERATIONS.has(configOperation));
  if (unknown !== undefined) {
    return refusal(
      ErrorCode.INVALID_REQUEST,
      `Unknown operation ${unknown.configOperation} for ${unknown.name}`,
    );
  }
  const nulls = operations.filter(
    ({ value, configOperation }) => value === null && configOperation !== OpType.DELETE,
  );
  return nulls.length === 0 ? null : nullValues(nulls, ', ');
}

const DUPLICATE_KEYS = refusal(ErrorCode.INVALID_REQUEST, 'Error due to duplicate config keys');

/** Kafka separates the names differently where configs are replaced. */
function nullValues(configs: readonly { readonly name: string }[], separator: ', ' | ','): ConfigRefusal {
  const names = configs.map(({ name }) => name).join(separator);
  return refusal(ErrorCode.INVALID_REQUEST, `Null value not supported for : ${names}`);
}

/** The change that puts `configs` in place of all that is stored (AlterConfigs). */
export function replacing(
  configs: readonly { readonly name: string; readonly value: string | null }[],
): Change {
  return () => {
    if (repeatedNames(configs).size > 0) return DUPLICATE_KEYS;
    const nulls = configs.filter(({ value }) => value === null);
    if (nulls.length > 0) return nullValues(nulls, ',');
    return new Map(configs.map(({ name, value }) => [name, value ?? '']));
  };
}
