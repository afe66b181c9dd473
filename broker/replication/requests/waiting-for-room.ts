/**
 * Where fetches wait that need memory for all of their records at once while answers take all there is: holding
 * nothing, and in the order of arrival. They are woken in turns of the event loop of their own, a few in each,
 * never within the call that gives memory back: that is somebody else's, and what a woken fetch gives back would
 * wake the next one within its own.
 */
import type { Clock } from '../../platform/clock.ts';
import { type Steps, Turns } from '../../platform/turns.ts';
import { type PartitionKey, partitionKey } from '../../types.ts';
import type { AnswerMemory } from './answer-memory.ts';
import type { WaitingRoom } from './waiting.ts';

/** Each of them reads. */
const WOKEN_PER_TURN = 20;

/** What they wait for: no topic has this name. */
const ROOM = partitionKey('', -1);

interface WaitingForRoomParts {
  readonly clock: Clock;
  readonly answerMemory: AnswerMemory;
  readonly waiting: WaitingRoom;
}

export class WaitingForRoom {
  readonly #parts: WaitingForRoomParts;
  /** Until all were woken that there was room for. */
  #isWaking = false;

  constructor(parts: WaitingForRoomParts) {
    this.#parts = parts;
    parts.answerMemory.whenRoom(() => this.#wakeSoon());
  }

  /** For who comes now: what is left is for those who wait already. */
  get isRoom(): boolean {
    return this.#parts.answerMemory.leftBytes > 0 && !this.#isWaking;
  }

  /** Runs `goOn` when there is room, with what is left of `maxWaitMs`; when that is over with 0. */
  wait<Result>(maxWaitMs: number, goOn: (restMs: number) => Result | Promise<Result>): Promise<Result> {
    const { clock, answerMemory, waiting } = this.#parts;
    const endMs = clock.nowMs() + maxWaitMs;
    return new Promise((resolve) => {
      // At once, so that the next of those who wait finds what this one leaves.
      const run = (restMs: number) => resolve(attempt(() => goOn(restMs)));
      const tryComplete = (changed: PartitionKey | null) => {
        if (!(changed === null ? this.isRoom : answerMemory.leftBytes > 0)) return false;
        run(Math.max(0, endMs - clock.nowMs()));
        return true;
      };
      waiting.tryCompleteElseWait({ tryComplete, expire: () => run(0) }, [ROOM], maxWaitMs);
    });
  }

  #wakeSoon(): void {
    if (this.#isWaking) return;
    this.#isWaking = true;
    const turns = new Turns(this.#parts.clock);
    void turns.own().then(() => turns.take(this.#wake(), WOKEN_PER_TURN));
  }

  *#wake(): Steps<void> {
    const { answerMemory, waiting } = this.#parts;
    while (answerMemory.leftBytes > 0 && waiting.checkFirst(ROOM)) yield;
    this.#isWaking = false;
  }
}

/** What `run` throws, as a promise of it. */
function attempt<Result>(run: () => Result | Promise<Result>): Result | Promise<Result> {
  try {
    return run();
  } catch (error) {
    return Promise.reject(error);
  }
}
