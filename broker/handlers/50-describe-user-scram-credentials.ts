/**
 * DescribeUserScramCredentials (50), version 0: which SCRAM credentials users have, and with how many
 * iterations; nothing that a password could be guessed from. Nobody named means all who have one, by name.
 * Source: KafkaApis.handleDescribeUserScramCredentialsRequest, ZkAdminManager.describeUserScramCredentials.
 */
import { desanitize, sanitize } from '../../coordinator-client/znodes/config-znodes.ts';
import { ErrorCode } from '../errors.ts';
import { errorText } from '../protocol/error-texts.ts';
import { DescribeUserScramCredentials } from '../protocol/messages/50-describe-user-scram-credentials.ts';
import type { RequestOf, ResponseInput } from '../protocol/schema.ts';
import { CLUSTER, Operation } from '../security/operations.ts';
import { parseScramCredential } from '../security/sasl/scram-credential.ts';
import { SCRAM_MECHANISMS } from '../security/sasl/scram-formula.ts';
import { defineHandler } from './handler.ts';
import { repeatedNames } from './shared/named-once.ts';
import { EMPTY_USER, SCRAM_CODES } from './shared/scram-codes.ts';

type Response = ResponseInput<typeof DescribeUserScramCredentials>;
type Result = NonNullable<Response['results']>[number];
type Overrides = ReadonlyMap<string, string>;

const NOTHING: Overrides = new Map();

export const describeUserScramCredentials = defineHandler(DescribeUserScramCredentials, ['store'], {
  async handle(request, context, { store }) {
    if (!context.may(Operation.DESCRIBE, CLUSTER))
      return refuse(request, ErrorCode.CLUSTER_AUTHORIZATION_FAILED);
    const { configs } = store();
    const asked = (request.users ?? []).map(({ name }) => name);
    if (asked.length > 0) {
      const repeated = repeatedNames(asked);
      const users = [...new Set(asked)];
      const found = await Promise.all(
        users.map((user) => (user === '' ? NOTHING : configs.read('users', sanitize(user)))),
      );
      return answer(users.map((user, index) => describedByName(user, found[index], repeated.has(user))));
    }
    const inTree = await configs.names('users');
    const found = await configs.readMany('users', inTree);
    const all = inTree.flatMap((name, index) => described(desanitize(name), found[index]) ?? []);
    return answer(all.sort((one, other) => (String(one.user) < String(other.user) ? -1 : 1)));
  },
  refuse,
});

/** For each user who was asked about, but without his name: so Kafka's answer is. */
function refuse({ users }: RequestOf<typeof DescribeUserScramCredentials>, errorCode: ErrorCode): Response {
  const results = (users ?? []).map(() => ({ user: '', errorCode, errorMessage: null, credentialInfos: [] }));
  return { errorCode, errorMessage: null, results };
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
