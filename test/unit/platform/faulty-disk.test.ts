/** A disk that is hurt on purpose: which operations it strikes, where, how often, and that it heals. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Disk } from '../../../broker/platform/disk.ts';
import { DiskRules } from '../../../broker/platform/faulty/disk-rules.ts';
import { faultyDisk } from '../../../broker/platform/faulty/faulty-disk.ts';
import { nodeDisk } from '../../../broker/platform/node-disk.ts';
import { World } from '../../support/world.ts';

let directory: string;
let rules: DiskRules;
let disk: Disk;
let chance: number;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'odradek-faulty-disk-'));
  mkdirSync(join(directory, 't-0'));
  writeFileSync(join(directory, 't-0', '0.log'), 'twelve bytes');
  chance = 0;
  rules = new DiskRules(() => chance);
  disk = faultyDisk(nodeDisk, rules, new World().clock);
});
afterEach(() => rmSync(directory, { recursive: true }));

const at = (...names: string[]): string => join(directory, ...names);

function write(path: string, text: string, positionBytes = 0): void {
  const file = disk.open(path, 'write');
  try {
    file.write(Buffer.from(text), 0, text.length, positionBytes);
  } finally {
    file.close();
  }
}

function read(path: string): string {
  const file = disk.open(path, 'read');
  const into = Buffer.alloc(100);
  try {
    return into.toString('utf8', 0, file.read(into, 0, 100, 0));
  } finally {
    file.close();
  }
}

describe('a full disk', () => {
  it('has no room for a byte or a name, but can be read, synced, renamed on and removed from', () => {
    const placed = rules.place({ paths: [directory], operations: ['write'], errorCode: 'ENOSPC' });
    expect(() => write(at('t-0', '0.log'), 'x')).toThrow('ENOSPC: no space left on device');
    expect(() => disk.open(at('new'), 'write')).toThrow('ENOSPC');
    expect(() => disk.makeDirectory(at('u-0'))).toThrow('ENOSPC');
    expect(() => disk.writeFileAtomically(at('checkpoint'), 'x')).toThrow('ENOSPC');
    expect(read(at('t-0', '0.log'))).toBe('twelve bytes');
    const file = disk.open(at('t-0', '0.log'), 'write');
    file.truncate(6);
    file.sync();
    file.close();
    disk.rename(at('t-0', '0.log'), at('t-0', '1.log'));
    disk.remove(at('t-0', '1.log'));
    expect(placed.struck).toBe(4);
    placed.remove();
    write(at('new'), 'x');
    expect(read(at('new'))).toBe('x');
  });

  it('fills up with what is written, all files together, and stays full', () => {
    rules.place({ paths: [directory], operations: ['write'], errorCode: 'ENOSPC', afterBytes: 10 });
    write(at('t-0', '0.log'), '1234567');
    expect(() => write(at('t-0', '0.log'), '1234')).toThrow('ENOSPC');
    expect(() => write(at('t-0', '0.log'), '1')).toThrow('ENOSPC');
  });
});

describe('a broken disk', () => {
  it('fails in the operations that are named only, and so often as is said', () => {
    const spent: string[] = [];
    rules.place({ paths: [directory], operations: ['sync'], errorCode: 'EIO', times: 2 }, () =>
      spent.push('spent'),
    );
    const file = disk.open(at('t-0', '0.log'), 'write');
    file.write(Buffer.from('x'), 0, 1, 0);
    expect(() => file.sync()).toThrow('EIO: i/o error, sync');
    expect(spent).toEqual([]);
    expect(() => disk.syncDirectory(directory)).toThrow('EIO');
    expect(spent).toEqual(['spent']);
    file.sync();
    file.close();
  });

  it('rejects what is removed in the background, which stays', async () => {
    const placed = rules.place({ paths: [directory], operations: ['write'], errorCode: 'EIO' });
    await expect(disk.removeInBackground(at('t-0'))).rejects.toThrow('EIO');
    placed.remove();
    expect(read(at('t-0', '0.log'))).toBe('twelve bytes');
    await disk.removeInBackground(at('t-0'));
    expect(disk.list(directory)).not.toContain('t-0');
  });

  it('rejects what is synced and written in the background', async () => {
    const placed = rules.place({ paths: [directory], operations: ['sync'], errorCode: 'EIO' });
    const file = disk.open(at('t-0', '0.log'), 'write');
    await expect(file.syncInBackground()).rejects.toThrow('EIO');
    await expect(disk.syncDirectoryInBackground(directory)).rejects.toThrow('EIO');
    await expect(disk.writeFileInBackground(at('c'), 'x')).rejects.toThrow('EIO');
    placed.remove();
    await file.syncInBackground();
    file.close();
  });

  it('fails by chance', () => {
    rules.place({ paths: [directory], operations: ['read'], errorCode: 'EIO', probability: 0.5 });
    chance = 0.5;
    expect(read(at('t-0', '0.log'))).toBe('twelve bytes');
    chance = 0.49;
    expect(() => read(at('t-0', '0.log'))).toThrow('EIO');
  });

  it('is gone with everything on it, also for files that are open', () => {
    const file = disk.open(at('t-0', '0.log'), 'write');
    const placed = rules.place({ paths: [directory], errorCode: 'EIO' });
    const operations: readonly (() => unknown)[] = [
      () => file.read(Buffer.alloc(1), 0, 1, 0),
      () => file.write(Buffer.from('x'), 0, 1, 0),
      () => file.truncate(0),
      () => file.sync(),
      () => disk.open(at('t-0', '0.log'), 'read'),
      () => disk.open(at('t-0', '0.log'), 'write'),
      () => disk.stat(at('t-0')),
      () => disk.list(directory),
      () => disk.makeDirectory(at('u')),
      () => disk.rename(at('t-0'), at('u')),
      () => disk.remove(at('t-0', '0.log')),
      () => disk.readFile(at('t-0', '0.log')),
      () => disk.writeFileAtomically(at('c'), 'x'),
      () => disk.syncDirectory(directory),
      () => disk.freeBytes(directory),
      () => disk.totalBytes(directory),
      () => disk.lock(at('.lock')),
    ];
    for (const operation of operations) expect(operation, String(operation)).toThrow('EIO');
    placed.remove();
    file.close();
    expect(read(at('t-0', '0.log'))).toBe('twelve bytes');
  });
});

describe('a slow disk', () => {
  it('holds up the whole process, and one thread alone for what is done in the background', async () => {
    const world = new World();
    disk = faultyDisk(nodeDisk, rules, world.clock);
    const file = disk.open(at('t-0', '0.log'), 'write');
    const placed = rules.place({ paths: [directory], operations: ['sync'], delayMs: 30 });
    const before = performance.now();
    file.sync();
    expect(performance.now() - before).toBeGreaterThanOrEqual(29);
    let isSynced = false;
    const synced = file.syncInBackground().then(() => {
      isSynced = true;
    });
    await world.clock.runFor(29);
    expect(isSynced).toBe(false);
    await world.clock.runFor(1);
    await synced;
    placed.remove();
    await file.syncInBackground();
    file.close();
  });
});

describe('paths', () => {
  const strikes = (pattern: string, path: string): boolean => {
    const placed = rules.place({ paths: [pattern], errorCode: 'EIO' });
    const { error } = rules.meet('read', path);
    placed.remove();
    return error !== null;
  };

  it('are those below one, and no others that begin alike', () => {
    expect(strikes('/data', '/data')).toBe(true);
    expect(strikes('/data/', '/data/t-0/0.log')).toBe(true);
    expect(strikes('/data', '/database/t-0')).toBe(false);
  });

  it('are those of a pattern, in which all but stars and question marks stands for itself', () => {
    expect(strikes('/data/*.log', '/data/0.log')).toBe(true);
    expect(strikes('/data/*.log', '/data/t-0/0.log')).toBe(false);
    expect(strikes('/data/**.log', '/data/t-0/0.log')).toBe(true);
    expect(strikes('/data/t-?', '/data/t-1/0.log')).toBe(true);
    expect(strikes('/data/t-?', '/data/t-10/0.log')).toBe(false);
    expect(strikes('/data/(a+)*', '/data/aaaa')).toBe(false);
    expect(strikes('/data/(a+)*', '/data/(a+)b')).toBe(true);
  });
});
