/** Checkpoints written at once and in the background, in every order in which they can overtake each other. */

import { describe, expect, it } from 'vitest';
import { CheckpointWriter } from '../../../broker/log/files/checkpoint-writer.ts';
import { SimulatedDisk } from '../../support/simulated-disk.ts';
import { World } from '../../support/world.ts';

/** A disk whose writes in the background end when the test says so. */
class SlowDisk extends SimulatedDisk {
  readonly #waiting: (() => void)[] = [];

  override async writeFileInBackground(path: string, data: string): Promise<void> {
    await new Promise<void>((resolve) => this.#waiting.push(resolve));
    await super.writeFileInBackground(path, data);
  }

  get underWay(): number {
    return this.#waiting.length;
  }

  async finishOne(): Promise<void> {
    this.#waiting.shift()?.();
    await new Promise(setImmediate);
  }
}

function fixture() {
  const disk = new SlowDisk(new World());
  disk.makeDirectory('/d');
  disk.syncDirectory('/');
  const read = (): string => disk.readFile('/d/c').toString();
  return { disk, writer: new CheckpointWriter(disk, '/d/c'), read };
}

describe('a checkpoint written in the background', () => {
  it('replaces the file when it is durable, and leaves nothing beside it', async () => {
    const { disk, writer, read } = fixture();
    writer.write('old');
    const written = writer.writeInBackground('new');
    expect(read()).toBe('old');
    await disk.finishOne();
    await written;
    expect(read()).toBe('new');
    disk.crash('synced');
    expect([read(), disk.list('/d')]).toEqual(['new', ['c']]);
  });

  it('is followed by the last of those that were asked for meanwhile, and by no other', async () => {
    const { disk, writer, read } = fixture();
    const first = writer.writeInBackground('1');
    await writer.writeInBackground('2');
    await writer.writeInBackground('3');
    expect(disk.underWay).toBe(1);
    await disk.finishOne();
    await disk.finishOne();
    await first;
    expect([read(), disk.list('/d'), disk.underWay]).toEqual(['3', ['c'], 0]);
  });

  it('does not replace what was written at once after it', async () => {
    const { disk, writer, read } = fixture();
    const overtaken = writer.writeInBackground('earlier');
    writer.write('later');
    await disk.finishOne();
    await overtaken;
    expect([read(), disk.list('/d')]).toEqual(['later', ['c']]);
  });

  it('does nothing any more once it is cancelled', async () => {
    const { disk, writer } = fixture();
    const cancelled = writer.writeInBackground('never');
    writer.cancel();
    await disk.finishOne();
    await cancelled;
    expect(disk.list('/d')).toEqual([]);
  });

  it('that fails says so, and the next one is written', async () => {
    const { disk, writer, read } = fixture();
    disk.fault = () => 'EIO';
    const failed = writer.writeInBackground('1');
    const outcome = expect(failed).rejects.toMatchObject({ code: 'EIO' });
    await disk.finishOne();
    await outcome;
    disk.fault = null;
    const written = writer.writeInBackground('2');
    await disk.finishOne();
    await written;
    expect(read()).toBe('2');
  });
});
