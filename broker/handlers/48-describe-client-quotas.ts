/**
 * DescribeClientQuotas (48), versions 0-1: the quotas in ZooKeeper whose entity the filter matches. Of
 * each part of an entity a filter says: this name, the default, or any; a part that it does not speak of
 * may be there, unless it is strict.
 * Source: KafkaApis.handleDescribeClientQuotasRequest, ZkAdminManager.describeClientQuotas.
 */
import type { ConfigStore } from '../../coordinator-client/stores/config-store.ts';
import { ErrorCode, type Failure, failure, type Outcome, success } from '../errors.ts';
import { DescribeClientQuotas } from '../protocol/messages/48-describe-client-quotas.ts';
import type { RequestOf, ResponseInput } from '../protocol/schema.ts';
import { IP_QUOTAS, type QuotaKeys, quotaNumber, USER_AND_CLIENT_QUOTAS } from '../quotas/quota-keys.ts';
import { CLUSTER, Operation } from '../security/operations.ts';
import { defineHandler } from './handler.ts';
import { CLIENT_ID, entityName, IP, type QuotaEntity, storedName, USER } from './shared/quota-entities.ts';

type Request = RequestOf<typeof DescribeClientQuotas>;
type Response = ResponseInput<typeof DescribeClientQuotas>;
type Entry = NonNullable<NonNullable<Response['entries']>[number]>;

const MatchType = { EXACT: 0, DEFAULT: 1, ANY: 2 } as const;

/** What a part of an entity must be: a name, the default (null), or anything ('any'). */
type Wanted = { readonly name: string | null } | 'any';

interface Filter {
  readonly wanted: ReadonlyMap<string, Wanted>;
  readonly strict: boolean;
}

export const describeClientQuotas = defineHandler(DescribeClientQuotas, ['store'], {
  async handle(request, context, { store }) {
    if (!context.may(Operation.DESCRIBE_CONFIGS, CLUSTER)) {
      return refuse(request, ErrorCode.CLUSTER_AUTHORIZATION_FAILED);
    }
    const filter = filterOf(request);
    if (!filter.ok) return refused(filter);
    const entries = await matching(filter.value, store().configs);
    return { errorCode: ErrorCode.NONE, errorMessage: '', entries };
  },
  refuse,
});

function refuse(_request: Request, errorCode: ErrorCode): Response {
  return refused(failure(errorCode));
}

function refused({ error, message }: Failure): Response {
  // Where Kafka has nothing particular to say there is no text.
  return { errorCode: error, errorMessage: message ?? null, entries: null };
}

const NAMES = new Map([
  [USER, 'user'],
  [CLIENT_ID, 'client'],
  [IP, 'ip'],
]);

function filterOf({ components, strict }: Request): Outcome<Filter> {
  const wanted = new Map<string, Wanted>();
  for (const { entityType, matchType, match } of components) {
    const what = wantedOf(matchType, match);
    if (what === null) return failure(ErrorCode.UNKNOWN_SERVER_ERROR);
    if (entityType === '') return invalid('Unexpected empty filter component entity type');
    const name = NAMES.get(entityType);
    if (name === undefined) {
      return failure(ErrorCode.UNSUPPORTED_VERSION, `Custom entity type '${entityType}' not supported`);
    }
    if (wanted.has(entityType)) return invalid(`Duplicate ${name} filter component entity type`);
    wanted.set(entityType, what);
  }
  if (wanted.has(IP) && wanted.size > 1) {
    return invalid(
      'Invalid entity filter component combination, IP filter component should not be used with user or clientId filter component.',
    );
  }
  return success({ wanted, strict });
}

/** null for what Kafka throws at. */
function wantedOf(matchType: number, match: string | null): Wanted | null {
  switch (matchType) {
    case MatchType.EXACT:
      return match === null ? null : { name: match };
    case MatchType.DEFAULT:
      return { name: null };
    case MatchType.ANY:
      return 'any';
    default:
      return null;
  }
}

function invalid(message: string): Failure {
  return failure(ErrorCode.INVALID_REQUEST, message);
}

async function matching(filter: Filter, configs: ConfigStore): Promise<Entry[]> {
  const { wanted } = filter;
  const ofAddresses = wanted.has(USER) || wanted.has(CLIENT_ID) ? [] : await addresses(filter, configs);
  if (wanted.has(IP)) return ofAddresses;
  return [...(await clients(filter, configs)), ...ofAddresses];
}

async function addresses(filter: Filter, configs: ConfigStore): Promise<Entry[]> {
  const wanted = filter.wanted.get(IP);
  if (wanted === undefined && filter.strict) return [];
  const names = isNamed(wanted) ? [storedName(wanted.name)] : await configs.names('ips');
  const found = await configs.readMany('ips', names);
  return names.flatMap((name, index) => entryOf([[IP, entityName(name)]], found[index], IP_QUOTAS));
}

async function clients(filter: Filter, configs: ConfigStore): Promise<Entry[]> {
  const [users, ids] = await Promise.all([userNames(filter, configs), clientNames(filter, configs)]);
  const [ofUsers, ofIds] = await Promise.all([
    configs.readMany('users', users),
    configs.readMany('clients', ids),
  ]);
  const entries = users.flatMap((name, index) => {
    const [user = '', client] = name.split('/clients/');
    const parts: [string, string | null][] = [[USER, entityName(user)]];
    if (client !== undefined) parts.push([CLIENT_ID, entityName(client)]);
    return matches(filter, new Map(parts)) ? entryOf(parts, ofUsers[index], USER_AND_CLIENT_QUOTAS) : [];
  });
  const others = ids.flatMap((name, index) => {
    const parts: [string, string | null][] = [[CLIENT_ID, entityName(name)]];
    return matches(filter, new Map(parts)) ? entryOf(parts, ofIds[index], USER_AND_CLIENT_QUOTAS) : [];
  });
  return [...entries, ...others];
}

/** Of users and of their clients. Who asks for one by name does not have all of them read. */
async function userNames({ wanted, strict }: Filter, configs: ConfigStore): Promise<readonly string[]> {
  const [user, client] = [wanted.get(USER), wanted.get(CLIENT_ID)];
  if (isNamed(user) && isNamed(client)) {
    return [`${storedName(user.name)}/clients/${storedName(client.name)}`];
  }
  if (isNamed(user) && client === undefined && strict) return [storedName(user.name)];
  return user === undefined && strict ? [] : configs.userEntities();
}

async function clientNames({ wanted, strict }: Filter, configs: ConfigStore): Promise<readonly string[]> {
  const client = wanted.get(CLIENT_ID);
  if (wanted.has(USER)) return [];
  if (isNamed(client) && strict) return [storedName(client.name)];
  return client === undefined && strict ? [] : configs.names('clients');
}

function isNamed(wanted: Wanted | undefined): wanted is { readonly name: string | null } {
  return wanted !== undefined && wanted !== 'any';
}

function matches({ wanted, strict }: Filter, entity: QuotaEntity): boolean {
  return [USER, CLIENT_ID].every((type) => {
    const part = wanted.get(type);
    if (part === undefined) return !strict || !entity.has(type);
    return entity.has(type) && (part === 'any' || entity.get(type) === part.name);
  });
}

/** Nothing for an entity that has other configs only, such as credentials. */
function entryOf(
  entity: readonly (readonly [type: string, name: string | null])[],
  config: ReadonlyMap<string, string> | undefined,
  keys: QuotaKeys,
): Entry[] {
  const values = [...(config ?? [])].filter(([key]) => keys.has(key));
  if (values.length === 0) return [];
  return [
    {
      entity: entity.map(([entityType, name]) => ({ entityType, entityName: name })),
      values: values.map(([key, text]) => {
        const value = quotaNumber(text);
        if (value === null) throw new Error(`Unexpected client quota configuration value: ${key} -> ${text}`);
        return { key, value };
      }),
    },
  ];
}
