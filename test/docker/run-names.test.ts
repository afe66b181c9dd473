/** Which runs are left over, so that what they made may be removed. */
import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { runNames } from './run-names.ts';

/** Of a process that has ended, and was waited for. */
const ENDED = spawnSync(process.execPath, ['-e', '0']).pid;

describe.each([
  ['with /proc', (pid: number) => (pid === process.pid ? '4711' : null)],
  ['without /proc', () => null],
])('on a machine %s', (_where, startOf) => {
  const names = runNames('ci', startOf);

  it('a run whose process lives is none of them', () => {
    expect(names.isLeftOver(names.of(process.pid))).toBe(false);
  });

  it('a run whose process has ended is one', () => {
    expect(names.isLeftOver(names.of(ENDED))).toBe(true);
  });

  it('a run of another host is none, also when its name begins with that of this one', () => {
    expect(names.isLeftOver(runNames('ci-2', startOf).of(ENDED))).toBe(false);
    expect(names.isLeftOver('odradek-test-ci-2')).toBe(false);
  });
});

it('a run whose process id another process has by now is left over', () => {
  const before = runNames('ci', () => '4710').of(process.pid);
  expect(runNames('ci', () => '4711').isLeftOver(before)).toBe(true);
});

it('the start of a process is told where there is /proc', () => {
  const start = runNames('ci').of(process.pid).split('-').at(-1);
  expect(start === '0').toBe(process.platform !== 'linux');
});
