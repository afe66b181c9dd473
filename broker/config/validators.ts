/**
 * Judges of config values. What they say is what Kafka says, since tools and tests compare it.
 */
import type { Validator } from './property.ts';

/** A number of at least `least`. */
export function atLeast(least: number): Validator {
  return (value) => (Number(value) < least ? `Value must be at least ${least}` : null);
}

/** A number from `least` to `most`, both included. */
export function between(least: number, most: number): Validator {
  return (value) => {
    if (Number(value) < least) return `Value must be at least ${least}`;
    return Number(value) > most ? `Value must be no more than ${most}` : null;
  };
}

/** One of these words, in this spelling. */
export function oneOf(...allowed: string[]): Validator {
  return (value) => (allowed.includes(String(value)) ? null : `String must be one of: ${allowed.join(', ')}`);
}

/** One of these words, in small letters or capitals. */
export function oneOfIgnoringCase(...allowed: string[]): Validator {
  const upper = allowed.map((name) => name.toUpperCase());
  return (value) =>
    upper.includes(String(value).toUpperCase())
      ? null
      : `String must be one of (case insensitive): ${allowed.join(', ')}`;
}

/** For lists: every element must be one of the allowed. */
export function eachOneOf(...allowed: string[]): Validator {
  const complaint = `String must be one of: ${allowed.join(', ')}`;
  return (value) => {
    const part = (value as readonly string[]).find((element) => !allowed.includes(element));
    return part === undefined ? null : { part, complaint };
  };
}

export const NOT_EMPTY: Validator = (value) => (String(value) === '' ? 'String must be non-empty' : null);

/** -1 stands for another config's value. */
export const POSITIVE_OR_NONE: Validator = (value) =>
  Number(value) === -1 || Number(value) >= 1 ? null : 'Value can be -1 or greater than 0';

export const COMPRESSION_TYPE = oneOf('uncompressed', 'zstd', 'lz4', 'snappy', 'gzip', 'producer');

/** By their ids, as the offsets topic's codec is configured. */
export const COMPRESSION_ID: Validator = (value) =>
  Number(value) >= 0 && Number(value) <= 4 ? null : `Unknown compression type id: ${value}`;

export const SECURITY_PROTOCOL = oneOf('PLAINTEXT', 'SSL', 'SASL_PLAINTEXT', 'SASL_SSL');

/** 0 means "no compression" to zlib, which is not a level here. */
export const GZIP_LEVEL: Validator = (value) => {
  const level = Number(value);
  return level === -1 || (level >= 1 && level <= 9) ? null : 'Value must be between 1 and 9 or equal to -1';
};

export const THROTTLED_REPLICAS: Validator = (value, name) => {
  const replicas = value as readonly string[];
  // A comma too many is no error.
  const named = replicas.filter((replica) => replica !== '');
  const wellFormed = named.every((replica) => /^\d+:\d+$/.test(replica));
  return wellFormed || (named.length === 1 && named[0] === '*')
    ? null
    : `${name} must be the literal '*' or a list of replicas in the following format: [partitionId]:[brokerId],[partitionId]:[brokerId],...`;
};

/** Releases that changed the protocol between brokers, and how often each did. */
const METADATA_VERSIONS = new Map<string, number>([
  ['0.8.0', 0],
  ['0.8.1', 0],
  ['0.8.2', 0],
  ['0.9.0', 0],
  ['0.10.0', 2],
  ['0.10.1', 3],
  ['0.10.2', 1],
  ['0.11.0', 3],
  ['1.0', 1],
  ['1.1', 1],
  ['2.0', 2],
  ['2.1', 3],
  ['2.2', 2],
  ['2.3', 2],
  ['2.4', 2],
  ['2.5', 1],
  ['2.6', 1],
  ['2.7', 3],
  ['2.8', 2],
  ['3.0', 2],
  ['3.1', 1],
  ['3.2', 1],
  ['3.3', 4],
  ['3.4', 1],
  ['3.5', 3],
  ['3.6', 3],
  ['3.7', 5],
  ['3.8', 1],
  ['3.9', 1],
]);

/** `3.9`, `3.9.0` and `3.9-IV0` all name a version; of the old releases three numbers count. */
export const METADATA_VERSION: Validator = (value) => {
  const text = String(value);
  const match = /^(0\.\d+\.\d+|[1-9]\d*\.\d+)(\.\d+)*(?:-IV(\d+))?$/.exec(text);
  const steps = METADATA_VERSIONS.get(match?.[1] ?? '');
  const step = match?.[3];
  if (steps !== undefined && (step === undefined || Number(step) < steps)) return null;
  return `Version ${text} is not a valid version`;
};
