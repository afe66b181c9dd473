/**
 * Whether the process that wanted this one is still there. Standard input, where it is a pipe, ends with
 * whoever holds the other end, also when there are wrappers in between; a direct parent that dies leaves
 * this process to another. Wrappers (`npx`, the shell that it starts) outlive whoever has started them: where
 * the system tells of other processes (Linux), the parents of such wrappers are watched as well.
 */
import { fstatSync, readFileSync } from 'node:fs';

const LOOK_AGAIN_MS = 200;
const STANDARD_INPUT = 0;

/** Resolves when it is gone, however it went. */
export function untilParentIsGone(): Promise<void> {
  const parent = process.ppid;
  const above = parentsOfWrappers(parent);
  return new Promise((resolve) => {
    if (inputTells()) {
      process.stdin.on('end', resolve).on('close', resolve).on('error', resolve);
      process.stdin.resume();
    }
    const timer = setInterval(() => {
      if (process.ppid === parent && above.every(isStill)) return;
      clearInterval(timer);
      resolve();
    }, LOOK_AGAIN_MS);
  });
}

interface Parenthood {
  readonly child: number;
  readonly pid: number;
}

/** What `parentOf` says of a process that has ended. */
const GONE = 0;
const NPM = /(^|\/)np[mx]( |$)/;
const SHELL = /(^|\/)(ba|da|z)?sh$/;

/** From the direct parent upwards, as far as there are wrappers. */
function parentsOfWrappers(parent: number): Parenthood[] {
  const found: Parenthood[] = [];
  for (let child = parent; isWrapper(child); ) {
    const pid = parentOf(child);
    if (pid === null || pid <= 1) break;
    found.push({ child, pid });
    child = pid;
  }
  return found;
}

/** A shell with a command, as programs start one, or npm, which calls itself `npm exec …`. */
function isWrapper(pid: number): boolean {
  const [program = '', first] = argumentsOf(pid);
  return (SHELL.test(program) && first === '-c') || NPM.test(program);
}

function argumentsOf(pid: number): readonly string[] {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
  } catch {
    return [];
  }
}

/** Still so, or nobody tells at the moment. */
function isStill({ child, pid }: Parenthood): boolean {
  const now = parentOf(child);
  return now === null || now === pid;
}

/** null where nobody tells: another system, or this process may open no more files. */
function parentOf(pid: number): number | null {
  let stat: string;
  try {
    stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return code === 'ENOENT' || code === 'ESRCH' ? GONE : null;
  }
  // Behind the program's name, which is in brackets and may hold anything: its state, and its parent.
  const found = /.*\) \S (\d+)/s.exec(stat);
  return found === null ? null : Number(found[1]);
}

/** A file or /dev/null ends at once, which says nothing; a terminal has its own signals. */
function inputTells(): boolean {
  try {
    const input = fstatSync(STANDARD_INPUT);
    return input.isFIFO() || input.isSocket();
  } catch {
    return false;
  }
}
