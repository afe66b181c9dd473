/** Quotas of users, clients and addresses: looked up and changed, as Kafka's tool shows and names them. */
import { ErrorCode } from '../../../broker/errors.ts';
import { DescribeClientQuotas } from '../../../broker/protocol/messages/48-describe-client-quotas.ts';
import { AlterClientQuotas } from '../../../broker/protocol/messages/49-alter-client-quotas.ts';
import { type AdminClient, reasonOf } from '../admin-client.ts';
import { UsageError } from '../arguments.ts';
import type { ConfigChanges } from './config-words.ts';
import type { Entity, EntityType } from './entities.ts';

interface ClientQuota {
  readonly entity: readonly { readonly entityType: string; readonly entityName: string | null }[];
  readonly values: ReadonlyMap<string, number>;
}

/** How a filter matches names: this one, the default, any. */
const MATCH = { exact: 0, default: 1, any: 2 } as const;
const PROTOCOL_TYPES: Partial<Record<EntityType, string>> = {
  users: 'user',
  clients: 'client-id',
  ips: 'ip',
};
/** In the order in which they are shown. */
const SHOWN_TYPES: readonly (readonly [string, string])[] = [
  ['user', 'user-principal'],
  ['client-id', 'client-id'],
  ['ip', 'ip'],
];
const KEYS = {
  client: ['producer_byte_rate', 'consumer_byte_rate', 'request_percentage', 'controller_mutation_rate'],
  ip: ['connection_creation_rate'],
} as const;

/** Of just these types; sorted by what they are shown as. `strict` leaves out what has other types besides. */
export async function clientQuotas(
  admin: AdminClient,
  entities: readonly Entity[],
  strict: boolean,
): Promise<ClientQuota[]> {
  const components = entities.map(({ type, name }) => ({
    entityType: protocolType(type),
    matchType: name === null ? MATCH.any : name === '' ? MATCH.default : MATCH.exact,
    match: name === null || name === '' ? null : name,
  }));
  const answer = await admin.askAnyBroker(DescribeClientQuotas, { components, strict });
  if (answer.errorCode !== ErrorCode.NONE) throw new Error(reasonOf(answer));
  const found = (answer.entries ?? []).map(({ entity, values }) => ({
    entity,
    values: new Map(values.map(({ key, value }) => [key, value])),
  }));
  return found.sort((a, b) => (quotaEntityText(a) < quotaEntityText(b) ? -1 : 1));
}

/** Throws UsageError for keys and values that are none; refuses to delete what is not set. */
export async function changeQuotas(
  admin: AdminClient,
  entities: readonly Entity[],
  { added, deleted }: ConfigChanges,
): Promise<void> {
  checkKeys(entities, [...added.keys(), ...deleted]);
  const set = Array.from(added, ([key, value]) => ({ key, value: quotaValue(key, value), remove: false }));
  const removed = deleted.map((key) => ({ key, value: 0, remove: true }));
  if (deleted.length > 0) {
    const [now] = await clientQuotas(admin, entities, true);
    const unset = deleted.filter((key) => now?.values.has(key) !== true);
    if (unset.length > 0) throw new Error(`not set, so not to be deleted: ${unset.join(', ')}`);
  }
  const entity = entities.map(({ type, name }) => ({
    entityType: protocolType(type),
    entityName: name === '' ? null : name,
  }));
  const request = { entries: [{ entity, ops: [...set, ...removed] }], validateOnly: false };
  const { entries } = await admin.askController(AlterClientQuotas, request, (response) => response.entries);
  const failed = entries.find(({ errorCode }) => errorCode !== ErrorCode.NONE);
  if (failed !== undefined) throw new Error(reasonOf(failed));
}

/** `user-principal 'u', the default client-id` */
export function quotaEntityText({ entity }: Pick<ClientQuota, 'entity'>): string {
  return SHOWN_TYPES.flatMap(([type, shown]) =>
    entity
      .filter(({ entityType }) => entityType === type)
      .map(({ entityName }) => (entityName === null ? `the default ${shown}` : `${shown} '${entityName}'`)),
  ).join(', ');
}

/** A number as Java prints a double: 1024.0, 1.048576E7. */
export function quotaNumber(value: number): string {
  const size = Math.abs(value);
  if (value === 0 || (size >= 1e-3 && size < 1e7))
    return Number.isInteger(value) ? `${value}.0` : String(value);
  const [digits = '', exponent = ''] = value.toExponential().split('e');
  return `${digits.includes('.') ? digits : `${digits}.0`}E${Number(exponent)}`;
}

function checkKeys(entities: readonly Entity[], keys: readonly string[]): void {
  const known: readonly string[] = entities.some(({ type }) => type === 'ips') ? KEYS.ip : KEYS.client;
  for (const key of keys)
    if (!known.includes(key))
      throw new UsageError(
        `${entities.map(({ type }) => type).join(' and ')} have ${known.join(', ')}, not '${key}'`,
      );
}

function quotaValue(key: string, text: string): number {
  const value = text === '' ? Number.NaN : Number(text);
  if (!Number.isFinite(value)) throw new UsageError(`${key} takes a number, not '${text}'`);
  return value;
}

function protocolType(type: EntityType): string {
  return PROTOCOL_TYPES[type] ?? type;
}
