/** The real disk: the contract, and locks between processes. */
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { nodeDisk } from '../../broker/platform/node-disk.ts';
import { unreapedProcess } from '../support/unreaped.ts';
import { diskContract } from './disk.contract.ts';

let directory = '';

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'odradek-disk-'));
});

afterEach(() => {
  rmSync(directory, { recursive: true, force: true });
});

diskContract('node:fs', () => ({ disk: nodeDisk, directory }));

describe('a directory that can’t be made', () => {
  it('is refused at once, also where a system says of an existing parent that it is not there', () => {
    symlinkSync(join(directory, 'nowhere'), join(directory, 'dangling'));
    for (const path of ['dangling', 'dangling/x']) {
      expect(() => nodeDisk.makeDirectory(join(directory, path))).toThrow(/^E/);
    }
    if (process.platform !== 'linux') return;
    // In a process of its own: a loop in mkdir would hold up this one.
    const program = `
      import { nodeDisk } from ${JSON.stringify(join(import.meta.dirname, '../../broker/platform/node-disk.ts'))};
      try { nodeDisk.makeDirectory('/proc/nobody/data'); } catch (error) { console.log(error.code); }
    `;
    const argv = ['--input-type=module', '-e', program];
    const { stdout } = spawnSync(process.execPath, argv, { encoding: 'utf8', timeout: 10_000 });
    expect(stdout.trim()).toBe('ENOENT');
  });
});

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

  it.skipIf(!existsSync('/proc'))('is taken over from a process that has ended unnoticed', async () => {
    const dead = await unreapedProcess();
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
    writeFileSync(join(directory, '.lock'), `${dead.pid} ${dead.startTicks}@${boot}\n`);
    nodeDisk.lock(join(directory, '.lock')).release();
    dead.release();
  });
});
