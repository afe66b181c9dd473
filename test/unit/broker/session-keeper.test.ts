/** What becomes of sessions that end, or come, at an awkward moment. */

import { describe, expect, it } from 'vitest';
import { SessionKeeper, type SessionListener } from '../../../broker/node/session-keeper.ts';
import type { Coordinator, CoordinatorSource } from '../../../coordinator-client/coordinator.ts';
import type { LocalSource } from '../../../coordinator-client/local/local.ts';
import { World } from '../../support/world.ts';

interface Kept {
  readonly world: World;
  readonly source: LocalSource;
  readonly keeper: SessionKeeper;
  /** Every session that was opened, in order. */
  readonly sessions: Coordinator[];
  /** What the listener was told: `lost`, or `regained <session> after <former>` by number. */
  readonly told: string[];
}

async function setUp(
  regained: (coordinator: Coordinator) => Promise<void> = async () => {},
  opened: (index: number, session: Coordinator) => void = () => {},
): Promise<Kept> {
  const world = new World();
  const source = world.source({ delayMs: 1 });
  const sessions: Coordinator[] = [];
  const told: string[] = [];
  const recording: CoordinatorSource = {
    counts: source.counts,
    async open(timeoutMs, calledOff) {
      const coordinator = await source.open(timeoutMs, calledOff);
      sessions.push(coordinator);
      opened(sessions.length - 1, coordinator);
      return coordinator;
    },
  };
  const number = (id: bigint): number => sessions.findIndex(({ sessionId }) => sessionId === id);
  const listener: SessionListener = {
    lost: () => told.push('lost'),
    async regained(formerSessionId) {
      const { coordinator } = keeper;
      told.push(`regained ${number(coordinator.sessionId)} after ${number(formerSessionId)}`);
      await regained(coordinator);
    },
  };
  const keeper = new SessionKeeper({
    ...world.platform(),
    source: recording,
    openTimeoutMs: 4000,
  });
  await world.settled(keeper.open());
  keeper.listen(listener);
  return { world, source, keeper, sessions, told };
}

function expire({ source, sessions }: Kept, index: number): void {
  const session = sessions[index];
  if (session === undefined) throw new Error(`there is no session ${index}`);
  source.expire(session.sessionId);
}

describe('a session that is lost', () => {
  it('is followed by another, of which the listener hears', async () => {
    const kept = await setUp();
    expire(kept, 0);
    await kept.world.pass(100);
    expect(kept.told).toEqual(['lost', 'regained 1 after 0']);
  });

  it('while it is taken up, has one successor, also when the taking up fails much later', async () => {
    let fail = (): void => {};
    let first = true;
    const kept = await setUp(() => {
      if (!first) return Promise.resolve();
      first = false;
      return new Promise((_, reject) => {
        fail = () => reject(new Error('too late'));
      });
    });
    expire(kept, 0);
    await kept.world.pass(100);
    expire(kept, 1);
    await kept.world.pass(100);
    fail();
    await kept.world.pass(10_000);
    expect(kept.told).toEqual(['lost', 'regained 1 after 0', 'lost', 'regained 2 after 1']);
    expect(kept.sessions).toHaveLength(3);
    expect(kept.keeper.coordinator.session).toBe('connected');
  });
});

describe('a session that is lost before it is taken up', () => {
  it('is passed over: nobody hears that it was regained', async () => {
    const kept = await setUp(undefined, (index, session) => {
      if (index === 1) Object.defineProperty(session, 'session', { value: 'lost' });
    });
    expire(kept, 0);
    await kept.world.pass(100);
    expect(kept.told).toEqual(['lost', 'lost', 'regained 2 after 1']);
  });
});

describe('a session that could not be taken up', () => {
  it('is closed, and whoever began to act in it is told to stop before the next', async () => {
    let failures = 1;
    const kept = await setUp(async () => {
      if (failures-- > 0) throw new Error('the registration is refused');
    });
    expire(kept, 0);
    await kept.world.pass(5000);
    expect(kept.told).toEqual(['lost', 'regained 1 after 0', 'lost', 'regained 2 after 1']);
    expect(kept.sessions[1]?.session).toBe('closed');
  });
});

describe('a keeper that is closed', () => {
  it('leaves no session behind that was being opened', async () => {
    const kept = await setUp();
    expire(kept, 0);
    await kept.world.until(() => kept.told.length > 0, 100);
    await kept.world.settled(kept.keeper.close(), 1000);
    await kept.world.pass(5000);
    expect(kept.world.tree.sessionIds()).toEqual([]);
    expect(kept.sessions.map(({ session }) => session)).toEqual(['lost']);
    expect(kept.told).toEqual(['lost']);
  });
});
