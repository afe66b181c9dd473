/** A large group is answered some members in each turn of the event loop. */
import { expect, it } from 'vitest';
import { joinError, syncError } from '../../../broker/coordinators/group/effects.ts';
import { newGroup, type Ticket } from '../../../broker/coordinators/group/group.ts';
import { GroupDriver, type Placed } from '../../../broker/coordinators/group/group-driver.ts';
import { ErrorCode } from '../../../broker/errors.ts';
import { type Clock, systemClock } from '../../../broker/platform/clock.ts';
import { World } from '../../support/world.ts';

const MEMBERS = 1000;
const MOST_PER_TURN = 100;

it.each(['join', 'sync'] as const)(
  'of %s requests all are answered, and no more than so many in a turn',
  async (what) => {
    const soon: (() => void)[] = [];
    const clock: Clock = { ...systemClock, nowMs: () => 0, soon: (run) => void soon.push(run) };
    const driver = new GroupDriver({
      ...new World().platform(),
      clock,
      runtime: {} as never,
      settings: {} as never,
    });
    const placed = { entry: { group: newGroup('g', 0) } } as unknown as Placed;
    const tickets: Ticket[] = [];
    const perTurn = [0];
    const wait = (ticket: Ticket): [] => {
      tickets.push(ticket);
      return [];
    };
    const answered = Array.from({ length: MEMBERS }, async () => {
      await (what === 'join' ? driver.awaitJoin(placed, wait) : driver.awaitSync(placed, wait));
      perTurn[perTurn.length - 1] = (perTurn.at(-1) ?? 0) + 1;
    });
    driver.carryOut(
      placed,
      tickets.map((ticket) =>
        what === 'join'
          ? { do: 'answer-join', ticket, answer: joinError(ErrorCode.NONE, `${ticket}`) }
          : { do: 'answer-sync', ticket, answer: syncError(ErrorCode.NONE) },
      ),
    );
    while (soon.length > 0) {
      for (let round = 0; round < 5; round++) await Promise.resolve();
      perTurn.push(0);
      for (const run of soon.splice(0)) run();
    }
    await Promise.all(answered);
    expect(perTurn.reduce((sum, count) => sum + count)).toBe(MEMBERS);
    expect(Math.max(...perTurn)).toBe(MOST_PER_TURN);
  },
);
