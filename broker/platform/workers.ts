/**
 * Work that would hold the event loop for long: it is done elsewhere, as a job that has a name, since
 * functions can't be sent to another thread. What is done in the loop after all is paid for out of what a
 * turn of the loop has for such work; whoever finds that spent waits for one of the next turns, or makes a job of it.
 * The simulator does its jobs in place, one a turn and in the order of their coming.
 */
import type { Clock } from './clock.ts';
import { TurnBudget } from './loop-turns.ts';

export interface Job<Input, Output> {
  /** Unique; both threads know the job by it. */
  readonly name: string;
  /** Synchronous, and of its input alone. In another thread buffers arrive as plain Uint8Arrays. */
  run(input: Input): Output;
  /** What of the input is handed over instead of copied: its giver must not use it any more. */
  handedOver?(input: Input): readonly ArrayBuffer[];
  /** The same of the output. */
  handedBack?(output: Output): readonly ArrayBuffer[];
}

export interface Workers {
  /** What this turn of the loop still has for work in place. */
  readonly turn: TurnBudget;
  /** As {@link TurnBudget.later} of `turn`: for what would be done by now if others had not been before it. */
  laterTurn(amount: number, from: string): Promise<void> | null;
  /**
   * Does the job. Those who ask take turns: `from` says who it is, and of one of them jobs are begun in the
   * order of their coming. `input` is asked for when the job begins, so that what waits takes no
   * memory. Rejects with {@link JobFailed}, or with what `input` throws.
   */
  run<Input, Output>(job: Job<Input, Output>, input: () => Input, from: string): Promise<Output>;
  /** Nothing is done any more; what was to be done is rejected. */
  close(): Promise<void>;
}

/** The thread that had the job has died, or what it ran has thrown. */
export class JobFailed extends Error {
  override readonly name = 'JobFailed';
}

/**
 * Does the job, and does it here when its thread has died: that holds everybody up, but it is done. `check`
 * throws when it is not wanted any more, so that nothing is done for nobody.
 */
export async function doneAnyway<Input, Output>(
  workers: Workers,
  job: Job<Input, Output>,
  { input, from, check = () => {} }: { input: () => Input; from: string; check?: () => void },
): Promise<Output> {
  const output = await workers.run(job, input, from).catch((error: unknown) => {
    check();
    if (error instanceof JobFailed) return job.run(input());
    throw error;
  });
  check();
  return output;
}

/** What a turn has for work in place, in bytes that are decompressed: some milliseconds. */
const TURN_BYTES = 1024 * 1024;

export function turnBudget(clock: Clock): TurnBudget {
  return new TurnBudget(clock, TURN_BYTES);
}

/** All jobs in this thread. */
export function workersInPlace(clock: Clock): Workers {
  const turn = turnBudget(clock);
  return {
    turn,
    laterTurn: (amount, from) => turn.later(amount, from),
    close: () => Promise.resolve(),
    run: (job, input) =>
      new Promise((resolve, reject) => {
        clock.soon(() => {
          try {
            resolve(job.run(input()));
          } catch (error) {
            reject(error);
          }
        });
      }),
  };
}

/** As a buffer again, without a copy. */
export function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
}

/** The same bytes in memory of their own, which can be handed over; without a copy where they have it. */
export function ownBytes(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const { buffer, byteLength } = bytes;
  if (buffer instanceof ArrayBuffer && buffer.byteLength === byteLength) {
    return bytes as Uint8Array<ArrayBuffer>;
  }
  return new Uint8Array(bytes);
}
