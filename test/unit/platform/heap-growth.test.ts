/** The room that V8 takes beyond what is in use, in processes of their own. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';

const PROGRAM = join(import.meta.dirname, 'much-that-survives.ts');
const MIB = 1024 * 1024;

async function most(mode: 'bound' | 'free'): Promise<{ youngBytes: number; oldBytes: number }> {
  const { stdout } = await promisify(execFile)(process.execPath, [PROGRAM, mode]);
  return JSON.parse(stdout);
}

describe('the heap', () => {
  it('has bounded room for new objects, and less for old ones that are in use no more', async () => {
    const free = await most('free');
    expect(free.youngBytes).toBeGreaterThan(32 * MIB);
    const bound = await most('bound');
    // 16 MiB and some pages; more where the process hears late of a collection, as on a busy machine.
    expect(bound.youngBytes).toBeLessThan(0.7 * free.youngBytes);
    expect(bound.oldBytes).toBeLessThan(0.8 * free.oldBytes);
  });
});
