/** The room that V8 takes for new objects, in a process of its own. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';

const PROGRAM = join(import.meta.dirname, 'much-that-survives.ts');
const MIB = 1024 * 1024;

async function mostMiB(mode: 'bound' | 'free'): Promise<number> {
  const { stdout } = await promisify(execFile)(process.execPath, [PROGRAM, mode]);
  return Number(stdout) / MIB;
}

describe('the room for new objects', () => {
  it('is bounded, where it would grow', async () => {
    expect(await mostMiB('free')).toBeGreaterThan(32);
    expect(await mostMiB('bound')).toBeLessThanOrEqual(16);
  });
});
