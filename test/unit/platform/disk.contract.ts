/** What every Disk promises; run against the real one and the simulated one. */
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import type { Disk, DiskFile } from '../../../broker/platform/disk.ts';

interface DiskUnderTest {
  readonly disk: Disk;
  /** An empty directory. */
  readonly directory: string;
}

export function diskContract(name: string, prepare: () => DiskUnderTest): void {
  describe(`a disk (${name})`, () => {
    let disk: Disk;
    let directory: string;
    const path = (...names: string[]): string => join(directory, ...names);
    const write = (file: DiskFile, text: string, positionBytes: number): void => {
      const data = Buffer.from(text);
      file.write(data, 0, data.length, positionBytes);
    };
    const contentOf = (name: string): string => disk.readFile(path(name)).toString();
    const create = (name: string, text = ''): void => {
      const file = disk.open(path(name), 'write');
      write(file, text, 0);
      file.close();
    };

    beforeEach(() => {
      ({ disk, directory } = prepare());
    });

    it('gives back what was written, at any position', () => {
      const file = disk.open(path('a'), 'write');
      write(file, 'hello world', 0);
      write(file, 'HELLO', 0);
      write(file, '!', 11);
      const into = Buffer.alloc(20, '.');
      expect(file.read(into, 2, 6, 3)).toBe(6);
      expect(into.toString()).toBe('..LO wor............');
      expect(file.sizeBytes()).toBe(12);
      file.close();
      expect(contentOf('a')).toBe('HELLO world!');
    });

    it('writes only the range that it is told', () => {
      const file = disk.open(path('a'), 'write');
      file.write(Buffer.from('0123456789'), 3, 4, 0);
      file.close();
      expect(contentOf('a')).toBe('3456');
    });

    it('reads less at the end of a file, and nothing beyond', () => {
      create('a', 'abc');
      const file = disk.open(path('a'), 'read');
      const into = Buffer.alloc(10);
      expect([file.read(into, 0, 10, 1), file.read(into, 0, 10, 3), file.read(into, 0, 10, 99)]).toEqual([
        2, 0, 0,
      ]);
      file.close();
    });

    it('fills a gap with zeroes, also where bytes were cut off before', () => {
      const file = disk.open(path('a'), 'write');
      write(file, 'abcdef', 0);
      file.truncate(2);
      expect(file.sizeBytes()).toBe(2);
      write(file, 'z', 4);
      file.truncate(6);
      file.close();
      expect(contentOf('a')).toBe('ab\0\0z\0');
    });

    it('opens a missing file for writing only, and never empties one', () => {
      expect(() => disk.open(path('a'), 'read')).toThrow(expect.objectContaining({ code: 'ENOENT' }));
      create('a', 'kept');
      disk.open(path('a'), 'write').close();
      expect(contentOf('a')).toBe('kept');
      expect(() => disk.open(path('no', 'a'), 'write')).toThrow(expect.objectContaining({ code: 'ENOENT' }));
    });

    it('takes no writes through a file opened for reading', () => {
      create('a');
      const file = disk.open(path('a'), 'read');
      expect(() => write(file, 'x', 0)).toThrow(expect.objectContaining({ code: 'EBADF' }));
      file.close();
    });

    it('refuses a closed file; closing again is fine', async () => {
      const file = disk.open(path('a'), 'write');
      const synced = file.syncInBackground();
      file.close();
      file.close();
      expect(() => file.sizeBytes()).toThrow(expect.objectContaining({ code: 'EBADF' }));
      expect(() => file.warm(1, 0)).toThrow(expect.objectContaining({ code: 'EBADF' }));
      await synced.catch((error) => expect(error).toMatchObject({ code: 'EBADF' }));
    });

    it('syncs, on this thread or another', async () => {
      const file = disk.open(path('a'), 'write');
      write(file, 'x', 0);
      file.sync();
      await file.syncInBackground();
      file.close();
      disk.syncDirectory(directory);
    });

    it('tells what is at a path', () => {
      create('a', 'abc');
      expect(disk.stat(path('a'))).toMatchObject({ sizeBytes: 3, isDirectory: false });
      expect(disk.stat(path('a'))?.modifiedMs).toSatisfy(Number.isInteger);
      expect(disk.stat(directory)).toMatchObject({ isDirectory: true });
      expect(disk.stat(path('nothing'))).toBeNull();
    });

    it('lists names in order', () => {
      for (const name of ['b', 'c', 'a']) create(name);
      disk.makeDirectory(path('aa'));
      expect(disk.list(directory)).toEqual(['a', 'aa', 'b', 'c']);
      expect(() => disk.list(path('nothing'))).toThrow(expect.objectContaining({ code: 'ENOENT' }));
    });

    it('makes directories with their parents, again and again', () => {
      disk.makeDirectory(path('x', 'y'));
      disk.makeDirectory(path('x', 'y'));
      expect(disk.list(path('x'))).toEqual(['y']);
    });

    it('renames over an existing file, while the old one stays readable where it is open', () => {
      create('old', 'old');
      create('new', 'new');
      const file = disk.open(path('old'), 'read');
      disk.rename(path('new'), path('old'));
      expect([contentOf('old'), disk.list(directory)]).toEqual(['new', ['old']]);
      const into = Buffer.alloc(3);
      file.read(into, 0, 3, 0);
      expect(into.toString()).toBe('old');
      file.close();
    });

    it('renames directories with what is in them', () => {
      disk.makeDirectory(path('topic-0'));
      create('topic-0/log', 'x');
      const file = disk.open(path('topic-0', 'log'), 'write');
      disk.rename(path('topic-0'), path('topic-0-delete'));
      write(file, 'yz', 1);
      file.close();
      expect(contentOf('topic-0-delete/log')).toBe('xyz');
      expect(() => disk.rename(path('topic-0'), path('b'))).toThrow(
        expect.objectContaining({ code: 'ENOENT' }),
      );
    });

    it('removes files and trees; what is missing is fine', async () => {
      disk.makeDirectory(path('x', 'y'));
      create('x/y/a');
      create('b');
      create('c');
      disk.remove(path('b'));
      disk.remove(path('b'));
      for (const gone of ['c', 'x', 'x']) await disk.removeInBackground(path(gone));
      expect(disk.list(directory)).toEqual([]);
    });

    it('replaces a file in one step and leaves nothing beside it', () => {
      disk.writeFileAtomically(path('checkpoint'), 'first, and longer');
      disk.writeFileAtomically(path('checkpoint'), Buffer.from('second'));
      expect([contentOf('checkpoint'), disk.list(directory)]).toEqual(['second', ['checkpoint']]);
    });

    it('writes a file and syncs a directory in the background, and rejects when it can not', async () => {
      await disk.writeFileInBackground(path('checkpoint'), 'first, and longer');
      await disk.writeFileInBackground(path('checkpoint'), 'second');
      await disk.syncDirectoryInBackground(directory);
      expect([contentOf('checkpoint'), disk.list(directory)]).toEqual(['second', ['checkpoint']]);
      const missing = expect.objectContaining({ code: 'ENOENT' });
      await expect(disk.writeFileInBackground(path('none', 'a'), '')).rejects.toEqual(missing);
      await expect(disk.syncDirectoryInBackground(path('none'))).rejects.toEqual(missing);
    });

    it('tells how much room there is', () => {
      expect(disk.freeBytes(directory)).toBeGreaterThan(0);
      expect(disk.totalBytes(directory)).toBeGreaterThanOrEqual(disk.freeBytes(directory));
    });

    it('lets one holder lock a path until it is released', () => {
      const lock = disk.lock(path('.lock'));
      expect(() => disk.lock(path('.lock'))).toThrow(expect.objectContaining({ code: 'ELOCKED' }));
      lock.release();
      lock.release();
      const again = disk.lock(path('.lock'));
      lock.release();
      expect(() => disk.lock(path('.lock'))).toThrow(expect.objectContaining({ code: 'ELOCKED' }));
      again.release();
    });
  });
}
