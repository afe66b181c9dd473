/** What becomes of sessions that end, or come, at an awkward moment. */
import { describe, expect, it } from 'vitest';
import { SessionKeeper, type SessionListener } from '../../../broker/node/session-keeper.ts';
import { silent } from '../../../broker/platform/diagnostics.ts';
import { createJournal } from '../../../broker/platform/journal.ts';
import type { Coordinator, CoordinatorSource } from '../../../coordinator-client/coordinator.ts';
import { type LocalSource, localSource } from '../../../coordinator-client/local/local.ts';
import { LocalTree } from '../../../coordinator-client/local/local-tree.ts';
import { SimulatedClock } from '../../support/simulated-clock.ts';
import { simulatedRandom } from '../../support/simulated-random.ts';

interface World {
  readonly clock: SimulatedClock;
  readonly tree: LocalTree;
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
): Promise<World> {
  const clock = new SimulatedClock();
  const tree = new LocalTree();
  const source = localSource({ tree, clock, random: simulatedRandom(3), sessionTimeoutMs: 2000, delayMs: 1 });
  const sessions: Coordinator[] = [];
  const told: string[] = [];
  const recording: CoordinatorSource = {
    counts: source.counts,
    async open(timeoutMs) {
      const coordinator = await source.open(timeoutMs);
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
    source: recording,
    clock,
    diagnostics: silent,
    journal: createJournal(clock, silent),
    openTimeoutMs: 4000,
  });
  await clock.runUntilSettled(keeper.open(), 1000);
  keeper.listen(listener);
  return { clock, tree, source, keeper, sessions, told };
}

function expire({ source, sessions }: World, index: number): void {
  const session = sessions[index];
  if (session === undefined) throw new Error(`there is no session ${index}`);
  source.expire(session.sessionId);
}

describe('a session that is lost', () => {
  it('is followed by another, of which the listener hears', async () => {
    const world = await setUp();
    expire(world, 0);
    await world.clock.runFor(100);
    expect(world.told).toEqual(['lost', 'regained 1 after 0']);
  });

  it('while it is taken up, has one successor, also when the taking up fails much later', async () => {
    let fail = (): void => {};
    let first = true;
    const world = await setUp(() => {
      if (!first) return Promise.resolve();
      first = false;
      return new Promise((_, reject) => {
        fail = () => reject(new Error('too late'));
      });
    });
    expire(world, 0);
    await world.clock.runFor(100);
    expire(world, 1);
    await world.clock.runFor(100);
    fail();
    await world.clock.runFor(10_000);
    expect(world.told).toEqual(['lost', 'regained 1 after 0', 'lost', 'regained 2 after 1']);
    expect(world.sessions).toHaveLength(3);
    expect(world.keeper.coordinator.session).toBe('connected');
  });
});

describe('a session that is lost before it is taken up', () => {
  it('is passed over: nobody hears that it was regained', async () => {
    const world = await setUp(undefined, (index, session) => {
      if (index === 1) Object.defineProperty(session, 'session', { value: 'lost' });
    });
    expire(world, 0);
    await world.clock.runFor(100);
    expect(world.told).toEqual(['lost', 'lost', 'regained 2 after 1']);
  });
});

describe('a session that could not be taken up', () => {
  it('is closed, and whoever began to act in it is told to stop before the next', async () => {
    let failures = 1;
    const world = await setUp(async () => {
      if (failures-- > 0) throw new Error('the registration is refused');
    });
    expire(world, 0);
    await world.clock.runFor(5000);
    expect(world.told).toEqual(['lost', 'regained 1 after 0', 'lost', 'regained 2 after 1']);
    expect(world.sessions[1]?.session).toBe('closed');
  });
});

describe('a keeper that is closed', () => {
  it('leaves no session behind that was being opened', async () => {
    const world = await setUp();
    expire(world, 0);
    await world.clock.runUntilTrue(() => world.told.length > 0, 100);
    await world.clock.runUntilSettled(world.keeper.close(), 1000);
    await world.clock.runFor(5000);
    expect(world.sessions.map(({ session }) => session)).toEqual(['lost', 'closed']);
    expect(world.told).toEqual(['lost']);
  });
});
