/**
 * AlterClientQuotas (49), versions 0-1: sets and removes quotas of users, client ids and addresses, each
 * entity for itself, in ZooKeeper; any broker does it. An entity that has nothing left goes from there.
 * Source: KafkaApis.handleAlterClientQuotasRequest, ZkAdminManager.alterClientQuotas.
 */
import { NoController } from '../../coordinator-client/stores/config-store.ts';
import { NameMap } from '../bounded-name.ts';
import { ErrorCode, type Failure, failure, type Outcome, success } from '../errors.ts';
import type { Steps } from '../platform/turns.ts';
import { errorText } from '../protocol/error-texts.ts';
import { AlterClientQuotas } from '../protocol/messages/49-alter-client-quotas.ts';
import type { RequestOf, ResponseInput } from '../protocol/schema.ts';
import { CONNECTION_RATE_KEY, quotaText } from '../quotas/quota-keys.ts';
import { CLUSTER, Operation } from '../security/operations.ts';
import { defineHandler } from './handler.ts';
import type { Needs } from './services.ts';
import { type QuotaEntity, type StoredEntity, storedEntity } from './shared/quota-entities.ts';

type Request = RequestOf<typeof AlterClientQuotas>;
type Entry = Request['entries'][number];
type Response = ResponseInput<typeof AlterClientQuotas>;
type EntryResult = NonNullable<Response['entries']>[number];

/** Of those that are refused at once. */
const ENTRIES_PER_TURN = 1000;

const NEEDS = ['store'] as const;
type Needed = Needs<(typeof NEEDS)[number]>;

export const alterClientQuotas = defineHandler(AlterClientQuotas, NEEDS, {
  async handle(request, context, services) {
    if (!context.may(Operation.ALTER_CONFIGS, CLUSTER)) {
      return refuse(request, ErrorCode.CLUSTER_AUTHORIZATION_FAILED);
    }
    return context.turns.take(alterEach(request, services), ENTRIES_PER_TURN);
  },
  refuse,
});

/** One after the other: entries of one request may speak of the same nodes, and then the last answers. */
function* alterEach({ entries, validateOnly }: Request, services: Needed): Steps<Response> {
  const results = new NameMap<EntryResult>();
  for (const entry of entries) {
    yield alter(entry, validateOnly, services).then((altered) =>
      results.set(JSON.stringify([...entityOf(entry)].sort()), resultOf(entry, altered)),
    );
  }
  return { entries: [...results.values()] };
}

function refuse(request: Request, errorCode: ErrorCode): Response {
  return { entries: request.entries.map((entry) => resultOf(entry, failure(errorCode))) };
}

function resultOf(entry: Entry, outcome: Outcome<unknown>): EntryResult {
  const entity = [...entityOf(entry)].map(([entityType, entityName]) => ({ entityType, entityName }));
  if (outcome.ok) return { errorCode: ErrorCode.NONE, errorMessage: null, entity };
  return {
    errorCode: outcome.error,
    errorMessage: outcome.message ?? errorText(outcome.error),
    entity,
  };
}

function entityOf({ entity }: Entry): QuotaEntity {
  return new Map(entity.map(({ entityType, entityName }) => [entityType, entityName]));
}

async function alter(entry: Entry, validateOnly: boolean, { store }: Needed): Promise<Outcome<void>> {
  const entity = storedEntity(entityOf(entry));
  if (!entity.ok) return entity;
  const changes = changesOf(entry, entity.value);
  if (!changes.ok) return changes;
  if (validateOnly) return success(undefined);
  const wrong = rangeError(changes.value);
  if (wrong !== null) return wrong;
  const { type, name } = entity.value;
  try {
    await store().configs.update(type, name, (stored) => changed(stored, changes.value));
    return success(undefined);
  } catch (error) {
    if (error instanceof NoController) return failure(ErrorCode.UNKNOWN_SERVER_ERROR, error.message);
    throw error;
  }
}

/** New values by key, null for those to remove; the last word on a key counts. */
type Changes = ReadonlyMap<string, string | null>;

function changesOf({ ops }: Entry, { keys }: StoredEntity): Outcome<Changes> {
  const changes = new Map<string, string | null>();
  for (const { key, value, remove } of ops) {
    const kind = keys.get(key);
    if (remove) {
      changes.set(key, null);
      continue;
    }
    if (kind === undefined) return invalid(`Invalid configuration key ${key}`);
    const text = quotaText(kind, value);
    if (text === null) return invalid(`Configuration ${key} must be a ${kind} value`);
    changes.set(key, text);
  }
  return success(changes);
}

/** What is looked at only when it is stored. */
function rangeError(changes: Changes): Failure | null {
  const rate = changes.get(CONNECTION_RATE_KEY) ?? null;
  if (rate === null || Number(rate) >= 0) return null;
  const message = `Invalid value ${rate} for configuration ${CONNECTION_RATE_KEY}: Value must be at least 0`;
  return failure(ErrorCode.INVALID_CONFIG, message);
}

function changed(stored: ReadonlyMap<string, string>, changes: Changes): ReadonlyMap<string, string> {
  const config = new Map(stored);
  for (const [key, value] of changes) {
    if (value === null) config.delete(key);
    else config.set(key, value);
  }
  return config;
}

function invalid(message: string): Failure {
  return failure(ErrorCode.INVALID_REQUEST, message);
}
