/** The simulated disk keeps the contract of disks, and forgets what a power cut forgets. */
import { beforeEach, describe, expect, it } from 'vitest';
import { diskContract } from '../unit/platform/disk.contract.ts';
import { SimulatedDisk } from './simulated-disk.ts';
import { simulatedRandom } from './simulated-random.ts';

const clock = { wallMs: () => 1000 };

diskContract('simulated', () => {
  const disk = new SimulatedDisk({ clock, capacityBytes: 1_000_000 });
  disk.makeDirectory('/data');
  return { disk, directory: '/data' };
});

describe('a crash of the simulated disk', () => {
  let disk: SimulatedDisk;
  const append = (path: string, text: string): void => {
    const file = disk.open(path, 'write');
    file.write(Buffer.from(text), 0, text.length, file.sizeBytes());
    file.close();
  };

  beforeEach(() => {
    disk = new SimulatedDisk({ clock });
    disk.makeDirectory('/data');
    append('/data/log', 'synced');
    const file = disk.open('/data/log', 'write');
    file.sync();
    disk.syncDirectory('/');
    disk.syncDirectory('/data');
  });

  it('voids handles and locks', () => {
    const file = disk.open('/data/log', 'write');
    disk.lock('/data/.lock');
    disk.crash('all');
    expect(() => file.sizeBytes()).toThrow(expect.objectContaining({ code: 'EBADF' }));
    disk.lock('/data/.lock');
  });

  it('cuts a write short when it is told to, and says that it has failed', () => {
    disk.tear = (path, sizeBytes) => (path === '/data/log' ? sizeBytes - 5 : null);
    expect(() => append('/data/log', ', and more')).toThrow(expect.objectContaining({ code: 'EIO' }));
    append('/data/new', 'whole');
    expect(disk.readFile('/data/log').toString()).toBe('synced, and');
    expect(disk.readFile('/data/new').toString()).toBe('whole');
  });

  it('loses nothing when only the process died', () => {
    append('/data/log', ', and more');
    append('/data/new', 'x');
    disk.crash('all');
    expect(disk.readFile('/data/log').toString()).toBe('synced, and more');
    expect(disk.list('/data')).toEqual(['log', 'new']);
  });

  it('loses writes and truncations since the last sync of the file', () => {
    append('/data/log', ', and more');
    disk.open('/data/log', 'write').truncate(2);
    disk.crash('synced');
    expect(disk.readFile('/data/log').toString()).toBe('synced');
  });

  it('loses names since the last sync of the directory, even if the file was synced', () => {
    append('/data/new', 'x');
    disk.open('/data/new', 'write').sync();
    disk.rename('/data/log', '/data/renamed');
    disk.crash('synced');
    expect(disk.list('/data')).toEqual(['log']);
  });

  it('keeps what was written atomically', () => {
    disk.writeFileAtomically('/data/checkpoint', 'one');
    disk.crash('synced');
    expect(disk.readFile('/data/checkpoint').toString()).toBe('one');
    disk.writeFileAtomically('/data/checkpoint', 'two');
    disk.crash('synced');
    expect(disk.readFile('/data/checkpoint').toString()).toBe('two');
  });

  it('leaves a first part of the changes when chance decides, the same for the same seed', () => {
    const outcome = (seed: number): string => {
      const other = new SimulatedDisk({ clock });
      const file = other.open('/log', 'write');
      other.syncDirectory('/');
      for (const [index, letter] of [...'abcdefgh'].entries()) file.write(Buffer.from(letter), 0, 1, index);
      other.crash(simulatedRandom(seed));
      return other.readFile('/log').toString();
    };
    const outcomes = Array.from({ length: 40 }, (_, seed) => outcome(seed));
    expect(outcomes.every((text) => 'abcdefgh'.startsWith(text))).toBe(true);
    expect(new Set(outcomes).size).toBeGreaterThan(4);
    expect(Array.from({ length: 40 }, (_, seed) => outcome(seed))).toEqual(outcomes);
  });
});

describe('faults of the simulated disk', () => {
  it('are a full disk and whatever is asked for', () => {
    const disk = new SimulatedDisk({ clock, capacityBytes: 10 });
    const file = disk.open('/log', 'write');
    file.write(Buffer.alloc(10), 0, 10, 0);
    expect(() => file.write(Buffer.alloc(1), 0, 1, 10)).toThrow(expect.objectContaining({ code: 'ENOSPC' }));
    file.write(Buffer.alloc(10), 0, 10, 0);
    disk.fault = (operation, path) => (operation === 'sync' && path === '/log' ? 'EIO' : null);
    expect(() => file.sync()).toThrow(expect.objectContaining({ code: 'EIO' }));
    disk.fault = null;
    file.sync();
  });

  it('are a bit that turns over, which no power failure takes back, whether the byte was synced or not', () => {
    const disk = new SimulatedDisk({ clock });
    const file = disk.open('/log', 'write');
    disk.syncDirectory('/');
    file.write(Buffer.from('ab'), 0, 2, 0);
    file.sync();
    file.write(Buffer.from('cd'), 0, 2, 2);
    for (const position of [1, 3, 9]) disk.rot('/log', position, 0);
    expect(disk.readFile('/log').toString()).toBe('acce');
    disk.open('/log', 'write').sync();
    disk.crash('synced');
    expect(disk.readFile('/log').toString()).toBe('acce');
    expect(() => disk.rot('/none', 0, 0)).toThrow(expect.objectContaining({ code: 'ENOENT' }));
  });
});
