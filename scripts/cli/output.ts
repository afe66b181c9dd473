/**
 * Standard output of a command: written at the pace of its reader, and no further when there is none any
 * more. A reader that goes away early, as `head` does, is no failure: the command ends quietly.
 */
import { spawn } from 'node:child_process';
import { fstatSync } from 'node:fs';

/** As shells report an end by SIGPIPE. */
export const CLOSED_OUTPUT_STATUS = 141;

/** Nobody reads standard output any more. */
export class OutputClosed extends Error {
  override readonly name = 'OutputClosed';
}

/** Lines are handed on in pieces of about this size. */
const PIECE_CHARACTERS = 64 * 1024;
const LOOK_AGAIN_SECONDS = 0.25;
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

/** What others have chosen, for a line of ours: nothing in it moves the cursor, recolours, or ends the line. */
export function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Zl}\p{Zp}\u202a-\u202e\u2066-\u2069]/gu, (character) => {
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
  });
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

/** Rejects when standard output can't be written any more. */
export async function untilOutputFails(): Promise<never> {
  throw await failed;
}

/**
 * For a command that may have nothing to write for long: makes sure that it hears of a reader that goes
 * away all the same. Node tells of that only when something is written, but GNU's tail watches its output;
 * where there is another tail or none, the next line tells.
 */
export function watchReader(): void {
  if (!fstatSync(process.stdout.fd).isFIFO()) return;
  const argv = [`--pid=${process.pid}`, `--sleep-interval=${LOOK_AGAIN_SECONDS}`, '--follow', '/dev/null'];
  const watcher = spawn('tail', argv, { stdio: ['ignore', 'inherit', 'ignore'] });
  watcher.on('error', () => {});
  watcher.once('exit', (_, signal) => {
    if (signal === 'SIGPIPE')
      process.stdout.emit('error', Object.assign(new Error('nobody reads'), { code: 'EPIPE' }));
  });
  watcher.unref();
  // While it holds the output as well, the reader would wait for more.
  process.once('exit', () => watcher.kill('SIGKILL'));
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
