/**
 * AlterUserScramCredentials (51), version 0: sets and removes SCRAM credentials, on the controller only. The
 * client has salted the password; what is stored is made of that, and the password is never seen here. All
 * that is said of one user is done together, or not at all.
 * Source: KafkaApis.handleAlterUserScramCredentialsRequest, ZkAdminManager.alterUserScramCredentials.
 */
import { NoController } from '../../coordinator-client/stores/config-store.ts';
import { sanitize } from '../../coordinator-client/znodes/config-znodes.ts';
import { NameMap } from '../bounded-name.ts';
import { ErrorCode, type Failure, failure, type Outcome, success } from '../errors.ts';
import { type Steps, sorted } from '../platform/turns.ts';
import { errorText } from '../protocol/error-texts.ts';
import { AlterUserScramCredentials } from '../protocol/messages/51-alter-user-scram-credentials.ts';
import type { RequestOf, ResponseInput } from '../protocol/schema.ts';
import { CLUSTER, Operation } from '../security/operations.ts';
import { scramCredentialText } from '../security/sasl/scram-credential.ts';
import {
  MAX_SCRAM_ITERATIONS,
  MIN_SCRAM_ITERATIONS,
  type ScramMechanism,
  scramKeys,
} from '../security/sasl/scram-formula.ts';
import { defineHandler, type Refusing } from './handler.ts';
import type { Needs } from './services.ts';
import { onceEach } from './shared/named-once.ts';
import { EMPTY_USER, scramMechanismOf } from './shared/scram-codes.ts';

type Request = RequestOf<typeof AlterUserScramCredentials>;
type Response = ResponseInput<typeof AlterUserScramCredentials>;
type Changes = Pick<Request, 'deletions' | 'upsertions'>;

/** Breaks off the change of a user of whom a credential is to be removed that is not there. */
class NoSuchCredential extends Error {
  override readonly name = 'NoSuchCredential';
  override readonly message = 'Attempt to delete a user credential that does not exist';
}

/** What is to become of one credential: its new text, or null for none. */
interface Change {
  readonly mechanism: ScramMechanism;
  readonly text: string | null;
}

export const alterUserScramCredentials = defineHandler(AlterUserScramCredentials, ['controller', 'store'], {
  async handle(request, context, services) {
    if (!services.controller.isActive) return refuse(request, ErrorCode.NOT_CONTROLLER, context);
    if (!context.may(Operation.ALTER, CLUSTER))
      return refuse(request, ErrorCode.CLUSTER_AUTHORIZATION_FAILED, context);
    return context.turns.take(
      alterEach(context.isAlone ? request : withOwnBytes(request), services),
      CREDENTIALS_PER_TURN,
    );
  },
  refuse,
});

/** Keys are made for each. */
const CREDENTIALS_PER_TURN = 200;

/** Those of a request that is not large are views of the connection's buffer, which hold for this turn only. */
function withOwnBytes({ deletions, upsertions }: Request): Changes {
  const copied = upsertions.map((one) => {
    return { ...one, salt: Buffer.from(one.salt), saltedPassword: Buffer.from(one.saltedPassword) };
  });
  return { deletions, upsertions: copied };
}

function* alterEach(asked: Changes, services: Needs<'store'>): Steps<Response> {
  const results: ReturnType<typeof resultOf>[] = [];
  for (const { user, changes } of yield* changesByUser(asked)) {
    if (changes.ok) {
      yield alter(user, changes.value, services).then((outcome) => results.push(resultOf(user, outcome)));
    } else {
      results.push(resultOf(user, changes));
      yield;
    }
  }
  return { results };
}

function refuse(request: Request, errorCode: ErrorCode, { turns }: Refusing): Response | Promise<Response> {
  return turns.take(refusal(request, errorCode));
}

/** As of any request that is refused as a whole, Kafka says no more than the code. */
function* refusal({ deletions, upsertions }: Request, errorCode: ErrorCode): Steps<Response> {
  const named = yield* onceEach([...deletions, ...upsertions], ({ name }) => name);
  const names: string[] = [];
  for (const { name } of named) {
    names.push(name);
    yield;
  }
  const results: { user: string; errorCode: ErrorCode; errorMessage: null }[] = [];
  for (const user of yield* sorted(names)) {
    results.push({ user, errorCode, errorMessage: null });
    yield;
  }
  return { results };
}

function resultOf(user: string, outcome: Outcome<unknown>) {
  if (outcome.ok) return { user, errorCode: ErrorCode.NONE, errorMessage: '' };
  return { user, errorCode: outcome.error, errorMessage: outcome.message ?? errorText(outcome.error) };
}

interface ChangesOfUser {
  readonly user: string;
  readonly changes: Outcome<Change[]>;
}

/** In the order in which users are first named. */
function* changesByUser({ deletions, upsertions }: Changes): Steps<Iterable<ChangesOfUser>> {
  const byUser = new NameMap<ChangesOfUser>();
  const add = (name: string, judge: () => Outcome<Change>): void => {
    const former = byUser.get(name)?.changes ?? success([]);
    if (!former.ok) return;
    const change = judge();
    const changes = change.ok ? together(former.value, change.value) : change;
    byUser.set(name, { user: name, changes });
  };
  for (const { name, mechanism } of deletions) {
    add(name, () => deletion(name, mechanism));
    yield;
  }
  for (const one of upsertions) {
    add(one.name, () => upsertion(one));
    yield;
  }
  return byUser.values();
}

function together(former: readonly Change[], change: Change): Outcome<Change[]> {
  if (former.some(({ mechanism }) => mechanism === change.mechanism)) {
    return failure(
      ErrorCode.DUPLICATE_RESOURCE,
      'A user credential cannot be altered twice in the same request',
    );
  }
  return success([...former, change]);
}

function deletion(name: string, code: number): Outcome<Change> {
  const mechanism = mechanismFor(name, code);
  return mechanism.ok ? success({ mechanism: mechanism.value, text: null }) : mechanism;
}

function upsertion(wanted: Request['upsertions'][number]): Outcome<Change> {
  const mechanism = mechanismFor(wanted.name, wanted.mechanism);
  if (!mechanism.ok) return mechanism;
  const { iterations, saltedPassword } = wanted;
  if (iterations > MAX_SCRAM_ITERATIONS) return unacceptable('Too many iterations');
  if (iterations < MIN_SCRAM_ITERATIONS) return unacceptable('Too few iterations');
  const keys = scramKeys(mechanism.value, saltedPassword);
  const text = scramCredentialText({ salt: wanted.salt, iterations, ...keys });
  return success({ mechanism: mechanism.value, text });
}

function mechanismFor(name: string, code: number): Outcome<ScramMechanism> {
  if (name === '') return unacceptable(EMPTY_USER);
  const mechanism = scramMechanismOf(code);
  if (mechanism !== null) return success(mechanism);
  return failure(ErrorCode.UNSUPPORTED_SASL_MECHANISM, 'Unknown SCRAM mechanism');
}

function unacceptable(message: string): Failure {
  return failure(ErrorCode.UNACCEPTABLE_CREDENTIAL, message);
}

async function alter(
  user: string,
  changes: readonly Change[],
  { store }: Needs<'store'>,
): Promise<Outcome<void>> {
  try {
    await store().configs.update('users', sanitize(user), (stored) => changed(stored, changes));
    return success(undefined);
  } catch (error) {
    if (error instanceof NoSuchCredential) return failure(ErrorCode.RESOURCE_NOT_FOUND, error.message);
    if (error instanceof NoController) return failure(ErrorCode.UNKNOWN_SERVER_ERROR, error.message);
    throw error;
  }
}

function changed(
  stored: ReadonlyMap<string, string>,
  changes: readonly Change[],
): ReadonlyMap<string, string> {
  const config = new Map(stored);
  for (const { mechanism, text } of changes) {
    if (text !== null) config.set(mechanism, text);
    else if (!config.delete(mechanism)) throw new NoSuchCredential();
  }
  return config;
}
