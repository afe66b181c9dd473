/** Which reads would wait for the disk, and how they are done on another thread first. */
import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ColdReads } from '../../../broker/platform/cold-reads.ts';
import { nodeDisk } from '../../../broker/platform/node-disk.ts';

const MIB = 1024 * 1024;
const STRETCH_BYTES = 16 * MIB;

/** What the system has counted of reads from disks. */
let inputs = 0;
/** So long it is from one look at the clock to the next. */
let lookMs = 0;
let directory: string;
let path: string;
let descriptor: number;

beforeEach(() => {
  const usage = process.resourceUsage();
  vi.spyOn(process, 'resourceUsage').mockImplementation(() => ({ ...usage, fsRead: inputs }));
  directory = mkdtempSync(join(tmpdir(), 'odradek-cold-reads-'));
  let nowMs = 0;
  lookMs = 0.1;
  vi.spyOn(performance, 'now').mockImplementation(() => (nowMs += lookMs));
  path = join(directory, 'log');
  writeFileSync(path, Buffer.alloc(3 * MIB, 'x'));
  descriptor = openSync(path, 'r');
});

afterEach(() => {
  closeSync(descriptor);
  rmSync(directory, { recursive: true });
  vi.restoreAllMocks();
});

function coldAt(positionBytes: number): ColdReads {
  const reads = new ColdReads();
  inputs++;
  reads.noteRead(5, positionBytes);
  return reads;
}

/** Warms while the system counts input from a disk; it takes so long. */
async function fromDisk(reads: ColdReads, tookMs: number): Promise<void> {
  lookMs = tookMs;
  const warmed = reads.warm(descriptor, 10, 0);
  inputs++;
  await warmed;
  lookMs = 0.1;
}

describe('a read', () => {
  it('is warmed after one that was long and came from the disk, there and in what comes after', () => {
    const reads = coldAt(2 * STRETCH_BYTES + 5);
    const isWarmed = (positionBytes: number): boolean => reads.warm(descriptor, 10, positionBytes) !== null;
    expect([1, 2, 3, 4].map((stretch) => isWarmed(stretch * STRETCH_BYTES))).toEqual([
      false,
      true,
      true,
      false,
    ]);
  });

  it('is not after one that was long only, or only from the disk', () => {
    const reads = new ColdReads();
    reads.noteRead(5, 0); // takes what was counted before for its own
    reads.noteRead(5, 0);
    const another = new ColdReads();
    inputs++;
    another.noteRead(0.2, 0);
    expect(another.warm(descriptor, 10, 0)).toBeNull();
    for (let read = 0; read < 16; read++) void reads.warm(descriptor, 10, 0);
    expect(reads.warm(descriptor, 10, 0)).toBeNull();
  });

  it('is not any more when sixteen in a row were in memory', async () => {
    const reads = coldAt(0);
    for (let read = 0; read < 10; read++) await reads.warm(descriptor, 10, 0);
    await fromDisk(reads, 5);
    for (let read = 0; read < 16; read++) {
      const warmed = reads.warm(descriptor, 10, 0);
      expect(warmed).not.toBeNull();
      await warmed;
    }
    expect(reads.warm(descriptor, 10, 0)).toBeNull();
  });

  it('is not for ever because others read from disks', async () => {
    const reads = coldAt(0);
    for (let read = 0; read < 16; read++) await fromDisk(reads, 0.2);
    expect(reads.warm(descriptor, 10, 0)).toBeNull();
  });

  it('never rejects, whatever there is not', async () => {
    const reads = coldAt(0);
    await expect(reads.warm(descriptor, 10 * MIB, 0)).resolves.toBeUndefined();
    await expect(reads.warm(999_999, 10, 0)).resolves.toBeUndefined();
    await expect(reads.warm(descriptor, 0, 0)).resolves.toBeUndefined();
  });
});

describe('a file of the system', () => {
  it('is closed after what is being warmed of it', async () => {
    lookMs = 5;
    inputs++;
    const file = nodeDisk.open(path, 'read');
    file.read(Buffer.alloc(10), 0, 10, 0);
    const warming = file.warm(MIB, 0);
    expect(warming).not.toBeNull();
    file.close();
    // The number is still taken, so that no other file can have it.
    const other = openSync(path, 'r');
    await warming;
    const next = openSync(path, 'r');
    expect(next).toBeLessThan(other);
    for (const opened of [other, next]) closeSync(opened);
    expect(() => file.warm(1, 0)).toThrow(expect.objectContaining({ code: 'EBADF' }));
  });
});
