/**
 * DescribeUserScramCredentials (50), version 0: which SCRAM credentials users have, and with how many
 * iterations; nothing that a password could be guessed from. Nobody named means all who have one, by name.
 * Source: KafkaApis.handleDescribeUserScramCredentialsRequest, ZkAdminManager.describeUserScramCredentials.
 */

import { desanitize, sanitize } from '../../coordinator-client/znodes/config-znodes.ts';
import { ErrorCode } from '../errors.ts';
import type { Steps } from '../platform/turns.ts';
import { errorText } from '../protocol/error-texts.ts';
import { DescribeUserScramCredentials } from '../protocol/messages/50-describe-user-scram-credentials.ts';
import type { RequestOf, ResponseInput } from '../protocol/schema.ts';
import { CLUSTER, Operation } from '../security/operations.ts';
import { parseScramCredential } from '../security/sasl/scram-credential.ts';
import { SCRAM_MECHANISMS } from '../security/sasl/scram-formula.ts';
import { defineHandler, type Refusing } from './handler.ts';
import { onceEach, repeatedNames } from './shared/named-once.ts';
import { refuseEach } from './shared/refusals.ts';
import { EMPTY_USER, SCRAM_CODES } from './shared/scram-codes.ts';

type Response = ResponseInput<typeof DescribeUserScramCredentials>;
type Result = NonNullable<Response['results']>[number];
type Overrides = ReadonlyMap<string, string>;

const NOTHING: Overrides = new Map();
const READ_TOGETHER = 200;
/** The last of them ends without a turn of its own. */
const GROUPS_PER_TURN = 2;

export const describeUserScramCredentials = defineHandler(DescribeUserScramCredentials, ['store'], {
  async handle(request, context, { store }) {
    if (!context.may(Operation.DESCRIBE, CLUSTER))
      return refuse(request, ErrorCode.CLUSTER_AUTHORIZATION_FAILED, context);
    const { configs } = store();
    const asked = (request.users ?? []).map(({ name }) => name);
    if (asked.length > 0) {
      const repeated = await context.turns.take(repeatedNames(asked, (name) => name));
      const users = await context.turns.take(onceEach(asked, (name) => name));
      const describe = async (user: string): Promise<Result> => {
        const found = user === '' ? NOTHING : await configs.read('users', sanitize(user));
        return describedByName(user, found, repeated.has(user));
      };
      return answer(await context.turns.take(someByName(users, describe), GROUPS_PER_TURN));
    }
    const inTree = await configs.names('users');
    const found = await configs.readMany('users', inTree);
    const all = inTree.flatMap((name, index) => described(desanitize(name), found[index]) ?? []);
    return answer(all.sort((one, other) => (String(one.user) < String(other.user) ? -1 : 1)));
  },
  refuse,
});

/** Some at a time: what ZooKeeper answers to all of them would come at once, too. */
function* someByName(users: readonly string[], describe: (user: string) => Promise<Result>): Steps<Result[]> {
  const results: Result[] = [];
  for (let at = 0; at < users.length; at += READ_TOGETHER) {
    const some = users.slice(at, at + READ_TOGETHER).map(describe);
    yield Promise.all(some).then((described) => results.push(...described));
  }
  return results;
}

/** For each user who was asked about, but without his name: so Kafka's answer is. */
function refuse(
  { users }: RequestOf<typeof DescribeUserScramCredentials>,
  errorCode: ErrorCode,
  context: Refusing,
): Response | Promise<Response> {
  const one = { user: '', errorCode, errorMessage: null, credentialInfos: [] };
  return refuseEach(
    users ?? [],
    context,
    () => one,
    (results) => ({ errorCode, errorMessage: null, results }),
  );
}

function answer(results: Result[]): Response {
  return { errorCode: ErrorCode.NONE, errorMessage: '', results };
}

function describedByName(user: string, config: Overrides | undefined, isRepeated: boolean): Result {
  if (user === '') return failed(user, ErrorCode.RESOURCE_NOT_FOUND, EMPTY_USER);
  if (isRepeated) {
    const message = `Cannot describe SCRAM credentials for the same user twice in a single request: ${user}`;
    return failed(user, ErrorCode.DUPLICATE_RESOURCE, message);
  }
  const message = `Attempt to describe a user credential that does not exist: ${user}`;
  return described(user, config) ?? failed(user, ErrorCode.RESOURCE_NOT_FOUND, message);
}

/** null: the user has none. */
function described(user: string, config = NOTHING): Result | null {
  const texts = SCRAM_MECHANISMS.flatMap((mechanism) => {
    const text = config.get(mechanism);
    return text === undefined
      ? []
      : [{ mechanism: SCRAM_CODES[mechanism], credential: parseScramCredential(text) }];
  });
  if (texts.length === 0) return null;
  const credentialInfos = texts.map(({ mechanism, credential }) => ({
    mechanism,
    iterations: credential?.iterations ?? -1,
  }));
  if (texts.some(({ credential }) => credential === null)) {
    return failed(user, ErrorCode.UNKNOWN_SERVER_ERROR, errorText(ErrorCode.UNKNOWN_SERVER_ERROR));
  }
  return { user, errorCode: ErrorCode.NONE, errorMessage: '', credentialInfos };
}

function failed(user: string, errorCode: ErrorCode, errorMessage: string): Result {
  return { user, errorCode, errorMessage, credentialInfos: [] };
}
