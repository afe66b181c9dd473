/** The real disk: the contract, directories that can't be made, and what it says of a lock that another has. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { nodeDisk } from '../../../broker/platform/node-disk.ts';
import { scratchDisk } from '../../kit/scratch-disk.ts';
import { diskContract } from './disk.contract.ts';

let directory = '';

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'odradek-disk-'));
});

afterEach(() => {
  rmSync(directory, { recursive: true, force: true });
});

diskContract('node:fs', () => ({ disk: nodeDisk, directory }));
diskContract('the same without waiting for it', () => ({ disk: scratchDisk, directory }));

describe('a directory that can’t be made', () => {
  it('is refused at once, also where a system says of an existing parent that it is not there', () => {
    symlinkSync(join(directory, 'nowhere'), join(directory, 'dangling'));
    for (const path of ['dangling', 'dangling/x']) {
      expect(() => nodeDisk.makeDirectory(join(directory, path))).toThrow(/^E/);
    }
    if (process.platform !== 'linux') return;
    // In a process of its own: a loop in mkdir would hold up this one.
    const program = `
      import { nodeDisk } from ${JSON.stringify(join(import.meta.dirname, '../../../broker/platform/node-disk.ts'))};
      try { nodeDisk.makeDirectory('/proc/nobody/data'); } catch (error) { console.log(error.code); }
    `;
    const argv = ['--input-type=module', '-e', program];
    const { stdout } = spawnSync(process.execPath, argv, { encoding: 'utf8', timeout: 60_000 });
    expect(stdout.trim()).toBe('ENOENT');
  });
});

it("refuses a log directory that is locked in Kafka's words", () => {
  const lock = nodeDisk.lock(join(directory, '.lock'));
  expect(() => nodeDisk.lock(join(directory, '.lock'))).toThrow(
    `Failed to acquire lock on file .lock in ${directory}. A Kafka instance in another process or thread is using this directory.`,
  );
  lock.release();
});
