/** What Linux knows of a process: CPU time and memory, from /proc. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

const TICKS_PER_SECOND = Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }));

/** User and system time of all threads; of the processes together. */
export function cpuSeconds(pids: readonly number[]): number {
  let ticks = 0;
  for (const pid of pids) {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The second field is the name in parentheses, which may hold spaces.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    ticks += Number(fields[11]) + Number(fields[12]);
  }
  return ticks / TICKS_PER_SECOND;
}

/** Resident memory now, of the processes together. */
export function residentMib(pids: readonly number[]): number {
  return statusMib(pids, 'VmRSS');
}

/** The most that was ever resident, of the processes together. */
export function peakMib(pids: readonly number[]): number {
  return statusMib(pids, 'VmHWM');
}

function statusMib(pids: readonly number[], field: string): number {
  let kib = 0;
  for (const pid of pids) {
    const found = new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(
      readFileSync(`/proc/${pid}/status`, 'utf8'),
    );
    kib += Number(found?.[1] ?? Number.NaN);
  }
  return kib / 1024;
}
