/** Where very many connections have answers at the same time, some are written in each turn of the event loop. */
import { expect, it } from 'vitest';
import type { Dispatch } from '../../../broker/network/outcome.ts';
import { type Clock, systemClock } from '../../../broker/platform/clock.ts';
import { SharedTurn } from '../../../broker/platform/loop-turns.ts';
import { connect, echo, FETCH, frame, manual } from './one-connection.ts';

const MANY = 12;
/** Of each piece of work. */
const WORK_MS = 2;

/** Time that passes only where the test says so, and turns that come when it does. */
function world() {
  let nowMs = 0;
  const soon: (() => void)[] = [];
  const clock: Clock = { ...systemClock, nowMs: () => nowMs, soon: (run) => void soon.push(run) };
  const flushes = new SharedTurn(clock);
  const work = (): void => {
    nowMs += WORK_MS;
  };
  const nextTurn = (): void => {
    for (const run of soon.splice(0)) run();
  };
  const connections = (dispatch: Dispatch) =>
    Array.from({ length: MANY }, () => connect(dispatch, {}, { clock, flushes }));
  return { connections, work, nextTurn };
}

/** How many have been answered after each turn. */
async function answered(sockets: readonly { writes: number }[], nextTurn: () => void): Promise<number[]> {
  const counts: number[] = [];
  for (let turn = 0; turn < MANY; turn++) {
    await Promise.resolve();
    counts.push(sockets.filter(({ writes }) => writes > 0).length);
    nextTurn();
  }
  return counts;
}

it('answers that are there at once', async () => {
  const { connections, work, nextTurn } = world();
  const sockets = connections((...sent) => {
    work();
    return echo(...sent);
  }).map(({ socket }) => socket);
  for (const socket of sockets) socket.arrive(frame(FETCH, 'a'));
  const counts = await answered(sockets, nextTurn);
  expect(counts[0]).toBeLessThan(MANY / 2);
  expect(counts.at(-1)).toBe(MANY);
  expect(sockets.map(({ written }) => written.toString())).toEqual(Array(MANY).fill('<a>'));
});

it('answers that became ready together', async () => {
  const { connections, work, nextTurn } = world();
  const all = Array.from({ length: MANY }, manual);
  let next = 0;
  const sockets = connections((...sent) => all[next++]?.dispatch(...sent) ?? 'nothing').map(
    (each) => each.socket,
  );
  for (const socket of sockets) {
    socket.arrive(frame(FETCH, 'a'));
    const write = socket.write.bind(socket);
    socket.write = (...parts) => {
      work();
      write(...parts);
    };
  }
  await Promise.all(all.map(({ answer }) => answer('a')));
  const counts = await answered(sockets, nextTurn);
  expect(counts[0]).toBeLessThan(MANY / 2);
  expect(counts.at(-1)).toBe(MANY);
  expect(sockets.map(({ written }) => written.toString())).toEqual(Array(MANY).fill('<a>'));
});
