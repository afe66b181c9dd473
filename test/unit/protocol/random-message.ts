/** Messages made of chance: every field that a version has gets a value, every other its default. */
import type { Int64 } from '../../../broker/int64.ts';
import type { Random } from '../../../broker/platform/random.ts';
import type { Field, Schema } from '../../../broker/protocol/schema.ts';
import { versionIn } from '../../../broker/protocol/versions.ts';
import { ZERO_UUID } from '../../../broker/types.ts';

type Message = Record<string, unknown>;

export function randomMessage(fields: Schema, version: number, random: Random): Message {
  const message: Message = {};
  for (const [name, field] of Object.entries(fields)) {
    const present = versionIn(field.versions, version);
    message[name] = present ? randomValue(field, version, random) : defaultValue(field);
  }
  return message;
}

export function defaultValue(field: Field<unknown>): unknown {
  const { options, kind } = field;
  if (options.default !== undefined) return options.default;
  if (kind === 'struct') {
    return Object.fromEntries(
      Object.entries(field.fields ?? {}).map(([name, member]) => [name, defaultValue(member)]),
    );
  }
  const implied: Partial<Record<typeof kind, unknown>> = {
    bool: false,
    string: '',
    uuid: ZERO_UUID,
    bytes: Buffer.alloc(0),
    records: null,
    array: [],
  };
  return kind in implied ? implied[kind] : 0;
}

function randomValue(field: Field<unknown>, version: number, random: Random): unknown {
  if (versionIn(field.options.nullable, version) && random.int(4) === 0) return null;
  const pick = <T>(...values: T[]): T => values[random.int(values.length)] as T;
  const integer = (bits: number): number => {
    const limit = 2 ** (bits - 1);
    return pick(0, 1, -1, limit - 1, -limit, random.int(limit));
  };
  switch (field.kind) {
    case 'bool':
      return random.int(2) === 0;
    case 'int8':
      return integer(8);
    case 'int16':
      return integer(16);
    case 'int32':
      return integer(32);
    case 'int64':
      return pick<Int64>(0, -1, Number.MAX_SAFE_INTEGER, 2n ** 53n + 1n, 2n ** 63n - 1n, -(2n ** 63n));
    case 'safeInt64':
      return pick(0, 1, -1, 2 ** 32, -(2 ** 32) - 1, Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER);
    case 'float64':
      return pick(0, -1.5, 1e300, random.fraction());
    case 'uuid':
      return pick(ZERO_UUID, random.bytes(16).toString('base64url'));
    case 'string':
      return pick('', 'a', 'topic-1', 'Grüße, 世界 🎈', 'x'.repeat(random.int(300)));
    case 'bytes':
    case 'records':
      return random.bytes(pick(0, 1, 100, 2000));
    case 'array': {
      const { element } = field;
      if (element === undefined) return [];
      return Array.from({ length: random.int(4) }, () => randomValue(element, version, random));
    }
    case 'struct':
      return randomMessage(field.fields ?? {}, version, random);
  }
}
