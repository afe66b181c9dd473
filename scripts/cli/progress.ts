/**
 * What is said while something takes longer than a second: on standard error, so that the output can be
 * piped. A terminal sees one line that changes, anything else a line every ten seconds.
 */

const QUIET_MS = 1000;
const LINE_EVERY_MS = 10_000;

/** Resolves as `work` does; `said` is asked again each second. */
export async function withProgress<Result>(work: Promise<Result>, said: () => string): Promise<Result> {
  const isTerminal = process.stderr.isTTY === true;
  let spoken = false;
  const say = (): void => {
    spoken = true;
    process.stderr.write(isTerminal ? `\r\x1b[2K${said()}` : `${said()}\n`);
  };
  let again: NodeJS.Timeout | null = null;
  const first = setTimeout(() => {
    say();
    again = setInterval(say, isTerminal ? QUIET_MS : LINE_EVERY_MS);
  }, QUIET_MS);
  try {
    return await work;
  } finally {
    clearTimeout(first);
    if (again !== null) clearInterval(again);
    if (spoken && isTerminal) process.stderr.write('\r\x1b[2K');
  }
}
