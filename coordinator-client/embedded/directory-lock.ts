/**
 * One owner of a data directory: a file with the owner's process id and start time. A lock that a
 * killed process has left behind is taken over; a process id that has been given to another process
 * meanwhile is told apart by the start time.
 */
import { randomUUID } from 'node:crypto';
import { linkSync, readFileSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const LOCK_FILE = '.lock';

/** Throws while another living server owns the directory. Returns the release. */
export function lockDirectory(directory: string): () => void {
  const path = join(directory, LOCK_FILE);
  const mine = JSON.stringify({ pid: process.pid, startedAt: startOf(process.pid), token: randomUUID() });
  const draft = `${path}.${process.pid}.${randomUUID()}`;
  writeFileSync(draft, mine);
  try {
    // A link appears with its content: nobody ever reads half a lock.
    if (!tryLink(draft, path)) {
      const owner = readOwner(path);
      if (owner && isAlive(owner)) {
        throw new Error(`${directory} is in use by process ${owner.pid}: one server per data directory`);
      }
      unlinkSync(path);
      if (!tryLink(draft, path)) throw new Error(`${directory} has just been taken by another server`);
    }
  } finally {
    unlinkSync(draft);
  }
  return () => {
    if (readFileOrNull(path) === mine) unlinkSync(path);
  };
}

interface Owner {
  readonly pid: number;
  readonly startedAt: string;
}

function tryLink(from: string, to: string): boolean {
  try {
    linkSync(from, to);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

function readOwner(path: string): Owner | null {
  try {
    const owner: unknown = JSON.parse(readFileOrNull(path) ?? 'null');
    if (typeof owner !== 'object' || owner === null || !('pid' in owner) || !('startedAt' in owner))
      return null;
    return { pid: Number(owner.pid), startedAt: String(owner.startedAt) };
  } catch {
    return null; // not a lock of ours: nobody can be holding it
  }
}

function isAlive(owner: Owner): boolean {
  try {
    process.kill(owner.pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
  }
  return startOf(owner.pid) === owner.startedAt;
}

/** Ended, though whoever started it has not asked how yet: in a container perhaps nobody ever does. */
const ENDED_STATES: ReadonlySet<string> = new Set(['Z', 'X']);

/** Ticks since boot at which a living process was started; empty where the system does not tell. */
function startOf(pid: number): string {
  const stat = readFileOrNull(`/proc/${pid}/stat`);
  // The second field is the name in parentheses, which may hold blanks; the start is the 22nd.
  const fields = stat?.slice(stat.lastIndexOf(')') + 2).split(' ') ?? [];
  return ENDED_STATES.has(fields[0] ?? '') ? 'ended' : (fields[19] ?? '');
}

function readFileOrNull(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return null;
  }
}
