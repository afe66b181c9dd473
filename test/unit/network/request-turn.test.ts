/**
 * A client with very many requests in the pipe is served some of them, and then it is everybody else's turn:
 * whether they are answered at once or by promises that need nothing but what is there.
 */
import { expect, it } from 'vitest';
import { KeptMemory } from '../../../broker/network/kept-memory.ts';
import type { Dispatch } from '../../../broker/network/outcome.ts';
import { type Clock, systemClock } from '../../../broker/platform/clock.ts';
import { connect, echo, FETCH, frame, PRODUCE, settled } from './one-connection.ts';

const REQUESTS = 100;
/** What each of them takes. */
const REQUEST_MS = 1;
const MOST_PER_TURN = 10;

/** Time that passes only as requests are dispatched, and how many were in each turn of the event loop. */
function counted(dispatch: Dispatch) {
  let nowMs = 0;
  const perTurn = [0];
  const clock: Clock = { ...systemClock, nowMs: () => nowMs };
  const nextTurn = (): void => {
    if ((perTurn.at(-1) ?? 0) > 0) perTurn.push(0);
  };
  const counting: Dispatch = (...sent) => {
    nowMs += REQUEST_MS;
    perTurn[perTurn.length - 1] = (perTurn.at(-1) ?? 0) + 1;
    return dispatch(...sent);
  };
  return { clock, counting, perTurn, nextTurn };
}

const soon: Dispatch = async (...sent) => echo(...sent) as Awaited<ReturnType<Dispatch>>;

it.each([
  ['answered at once', FETCH, echo],
  ['answered by promises', FETCH, soon],
  ['of Produce, answered by promises', PRODUCE, soon],
] as const)('of requests that are %s', async (_name, apiKey, dispatch) => {
  const { clock, counting, perTurn, nextTurn } = counted(dispatch);
  const limits = { maxUnsentBytes: 1_000_000, maxInFlightRequests: REQUESTS };
  const { socket } = connect(counting, limits, { clock });
  const texts = Array.from({ length: REQUESTS }, (_, n) => `${n}`);
  socket.arrive(Buffer.concat(texts.map((text) => frame(apiKey, text))));
  for (let turn = 0; turn < REQUESTS; turn++) {
    await settled();
    nextTurn();
  }
  expect(socket.written.toString()).toBe(texts.map((text) => `<${text}>`).join(''));
  expect(Math.max(...perTurn)).toBeLessThanOrEqual(MOST_PER_TURN);
  expect(socket.paused).toBe(false);
});

it('the first request of a turn is served, however long the last one took', async () => {
  let nowMs = 0;
  const started: string[] = [];
  const { socket } = connect(
    (bytes, ...rest) => {
      nowMs += 1000;
      started.push(bytes.toString('latin1', 2));
      return echo(bytes, ...rest);
    },
    { maxUnsentBytes: 1000 },
    { clock: { ...systemClock, nowMs: () => nowMs } },
  );
  socket.arrive(frame(FETCH, 'a'), frame(FETCH, 'b'));
  expect(started).toEqual(['a']);
  await settled();
  expect(started).toEqual(['a', 'b']);
});

it('one that had to wait for memory starts as soon as there is some, whenever it came', async () => {
  let nowMs = 0;
  const clock: Clock = { ...systemClock, nowMs: () => nowMs };
  const kept = new KeptMemory(10);
  const started: string[] = [];
  const { socket } = connect(
    (bytes) => {
      started.push(bytes.toString('latin1', 2));
      return new Promise(() => {});
    },
    {},
    { clock, kept },
  );
  kept.reserve(10);
  socket.arrive(frame(PRODUCE, 'waits'));
  await settled();
  expect(started).toEqual([]);
  nowMs += 100;
  await settled();
  kept.release(10);
  await Promise.resolve();
  expect(started).toEqual(['waits']);
});

it('of many connections that have more, each begins, and then one goes on in each turn', async () => {
  const { clock, counting, perTurn, nextTurn } = counted(echo);
  const texts = Array.from({ length: REQUESTS / 4 }, (_, n) => `${n}`);
  const sockets = [0, 1, 2, 3].map(() => connect(counting, { maxUnsentBytes: 1_000_000 }, { clock }).socket);
  for (const socket of sockets) socket.arrive(Buffer.concat(texts.map((text) => frame(FETCH, text))));
  for (let turn = 0; turn < REQUESTS; turn++) {
    await settled();
    nextTurn();
  }
  const [begun, ...later] = perTurn;
  expect(begun).toBeGreaterThanOrEqual(sockets.length);
  expect(begun).toBeLessThanOrEqual(sockets.length + MOST_PER_TURN);
  expect(Math.max(...later)).toBeLessThanOrEqual(MOST_PER_TURN);
  for (const socket of sockets)
    expect(socket.written.toString()).toBe(texts.map((text) => `<${text}>`).join(''));
});
