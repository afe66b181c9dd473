/**
 * AlterClientQuotas (49), versions 0-1: sets and removes quotas of users, client ids and addresses, each
 * entity for itself, in ZooKeeper; any broker does it. An entity that has nothing left goes from there.
 * Source: KafkaApis.handleAlterClientQuotasRequest, ZkAdminManager.alterClientQuotas.
 */
import { NoController } from '../../coordinator-client/stores/config-store.ts';
import { NameMap, NameSet } from '../bounded-name.ts';
import { ErrorCode, type Failure, failure, type Outcome, success } from '../errors.ts';
import { FEW, gathered, type Steps } from '../platform/turns.ts';
import { errorText } from '../protocol/error-texts.ts';
import { AlterClientQuotas } from '../protocol/messages/49-alter-client-quotas.ts';
import type { RequestOf, ResponseInput } from '../protocol/schema.ts';
import { CONNECTION_RATE_KEY, quotaText } from '../quotas/quota-keys.ts';
import { CLUSTER, Operation } from '../security/operations.ts';
import { defineHandler, type Refusing } from './handler.ts';
import type { Needs } from './services.ts';
import { type QuotaEntity, type StoredEntity, storedEntity } from './shared/quota-entities.ts';

type Request = RequestOf<typeof AlterClientQuotas>;
type Entry = Request['entries'][number];
type Response = ResponseInput<typeof AlterClientQuotas>;
type EntryResult = NonNullable<Response['entries']>[number];

const NEEDS = ['store'] as const;
type Needed = Needs<(typeof NEEDS)[number]>;

export const alterClientQuotas = defineHandler(AlterClientQuotas, NEEDS, {
  async handle(request, context, services) {
    if (!context.may(Operation.ALTER_CONFIGS, CLUSTER)) {
      return refuse(request, ErrorCode.CLUSTER_AUTHORIZATION_FAILED, context);
    }
    return context.turns.take(alterEach(request, services));
  },
  refuse,
});

/** One after the other: entries of one request may speak of the same nodes, and then the last answers. */
function* alterEach({ entries, validateOnly }: Request, services: Needed): Steps<Response> {
  const results = new NameMap<EntryResult>();
  for (const [index, entry] of entries.entries()) {
    const entity = yield* entityOf(entry);
    const wanted = yield* wantedBy(entry, entity);
    const parts = yield* partsOf(entity);
    const key = keyOf(entity, index);
    const remember = (outcome: Outcome<unknown>): void => {
      results.set(key, resultOf(parts, outcome));
    };
    if (wanted.ok && !validateOnly) yield alter(wanted.value, services).then(remember);
    else {
      remember(wanted);
      yield;
    }
  }
  return { entries: yield* gathered(results.values()) };
}

function refuse(request: Request, errorCode: ErrorCode, { turns }: Refusing): Response | Promise<Response> {
  return turns.take(refusal(request, failure(errorCode)));
}

function* refusal(request: Request, refused: Failure): Steps<Response> {
  const entries: EntryResult[] = [];
  for (const entry of request.entries) {
    entries.push(resultOf(yield* partsOf(yield* entityOf(entry)), refused));
    yield;
  }
  return { entries };
}

type Parts = NonNullable<EntryResult['entity']>;

function resultOf(entity: Parts, outcome: Outcome<unknown>): EntryResult {
  if (outcome.ok) return { errorCode: ErrorCode.NONE, errorMessage: null, entity };
  return {
    errorCode: outcome.error,
    errorMessage: outcome.message ?? errorText(outcome.error),
    entity,
  };
}

/** Each kind of thing once, with its last name. */
function* entityOf({ entity }: Entry): Steps<QuotaEntity> {
  const named = new NameMap<string | null>();
  for (const [index, { entityType, entityName }] of entity.entries()) {
    named.set(entityType, entityName);
    if (index >= FEW) yield;
  }
  return named;
}

function* partsOf(entity: QuotaEntity): Steps<Parts> {
  const parts: Parts[number][] = [];
  for (const [entityType, entityName] of entity) {
    parts.push({ entityType, entityName });
    if (parts.length > FEW) yield;
  }
  return parts;
}

/** The same for the same entity, unless it is one of so many kinds that it is refused: there are three. */
function keyOf(entity: QuotaEntity, index: number): string {
  return entity.size > FEW ? String(index) : JSON.stringify([...entity].sort());
}

/** What is to be stored of which entity. */
interface Wanted {
  readonly stored: StoredEntity;
  readonly changes: Changes;
}

function* wantedBy(entry: Entry, entity: QuotaEntity): Steps<Outcome<Wanted>> {
  const stored = storedEntity(entity);
  if (!stored.ok) return stored;
  const changes = yield* changesOf(entry, stored.value);
  return changes.ok ? success({ stored: stored.value, changes: changes.value }) : changes;
}

async function alter({ stored: { type, name }, changes }: Wanted, { store }: Needed): Promise<Outcome<void>> {
  const wrong = rangeError(changes);
  if (wrong !== null) return wrong;
  try {
    await store().configs.update(type, name, (stored) => changed(stored, changes));
    return success(undefined);
  } catch (error) {
    if (error instanceof NoController) return failure(ErrorCode.UNKNOWN_SERVER_ERROR, error.message);
    throw error;
  }
}

/** The last word on a key counts: it is in one of them. */
interface Changes {
  /** Of keys that there are. */
  readonly values: ReadonlyMap<string, string>;
  /** As many as a request likes, known or not. */
  readonly removed: NameSet;
}

function* changesOf({ ops }: Entry, { keys }: StoredEntity): Steps<Outcome<Changes>> {
  const values = new Map<string, string>();
  const removed = new NameSet();
  for (const [index, { key, value, remove }] of ops.entries()) {
    if (index >= FEW) yield;
    if (remove) {
      values.delete(key);
      removed.add(key);
      continue;
    }
    const kind = keys.get(key);
    if (kind === undefined) return invalid(`Invalid configuration key ${key}`);
    const text = quotaText(kind, value);
    if (text === null) return invalid(`Configuration ${key} must be a ${kind} value`);
    removed.delete(key);
    values.set(key, text);
  }
  return success({ values, removed });
}

/** What is looked at only when it is stored. */
function rangeError({ values }: Changes): Failure | null {
  const rate = values.get(CONNECTION_RATE_KEY) ?? null;
  if (rate === null || Number(rate) >= 0) return null;
  const message = `Invalid value ${rate} for configuration ${CONNECTION_RATE_KEY}: Value must be at least 0`;
  return failure(ErrorCode.INVALID_CONFIG, message);
}

function changed(
  stored: ReadonlyMap<string, string>,
  { values, removed }: Changes,
): ReadonlyMap<string, string> {
  return new Map([...[...stored].filter(([key]) => !removed.has(key)), ...values]);
}

function invalid(message: string): Failure {
  return failure(ErrorCode.INVALID_REQUEST, message);
}
