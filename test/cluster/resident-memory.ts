/** What a process takes of memory, now and at its peak. */
import { readFileSync, writeFileSync } from 'node:fs';
import { expect } from 'vitest';

/** What a broker may take at any moment, whatever comes over its sockets. */
const PEAK_LIMIT_MIB = 400;
/** Written to a process's clear_refs: its peak is what it takes now (proc(5)). */
const FORGET_PEAK = '5';

/** Resident memory of a process in MiB. */
export function residentMiB(pid: number): number {
  return statusMiB(pid, 'VmRSS');
}

/** To be called after each test: tells the most memory that the process has taken since the last call, in MiB. */
export function tellPeak(pid: number): number {
  const peakMiB = statusMiB(pid, 'VmHWM');
  writeFileSync(`/proc/${pid}/clear_refs`, FORGET_PEAK);
  const { currentTestName } = expect.getState();
  console.info(`peak RSS ${peakMiB.toFixed(0)} MiB, ${residentMiB(pid).toFixed(0)} now: ${currentTestName}`);
  return peakMiB;
}

/** {@link tellPeak}, and that it was not too much. */
export function expectBoundedPeak(pid: number): void {
  expect(tellPeak(pid), 'peak RSS in MiB').toBeLessThanOrEqual(PEAK_LIMIT_MIB);
}

function statusMiB(pid: number, name: string): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1] ?? Number.NaN) / 1024;
}
