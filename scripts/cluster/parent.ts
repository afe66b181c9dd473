/**
 * Whether the process that wanted this one is still there. Standard input, where it is a pipe, ends with
 * whoever holds the other end, also when there are wrappers in between; a direct parent that dies leaves
 * this process to another.
 */
import { fstatSync } from 'node:fs';

const LOOK_AGAIN_MS = 200;
const STANDARD_INPUT = 0;

/** Resolves when it is gone, however it went. */
export function untilParentIsGone(): Promise<void> {
  const parent = process.ppid;
  return new Promise((resolve) => {
    if (inputTells()) {
      process.stdin.on('end', resolve).on('close', resolve).on('error', resolve);
      process.stdin.resume();
    }
    const timer = setInterval(() => {
      if (process.ppid === parent) return;
      clearInterval(timer);
      resolve();
    }, LOOK_AGAIN_MS);
  });
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
