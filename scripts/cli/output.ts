/**
 * Standard output of a command: written at the pace of its reader, and no further when there is none any
 * more. A reader that goes away early, as `head` does, is no failure: the command ends quietly.
 */
import { closeSync, constants, fstatSync, openSync } from 'node:fs';

/** As shells report an end by SIGPIPE. */
export const CLOSED_OUTPUT_STATUS = 141;

/** Nobody reads standard output any more. */
export class OutputClosed extends Error {
  override readonly name = 'OutputClosed';
}

/** Lines are handed on in pieces of about this size. */
const PIECE_CHARACTERS = 64 * 1024;
const LOOK_AGAIN_MS = 250;
/** The pipe's other end is closed, or the terminal is gone. */
const GONE: ReadonlySet<unknown> = new Set(['EPIPE', 'ECONNRESET', 'EIO', 'ERR_STREAM_DESTROYED']);

let failure: Error | null = null;
let tellFailure: (error: Error) => void = () => {};
const failed = new Promise<Error>((resolve) => {
  tellFailure = resolve;
});

/** To be called once, before anything is written: from then on errors of both outputs are looked after. */
export function attendOutput(): void {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    failure ??= GONE.has(error.code)
      ? new OutputClosed('nobody reads standard output')
      : new Error(`standard output can't be written: ${error.message}`);
    tellFailure(failure);
  });
  process.stderr.on('error', () => {});
}

/** Writes a line; resolves when the reader has room for more, rejects when it takes no more. */
export async function print(line: string): Promise<void> {
  await write(`${line}\n`);
}

/** Writes all lines, no more of them in memory than the reader takes; gives back what the generator returns. */
export async function printAll<Result>(lines: Generator<string, Result>): Promise<Result> {
  let piece = '';
  for (;;) {
    const next = lines.next();
    if (next.done !== true) piece += `${next.value}\n`;
    if (piece !== '' && (next.done === true || piece.length >= PIECE_CHARACTERS)) {
      await write(piece);
      piece = '';
    }
    if (next.done === true) return next.value;
  }
}

/** Rejects as soon as standard output can't be written any more, also while nothing is written. */
export async function untilOutputFails(): Promise<never> {
  const timer = setInterval(() => {
    if (!pipeHasReader()) process.stdout.emit('error', Object.assign(new Error('closed'), { code: 'EPIPE' }));
  }, LOOK_AGAIN_MS);
  timer.unref();
  throw await failed;
}

/** Resolves when all that was written has been taken, or never will be. */
export async function outputTaken(): Promise<void> {
  for (const stream of [process.stdout, process.stderr]) {
    if (stream.writableLength === 0) continue;
    await Promise.race([
      new Promise<void>((resolve) => stream.write('', () => resolve())),
      new Promise<void>((resolve) => stream.once('error', () => resolve())),
    ]);
  }
}

async function write(text: string): Promise<void> {
  if (failure !== null) throw failure;
  if (process.stdout.write(text)) return;
  await new Promise<void>((resolve) => {
    const done = (): void => {
      process.stdout.off('drain', done).off('error', done);
      resolve();
    };
    process.stdout.on('drain', done).on('error', done);
  });
  if (failure !== null) throw failure;
}

/**
 * A pipe without a reader is found out only by writing. But Linux opens one for writing, without
 * waiting, only when somebody reads it. Elsewhere, and for what isn't a pipe: true.
 */
function pipeHasReader(): boolean {
  if (process.platform !== 'linux' || !fstatSync(process.stdout.fd).isFIFO()) return true;
  try {
    closeSync(openSync(`/proc/self/fd/${process.stdout.fd}`, constants.O_WRONLY | constants.O_NONBLOCK));
    return true;
  } catch (error) {
    return !(error instanceof Error && 'code' in error && error.code === 'ENXIO');
  }
}
