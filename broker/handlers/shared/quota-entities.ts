/**
 * Whom a quota is of, as requests name it and as it lies in ZooKeeper: a user, a client id, a client id
 * of a user, or an address; null names whoever has no quota of its own.
 * Source: ZkAdminManager.parseAndSanitizeQuotaEntity, describeClientQuotas.
 */
import {
  type ConfigType,
  DEFAULT_ENTITY,
  desanitize,
  sanitize,
} from '../../../coordinator-client/znodes/config-znodes.ts';
import { ErrorCode, type Failure, failure, type Outcome, success } from '../../errors.ts';
import { IP_QUOTAS, type QuotaKeys, USER_AND_CLIENT_QUOTAS } from '../../quotas/quota-keys.ts';

export const USER = 'user';
export const CLIENT_ID = 'client-id';
export const IP = 'ip';

export type QuotaEntity = ReadonlyMap<string, string | null>;

/** Where the quotas of an entity are stored, and which it may have. */
export interface StoredEntity {
  readonly type: ConfigType;
  readonly name: string;
  readonly keys: QuotaKeys;
}

export function storedName(name: string | null): string {
  return name === null ? DEFAULT_ENTITY : sanitize(name);
}

export function entityName(stored: string): string | null {
  if (stored === DEFAULT_ENTITY) return null;
  try {
    return desanitize(stored);
  } catch {
    return stored; // a tool has made a node that no name leads to
  }
}

export function storedEntity(entity: QuotaEntity): Outcome<StoredEntity> {
  if (entity.size === 0) return invalid('Invalid empty client quota entity');
  for (const [type, name] of entity) {
    if (type !== USER && type !== CLIENT_ID && type !== IP) {
      return invalid(`Unhandled client quota entity type: ${type}`);
    }
    if (name === '') return invalid(`Empty ${type} not supported`);
  }
  const [user, clientId, ip] = [USER, CLIENT_ID, IP].map((type) => {
    const name = entity.get(type);
    return name === undefined ? undefined : storedName(name);
  });
  if (ip !== undefined) return storedAddress(ip, entity.size);
  const keys = USER_AND_CLIENT_QUOTAS;
  if (user === undefined) return success({ type: 'clients', name: clientId ?? '', keys });
  const name = clientId === undefined ? user : `${user}/clients/${clientId}`;
  return success({ type: 'users', name, keys });
}

function storedAddress(ip: string, parts: number): Outcome<StoredEntity> {
  if (parts > 1) {
    return invalid(
      'Invalid quota entity combination, IP entity should not be used with user/client ID entity.',
    );
  }
  if (ip !== DEFAULT_ENTITY && !isAddress(ip)) return invalid(`${ip} is not a valid IP or resolvable host.`);
  return success({ type: 'ips', name: ip, keys: IP_QUOTAS });
}

/** Sanitised, an address of version 6 is none any more: Kafka does not take those either. */
function isAddress(text: string): boolean {
  const parts = text.split('.');
  return parts.length === 4 && parts.every((part) => /^\d{1,3}$/.test(part) && Number(part) <= 255);
}

function invalid(message: string): Failure {
  return failure(ErrorCode.INVALID_REQUEST, message);
}
