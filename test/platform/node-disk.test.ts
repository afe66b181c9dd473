/** The real disk: the contract, and locks between processes. */
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { nodeDisk } from '../../broker/platform/node-disk.ts';
import { diskContract } from './disk.contract.ts';

let directory = '';

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'odradek-disk-'));
});

afterEach(() => {
  rmSync(directory, { recursive: true, force: true });
});

diskContract('node:fs', () => ({ disk: nodeDisk, directory }));

describe('the lock of a log directory', () => {
  it('is one lock by whichever path the directory is reached', () => {
    const alias = `${directory}-alias`;
    symlinkSync(directory, alias);
    const lock = nodeDisk.lock(join(directory, '.lock'));
    expect(() => nodeDisk.lock(join(alias, '.lock'))).toThrow(expect.objectContaining({ code: 'ELOCKED' }));
    lock.release();
    rmSync(alias);
  });

  it('is taken over from a process that is gone, or whose id belongs to another now', () => {
    for (const stale of ['999999999 123@boot\n', `${process.ppid} 1@boot\n`, 'nonsense', '']) {
      writeFileSync(join(directory, '.lock'), stale);
      const lock = nodeDisk.lock(join(directory, '.lock'));
      expect(nodeDisk.list(directory)).toEqual(['.lock']);
      lock.release();
      expect(nodeDisk.list(directory)).toEqual([]);
    }
  });

  it('is refused while another process that holds it lives, and is free when that was killed', async () => {
    const program = `
      import { nodeDisk } from ${JSON.stringify(join(import.meta.dirname, '../../broker/platform/node-disk.ts'))};
      nodeDisk.lock(process.argv[1]);
      process.stdout.write('locked');
      setInterval(() => {}, 1000);
    `;
    const path = join(directory, '.lock');
    const holder = spawn(process.execPath, ['--input-type=module', '-e', program, path]);
    await new Promise((resolve) => holder.stdout.once('data', resolve));
    expect(readFileSync(path, 'utf8')).toMatch(new RegExp(`^${holder.pid} `));
    expect(() => nodeDisk.lock(path)).toThrow(expect.objectContaining({ code: 'ELOCKED' }));
    const gone = new Promise((resolve) => holder.once('exit', resolve));
    holder.kill('SIGKILL');
    await gone;
    nodeDisk.lock(path).release();
  });
});
