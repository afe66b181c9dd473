/** DescribeUserScramCredentials and AlterUserScramCredentials: what is stored, who is told what. */
import { beforeEach, describe, expect, it } from 'vitest';
import { ErrorCode } from '../../../broker/errors.ts';
import { describeUserScramCredentials } from '../../../broker/handlers/50-describe-user-scram-credentials.ts';
import { alterUserScramCredentials } from '../../../broker/handlers/51-alter-user-scram-credentials.ts';
import { parseScramCredential } from '../../../broker/security/sasl/scram-credential.ts';
import { saltedPassword, scramKeys } from '../../../broker/security/sasl/scram-formula.ts';
import type { LocalTree } from '../../../coordinator-client/local/local-tree.ts';
import type { ClusterStore } from '../../../coordinator-client/stores/cluster-store.ts';
import { World } from '../../support/world.ts';
import { ask } from './ask.ts';
import { denying } from './support.ts';

const SHA_256 = 1;
const SHA_512 = 2;
const SALT = Buffer.from('salt');

let tree: LocalTree;
let store: ClusterStore;

beforeEach(async () => {
  const world = World.flowing();
  tree = world.tree;
  store = await world.store();
  await store.electController(1, 1);
});

const upsertion = (name: string, mechanism = SHA_256, iterations = 4096) => ({
  name,
  mechanism,
  iterations,
  salt: SALT,
  saltedPassword: Buffer.alloc(32, 1) as Buffer,
});

type Altered = {
  deletions?: { name: string; mechanism: number }[];
  upsertions?: ReturnType<typeof upsertion>[];
};

async function alter({ deletions = [], upsertions = [] }: Altered, isActive = true, overrides = {}) {
  const { response } = await ask(
    alterUserScramCredentials,
    0,
    { deletions, upsertions },
    { store: () => store, controller: { isActive }, ...overrides },
  );
  return response.results.map(({ user, errorCode, errorMessage }) => [user, errorCode, errorMessage]);
}

async function described(...users: string[]) {
  const { response } = await ask(
    describeUserScramCredentials,
    0,
    { users: users.length === 0 ? null : users.map((name) => ({ name })) },
    { store: () => store },
  );
  expect(response.errorCode).toBe(ErrorCode.NONE);
  return response.results.map(({ user, errorCode, credentialInfos }) => [
    user,
    errorCode,
    ...credentialInfos.map(({ mechanism, iterations }) => `${mechanism}:${iterations}`),
  ]);
}

const { NONE, RESOURCE_NOT_FOUND, UNACCEPTABLE_CREDENTIAL, DUPLICATE_RESOURCE } = ErrorCode;

describe('AlterUserScramCredentials', () => {
  it('stores keys that the password can be checked with', async () => {
    const salted = await saltedPassword('SCRAM-SHA-256', 'secret', SALT, 5000);
    const wanted = { ...upsertion('al ice', SHA_256, 5000), saltedPassword: salted };
    expect(await alter({ upsertions: [wanted] })).toEqual([['al ice', NONE, '']]);
    const config = await store.configs.read('users', 'al%20ice');
    expect(parseScramCredential(config.get('SCRAM-SHA-256') ?? '')).toEqual({
      salt: SALT,
      iterations: 5000,
      ...scramKeys('SCRAM-SHA-256', salted),
    });
  });

  it('leaves a user’s quotas alone, and takes a user away of whom nothing is left', async () => {
    await store.configs.write('users', 'alice', new Map([['producer_byte_rate', '1.0']]));
    await alter({ upsertions: [upsertion('alice'), upsertion('bob', SHA_512)] });
    await alter({
      deletions: [
        { name: 'alice', mechanism: SHA_256 },
        { name: 'bob', mechanism: SHA_512 },
      ],
    });
    expect([...(await store.configs.read('users', 'alice')).keys()]).toEqual(['producer_byte_rate']);
    expect(await store.configs.names('users')).toEqual(['alice']);
  });

  it('tells every broker, once for each user', async () => {
    await alter({ upsertions: [upsertion('alice', SHA_256), upsertion('alice', SHA_512), upsertion('bob')] });
    await store.configs.changes.look();
    expect((await store.configs.changes.after(-1)).map(({ subject }) => subject?.name)).toEqual([
      'alice',
      'bob',
    ]);
  });

  it.each([
    ['', SHA_256, 4096, UNACCEPTABLE_CREDENTIAL, 'Username must not be empty'],
    ['alice', 3, 4096, ErrorCode.UNSUPPORTED_SASL_MECHANISM, 'Unknown SCRAM mechanism'],
    ['alice', SHA_256, 4095, UNACCEPTABLE_CREDENTIAL, 'Too few iterations'],
    ['alice', SHA_256, 16_385, UNACCEPTABLE_CREDENTIAL, 'Too many iterations'],
    ['alice', SHA_256, -1, UNACCEPTABLE_CREDENTIAL, 'Too few iterations'],
  ])('refuses user %j, mechanism %i, %i iterations', async (user, mechanism, iterations, code, message) => {
    expect(await alter({ upsertions: [upsertion(user, mechanism, iterations)] })).toEqual([
      [user, code, message],
    ]);
    expect(tree.children('/config/users')).toEqual([]);
  });

  it('refuses to take away what is not there, and does nothing else of that user', async () => {
    const answer = await alter({
      deletions: [{ name: 'alice', mechanism: SHA_256 }],
      upsertions: [upsertion('alice', SHA_512), upsertion('bob')],
    });
    expect(answer).toEqual([
      ['alice', RESOURCE_NOT_FOUND, 'Attempt to delete a user credential that does not exist'],
      ['bob', NONE, ''],
    ]);
    expect(await described()).toEqual([['bob', NONE, '1:4096']]);
  });

  it('refuses two changes of one credential', async () => {
    const answer = await alter({
      deletions: [{ name: 'alice', mechanism: SHA_256 }],
      upsertions: [upsertion('alice'), upsertion('bob')],
    });
    expect(answer).toEqual([
      ['alice', DUPLICATE_RESOURCE, 'A user credential cannot be altered twice in the same request'],
      ['bob', NONE, ''],
    ]);
  });

  it('is for the controller, and for who may alter the cluster', async () => {
    const upsertions = [upsertion('bob'), upsertion('alice')];
    const codes = (answer: unknown[][]) => answer.map(([user, code]) => [user, code]);
    expect(codes(await alter({ upsertions }, false))).toEqual([
      ['alice', ErrorCode.NOT_CONTROLLER],
      ['bob', ErrorCode.NOT_CONTROLLER],
    ]);
    expect(codes(await alter({ upsertions }, true, { may: denying('cluster') }))).toEqual([
      ['alice', ErrorCode.CLUSTER_AUTHORIZATION_FAILED],
      ['bob', ErrorCode.CLUSTER_AUTHORIZATION_FAILED],
    ]);
  });
});

describe('DescribeUserScramCredentials', () => {
  beforeEach(async () => {
    await alter({ upsertions: [upsertion('b', SHA_512, 8192), upsertion('b'), upsertion('a b')] });
    await store.configs.write('users', 'quotas-only', new Map([['producer_byte_rate', '1.0']]));
  });

  it('shows all users that have one, by name', async () => {
    expect(await described()).toEqual([
      ['a b', NONE, '1:4096'],
      ['b', NONE, '1:4096', '2:8192'],
    ]);
  });

  it('shows those that are asked for, and says who has none', async () => {
    expect(await described('b', 'nobody', 'quotas-only', '', 'a b', 'a b')).toEqual([
      ['b', NONE, '1:4096', '2:8192'],
      ['nobody', RESOURCE_NOT_FOUND],
      ['quotas-only', RESOURCE_NOT_FOUND],
      ['', RESOURCE_NOT_FOUND],
      ['a b', DUPLICATE_RESOURCE],
    ]);
  });

  it('says of a credential that nobody can read that it failed', async () => {
    await store.configs.write('users', 'b', new Map([['SCRAM-SHA-256', 'salt=x']]));
    expect(await described('b')).toEqual([['b', ErrorCode.UNKNOWN_SERVER_ERROR]]);
  });

  it('is for who may describe the cluster', async () => {
    const { response } = await ask(
      describeUserScramCredentials,
      0,
      {},
      { store: () => store, may: denying('cluster') },
    );
    expect(response).toMatchObject({ errorCode: ErrorCode.CLUSTER_AUTHORIZATION_FAILED, results: [] });
  });
});
