/**
 * The quotas there are, by the keys they have in requests and in ZooKeeper, and how a value is written.
 * Source: org.apache.kafka.server.config.QuotaConfigs, kafka.server.DynamicConfig.
 */

/** Of users and clients. */
export const CLIENT_QUOTA_KEYS = {
  produce: 'producer_byte_rate',
  fetch: 'consumer_byte_rate',
  request: 'request_percentage',
  controllerMutation: 'controller_mutation_rate',
} as const;

/** What a quota of users and clients is of. */
export type QuotaType = keyof typeof CLIENT_QUOTA_KEYS;

/** Of addresses. */
export const CONNECTION_RATE_KEY = 'connection_creation_rate';

type Kind = 'LONG' | 'DOUBLE' | 'INT';
export type QuotaKeys = ReadonlyMap<string, Kind>;

export const USER_AND_CLIENT_QUOTAS: QuotaKeys = new Map<string, Kind>([
  [CLIENT_QUOTA_KEYS.produce, 'LONG'],
  [CLIENT_QUOTA_KEYS.fetch, 'LONG'],
  [CLIENT_QUOTA_KEYS.request, 'DOUBLE'],
  [CLIENT_QUOTA_KEYS.controllerMutation, 'DOUBLE'],
]);
export const IP_QUOTAS: QuotaKeys = new Map([[CONNECTION_RATE_KEY, 'INT']]);

/** How far from a whole number a value of whole numbers may be. */
const EPSILON = 1e-6;
const GREATEST: Record<Exclude<Kind, 'DOUBLE'>, bigint> = { LONG: 2n ** 63n - 1n, INT: 2n ** 31n - 1n };

/** The value as it is stored; null when a quota of this kind can't have it. */
export function quotaText(kind: Kind, value: number): string | null {
  if (kind === 'DOUBLE') return javaDouble(value);
  const whole = toWhole(value + EPSILON, GREATEST[kind]);
  return Math.abs(Number(whole) - value) > EPSILON ? null : String(whole);
}

/** Java's conversion: the part before the point, NaN is 0, and what is too large the greatest there is. */
function toWhole(value: number, greatest: bigint): bigint {
  if (Number.isNaN(value)) return 0n;
  if (value >= Number(greatest)) return greatest;
  if (value <= -Number(greatest)) return -greatest - 1n;
  return BigInt(Math.trunc(value));
}

/** A number as Java's Double.toString writes it, which is what stands in ZooKeeper. */
function javaDouble(value: number): string {
  if (Number.isNaN(value)) return 'NaN';
  if (!Number.isFinite(value)) return value > 0 ? 'Infinity' : '-Infinity';
  if (value === 0) return Object.is(value, -0) ? '-0.0' : '0.0';
  const magnitude = Math.abs(value);
  if (magnitude >= 1e-3 && magnitude < 1e7) {
    const text = String(value);
    return text.includes('.') ? text : `${text}.0`;
  }
  const [digits = '', exponent = ''] = value.toExponential().split('e');
  return `${digits.includes('.') ? digits : `${digits}.0`}E${Number(exponent)}`;
}

/** A stored value as a number, which may be NaN; null for what is none. */
export function quotaNumber(text: string): number | null {
  const value = text.trim() === '' ? Number.NaN : Number(text);
  return Number.isNaN(value) && text !== 'NaN' ? null : value;
}

/** The limit that a stored value sets; null when it sets none. */
export function quotaLimit(text: string | undefined): number | null {
  const value = text === undefined ? null : quotaNumber(text);
  return value === null || Number.isNaN(value) ? null : value;
}
