/** Delegation tokens reach a broker: at the start, by notice, and after a lost session. */
import { beforeEach, describe, expect, it } from 'vitest';
import { TokenFeed } from '../../../broker/metadata/token-feed.ts';
import { silent } from '../../../broker/platform/diagnostics.ts';
import type { ClusterStore } from '../../../coordinator-client/stores/cluster-store.ts';
import { World } from '../../support/world.ts';

const TOKEN = {
  tokenId: 'one',
  owner: 'User%3Aalice',
  tokenRequester: 'User%3Aalice',
  renewers: [],
  issueTimestampMs: 1,
  maxTimestampMs: 3,
  expiryTimestampMs: 2,
};

let world: World;
let admin: ClusterStore;
let told: string[];

function newFeed(): TokenFeed {
  return new TokenFeed({
    clock: world.clock,
    diagnostics: silent,
    onAll: (tokens) => told.push(`all: ${tokens.map(({ tokenId }) => tokenId).join()}`),
    onToken: (tokenId, token) => told.push(`${tokenId}: ${token?.expiryTimestampMs ?? 'gone'}`),
  });
}

beforeEach(async () => {
  world = World.flowing();
  admin = await world.store();
  await admin.tokens.ensurePaths();
  told = [];
});

describe('the feed of delegation tokens', () => {
  it('tells all at the start, and each change by notice', async () => {
    await admin.tokens.create(TOKEN);
    await newFeed().start(await world.store());
    await admin.tokens.replace({ ...TOKEN, expiryTimestampMs: 9 });
    await world.until(() => told.length === 2);
    await admin.tokens.remove('one');
    await world.until(() => told.length === 3);
    expect(told).toEqual(['all: one', 'one: 9', 'one: gone']);
  });

  it('tells all anew with the next session, and nothing in between', async () => {
    const feed = newFeed();
    await feed.start(await world.store());
    feed.stop();
    await admin.tokens.create(TOKEN);
    await feed.start(await world.store());
    expect(told).toEqual(['all: ', 'all: one']);
  });

  it('goes on without a token that can’t be read', async () => {
    await admin.tokens.create(TOKEN);
    const data = Buffer.from('{"version":9');
    const path = '/delegation_token/tokens/two';
    await admin.coordinator.commit([{ op: 'create', path, data, lifetime: 'persistent' }]);
    await newFeed().start(await world.store());
    expect(told).toEqual(['all: one']);
  });
});
