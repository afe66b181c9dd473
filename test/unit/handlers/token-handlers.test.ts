/** CreateDelegationToken, RenewDelegationToken, ExpireDelegationToken, DescribeDelegationToken; and logins by tokens. */
import { beforeEach, describe, expect, it } from 'vitest';
import { ErrorCode } from '../../../broker/errors.ts';
import { createDelegationToken } from '../../../broker/handlers/38-create-delegation-token.ts';
import { renewDelegationToken } from '../../../broker/handlers/39-renew-delegation-token.ts';
import { expireDelegationToken } from '../../../broker/handlers/40-expire-delegation-token.ts';
import { describeDelegationToken } from '../../../broker/handlers/41-describe-delegation-token.ts';
import type { RequestContext } from '../../../broker/handlers/handler.ts';
import { silent } from '../../../broker/platform/diagnostics.ts';
import type { RequestInput } from '../../../broker/protocol/schema.ts';
import { Operation, type Resource } from '../../../broker/security/operations.ts';
import { tokenHmac } from '../../../broker/security/tokens/token.ts';
import { TokenManager } from '../../../broker/security/tokens/token-manager.ts';
import { TokenSet } from '../../../broker/security/tokens/token-set.ts';
import type { ClusterStore } from '../../../coordinator-client/stores/cluster-store.ts';
import { World } from '../../support/world.ts';
import { context, services } from './support.ts';

const SECRET = 'of all brokers';
const DAY_MS = 86_400_000;
const ALICE = { type: 'User', name: 'alice' };
const BOB = { type: 'User', name: 'bob' };

let world: World;
let store: ClusterStore;
let set: TokenSet;
let tokens: TokenManager;

beforeEach(async () => {
  world = World.flowing();
  store = await world.store();
  set = new TokenSet(SECRET);
  tokens = new TokenManager({
    store: () => store.tokens,
    tokens: set,
    maxLifetimeMs: 7 * DAY_MS,
    renewalMs: DAY_MS,
    clock: world.clock,
    random: world.random,
    diagnostics: silent,
  });
});

type By = Partial<RequestContext>;
const by = (principal = ALICE, more: By = {}) =>
  context(3, { principal, securityProtocol: 'SASL_SSL', may: () => false, ...more });

const create = (request: Partial<RequestInput<typeof createDelegationToken.api>> = {}, asker = by()) =>
  createDelegationToken.handle(
    {
      ownerPrincipalType: null,
      ownerPrincipalName: null,
      renewers: [],
      maxLifetimeMs: -1,
      ...request,
    } as never,
    asker,
    services({ tokens }),
  ) as Promise<Record<string, unknown>>;
const renew = (hmac: Buffer, renewPeriodMs: number, asker = by()) =>
  renewDelegationToken.handle({ hmac, renewPeriodMs }, asker, services({ tokens }));
const expire = (hmac: Buffer, expiryTimePeriodMs: number, asker = by()) =>
  expireDelegationToken.handle({ hmac, expiryTimePeriodMs }, asker, services({ tokens }));
const described = async (
  owners: readonly { principalType: string; principalName: string }[] | null,
  asker = by(),
) => {
  const answer = await describeDelegationToken.handle({ owners }, asker, services({ tokens }));
  return answer as { errorCode: number; tokens?: readonly { tokenId: string; hmac: Buffer }[] };
};

const hmacOf = (created: Record<string, unknown>) => created['hmac'] as Buffer;
const refusedWith = (errorCode: ErrorCode) => ({ errorCode, expiryTimestampMs: -1 });
const renewers = [{ principalType: 'User', principalName: 'bob' }];

describe('a token', () => {
  it('is made with a secret that every broker can compute from its id', async () => {
    const nowMs = world.clock.wallMs();
    const created = await create();
    expect(created).toMatchObject({
      errorCode: ErrorCode.NONE,
      principalType: 'User',
      principalName: 'alice',
      tokenRequesterPrincipalName: 'alice',
      issueTimestampMs: nowMs,
      expiryTimestampMs: nowMs + DAY_MS,
      maxTimestampMs: nowMs + 7 * DAY_MS,
    });
    expect(hmacOf(created)).toEqual(tokenHmac(String(created['tokenId']), SECRET));
    expect(hmacOf(created)).toHaveLength(64);
  });

  it('is a node, with a notice', async () => {
    const { tokenId } = await create({ renewers });
    const text = world.tree.read(`/delegation_token/tokens/${tokenId}`)?.data.toString() ?? '';
    expect(JSON.parse(text)).toMatchObject({
      version: 3,
      owner: 'User%3Aalice',
      renewers: ['User%3Abob'],
      tokenId,
    });
    const notice = '/delegation_token/token_changes/token_change_0000000000';
    expect(world.tree.read(notice)?.data.toString()).toBe(tokenId);
  });

  it('lives as long as it is asked to, but no longer than it may', async () => {
    const nowMs = world.clock.wallMs();
    expect(await create({ maxLifetimeMs: 1000 })).toMatchObject({
      maxTimestampMs: nowMs + 1000,
      expiryTimestampMs: nowMs + 1000,
    });
    expect(await create({ maxLifetimeMs: 99 * DAY_MS })).toMatchObject({
      maxTimestampMs: nowMs + 7 * DAY_MS,
    });
  });

  it('is renewed by its owner and its renewers, up to its end', async () => {
    const hmac = hmacOf(await create({ renewers }));
    const nowMs = world.clock.wallMs();
    expect(await renew(hmac, 5000)).toEqual({ errorCode: 0, expiryTimestampMs: nowMs + 5000 });
    expect(await renew(hmac, -1, by(BOB))).toEqual({ errorCode: 0, expiryTimestampMs: nowMs + DAY_MS });
    expect(await renew(hmac, 99 * DAY_MS)).toEqual({ errorCode: 0, expiryTimestampMs: nowMs + 7 * DAY_MS });
    const carol = by({ type: 'User', name: 'carol' });
    expect(await renew(hmac, 1, carol)).toEqual(refusedWith(ErrorCode.DELEGATION_TOKEN_OWNER_MISMATCH));
    expect(await renew(Buffer.alloc(64), 1)).toEqual(refusedWith(ErrorCode.DELEGATION_TOKEN_NOT_FOUND));
  });

  it('that has expired is renewed no more, but can be ended', async () => {
    const hmac = hmacOf(await create({ maxLifetimeMs: 1000 }));
    await world.clock.runFor(1001);
    expect(await renew(hmac, 1)).toEqual(refusedWith(ErrorCode.DELEGATION_TOKEN_EXPIRED));
    expect(await expire(hmac, 1)).toEqual(refusedWith(ErrorCode.DELEGATION_TOKEN_EXPIRED));
    expect(await expire(hmac, -1)).toMatchObject({ errorCode: 0 });
    expect(await expire(hmac, -1)).toEqual(refusedWith(ErrorCode.DELEGATION_TOKEN_NOT_FOUND));
  });

  it('is ended at a time, or at once', async () => {
    const created = await create();
    const nowMs = world.clock.wallMs();
    expect(await expire(hmacOf(created), 10)).toEqual({ errorCode: 0, expiryTimestampMs: nowMs + 10 });
    expect(await expire(hmacOf(created), -1)).toEqual({ errorCode: 0, expiryTimestampMs: nowMs });
    expect(world.tree.children('/delegation_token/tokens')).toEqual([]);
  });

  it('that another broker has ended meanwhile can’t be renewed', async () => {
    const created = await create();
    await store.tokens.remove(String(created['tokenId']));
    expect(await renew(hmacOf(created), 1)).toEqual(refusedWith(ErrorCode.DELEGATION_TOKEN_NOT_FOUND));
  });

  it('is removed once it has expired', async () => {
    await create({ maxLifetimeMs: 1000 });
    const { tokenId } = await create();
    await world.clock.runFor(1001);
    await tokens.removeExpired();
    expect(world.tree.children('/delegation_token/tokens')).toEqual([tokenId]);
  });

  it('is a login of its owner until it expires', async () => {
    const created = await create({ maxLifetimeMs: 1000 });
    const tokenId = String(created['tokenId']);
    const nowMs = world.clock.wallMs();
    expect(set.credentialOf(tokenId, nowMs)).toEqual({
      owner: ALICE,
      password: hmacOf(created).toString('base64'),
      expiryMs: nowMs + 1000,
    });
    expect(set.credentialOf(tokenId, nowMs + 1001)).toBeNull();
    expect(set.credentialOf('other', nowMs)).toBeNull();
  });
});

describe('whose tokens one may have made', () => {
  const forBob = { ownerPrincipalType: 'User', ownerPrincipalName: 'bob' };

  it('is one’s own, and others’ with CREATE_TOKENS', async () => {
    const asked: (readonly [Operation, Resource])[] = [];
    const may = (operation: Operation, resource: Resource) => asked.push([operation, resource]) > 1;
    expect(await create(forBob, by(ALICE, { may }))).toMatchObject({
      errorCode: ErrorCode.DELEGATION_TOKEN_AUTHORIZATION_FAILED,
      tokenId: '',
    });
    expect(await create(forBob, by(ALICE, { may }))).toMatchObject({
      errorCode: ErrorCode.NONE,
      principalName: 'bob',
      tokenRequesterPrincipalName: 'alice',
    });
    expect(asked[0]).toEqual([Operation.CREATE_TOKENS, { type: 'user', name: 'User:bob' }]);
  });

  it('renewers are users', async () => {
    const error = { errorCode: ErrorCode.INVALID_PRINCIPAL_TYPE };
    expect(await create({ renewers: [{ principalType: 'Group', principalName: 'all' }] })).toMatchObject(
      error,
    );
  });

  it('are so many', async () => {
    const full = { ...services({ tokens }).config, delegationTokenMaxTokens: 1 };
    await create();
    const given = services({ tokens, config: full });
    const request = { ownerPrincipalType: null, ownerPrincipalName: null, renewers: [], maxLifetimeMs: -1 };
    const answer = await createDelegationToken.handle(request, by(), given);
    expect(answer).toMatchObject({ errorCode: ErrorCode.POLICY_VIOLATION });
  });
});

describe('the tokens that are shown', () => {
  const ids = async (...asked: Parameters<typeof described>) =>
    (await described(...asked)).tokens?.map(({ tokenId }) => tokenId);

  it('are those that one owns or renews, of the owners that are named', async () => {
    const own = String((await create())['tokenId']);
    const renewed = String((await create({ renewers }, by({ type: 'User', name: 'carol' })))['tokenId']);
    expect(await ids(null)).toEqual([own]);
    expect(await ids(null, by(BOB))).toEqual([renewed]);
    expect(await ids([{ principalType: 'User', principalName: 'carol' }], by(BOB))).toEqual([renewed]);
    expect(await ids([{ principalType: 'User', principalName: 'alice' }], by(BOB))).toEqual([]);
    expect(await ids([])).toEqual([]);
  });

  it('and others with DESCRIBE of the token, or DESCRIBE_TOKENS of its owner', async () => {
    const { tokenId } = await create();
    const who = (asked: Operation) => by(BOB, { may: (operation) => operation === asked });
    expect(await ids(null, who(Operation.DESCRIBE))).toEqual([tokenId]);
    expect(await ids(null, who(Operation.DESCRIBE_TOKENS))).toEqual([tokenId]);
    expect(await ids(null, who(Operation.READ))).toEqual([]);
  });
});

describe('requests about tokens', () => {
  const notAllowed = ErrorCode.DELEGATION_TOKEN_REQUEST_NOT_ALLOWED;

  it.each<readonly [string, By]>([
    ['over PLAINTEXT', { securityProtocol: 'PLAINTEXT' }],
    [
      'by who is not named by a certificate',
      { securityProtocol: 'SSL', principal: { type: 'User', name: 'ANONYMOUS' } },
    ],
    ['by a token', { principal: { ...ALICE, tokenAuthenticated: true } }],
  ])('are not allowed %s', async (_how, more) => {
    const asker = by(ALICE, more);
    expect(await create({}, asker)).toMatchObject({ errorCode: notAllowed });
    expect(await renew(Buffer.alloc(1), 1, asker)).toEqual(refusedWith(notAllowed));
    expect(await expire(Buffer.alloc(1), 1, asker)).toEqual(refusedWith(notAllowed));
    expect(await described(null, asker)).toEqual({ errorCode: notAllowed });
  });

  it.each(['SSL', 'SASL_SSL', 'SASL_PLAINTEXT'] as const)(
    'are allowed over %s with a name',
    async (securityProtocol) => {
      expect(await create({}, by(ALICE, { securityProtocol }))).toMatchObject({ errorCode: ErrorCode.NONE });
    },
  );

  it('say that there are no tokens without a key', async () => {
    const none = services();
    const disabled = { errorCode: ErrorCode.DELEGATION_TOKEN_AUTH_DISABLED };
    const empty = { ownerPrincipalType: null, ownerPrincipalName: null, renewers: [], maxLifetimeMs: -1 };
    expect(await createDelegationToken.handle(empty, by(), none)).toMatchObject(disabled);
    expect(
      await renewDelegationToken.handle({ hmac: Buffer.alloc(1), renewPeriodMs: 1 }, by(), none),
    ).toMatchObject(disabled);
    expect(
      await expireDelegationToken.handle({ hmac: Buffer.alloc(1), expiryTimePeriodMs: 1 }, by(), none),
    ).toMatchObject(disabled);
    expect(await describeDelegationToken.handle({ owners: null }, by(), none)).toMatchObject(disabled);
  });
});
