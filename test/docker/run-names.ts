/**
 * Names of runs: `odradek-test-HOST-PID-START`. Of a name can be told whether it is of this host, and
 * whether its process lives still. A process id alone comes again, so that its start is told as well.
 */
import { readFileSync } from 'node:fs';

/** In the place of the start, where it is not to be had (a machine without /proc). */
const UNKNOWN_START = '0';

/** When a process was started, in ticks since the machine was; null where that is not to be had. */
type StartOf = (pid: number) => string | null;

interface RunNames {
  of(pid: number): string;
  /** Whether this is a run of this host whose process has ended. */
  isLeftOver(name: string): boolean;
}

export function runNames(hostname: string, startOf: StartOf = startInProc): RunNames {
  const host = hostname.toLowerCase().replace(/[^a-z0-9]+/g, '-');
  const prefix = `odradek-test-${host}-`;
  // All of it: other hosts' names may begin with this one's.
  const pattern = new RegExp(`^${prefix}(\\d+)-(\\d+)$`);
  return {
    of: (pid) => `${prefix}${pid}-${startOf(pid) ?? UNKNOWN_START}`,
    isLeftOver(name) {
      const [, pid, start] = pattern.exec(name) ?? [];
      if (pid === undefined) return false;
      // An id that another process has by now keeps what is left; the run that is alive is what matters.
      return start === UNKNOWN_START ? !exists(Number(pid)) : start !== startOf(Number(pid));
    },
  };
}

function startInProc(pid: number): string | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? null;
  } catch {
    return null;
  }
}

function exists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
