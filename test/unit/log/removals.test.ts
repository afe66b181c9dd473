/** Files that go later: when, in which order, and what becomes of those that can't be removed. */
import { beforeEach, describe, expect, it } from 'vitest';
import { Removals } from '../../../broker/log/removals.ts';
import { Tasks } from '../../../broker/log/tasks.ts';
import type { Disk } from '../../../broker/platform/disk.ts';
import { World } from '../../support/world.ts';

const DELAY_MS = 60_000;

describe('what is of no more use on the disk', () => {
  const { clock } = new World();
  let tasks: Tasks;
  let removals: Removals;
  let errors: unknown[];
  /** Paths whose removal has begun, and how each is to end. */
  let begun: Map<string, { resolve: () => void; reject: (error: Error) => void }>;

  beforeEach(() => {
    errors = [];
    begun = new Map();
    tasks = new Tasks(clock, (error) => errors.push(error));
    const disk = {
      removeInBackground: (path) =>
        new Promise<void>((resolve, reject) => begun.set(path, { resolve, reject })),
    } satisfies Pick<Disk, 'removeInBackground'>;
    removals = new Removals(disk, tasks, (error) => errors.push(error));
  });

  function later(logDirectory: string, ...names: string[]): void {
    const paths = () => names.map((name) => `${logDirectory}/${name}`);
    removals.later({ logDirectory, delayMs: DELAY_MS, paths });
  }

  async function pass(delayMs: number): Promise<string[]> {
    await clock.runFor(delayMs);
    return [...begun.keys()];
  }

  async function end(path: string, error?: Error): Promise<string[]> {
    const { resolve, reject } = begun.get(path) ?? expect.unreachable(`${path} has not begun`);
    if (error === undefined) resolve();
    else reject(error);
    return pass(0);
  }

  it('goes after the delay, one after the other in a log directory, and at once in another', async () => {
    later('/a', 't-0', 't-1');
    later('/a', 't-2');
    later('/b', 't-3');
    expect(await pass(DELAY_MS - 1)).toEqual([]);
    expect(await pass(1)).toEqual(['/a/t-0', '/b/t-3']);
    expect(await end('/b/t-3')).toEqual(['/a/t-0', '/b/t-3']);
    expect(await end('/a/t-0')).toEqual(['/a/t-0', '/b/t-3', '/a/t-1']);
    expect(await end('/a/t-1')).toEqual(['/a/t-0', '/b/t-3', '/a/t-1', '/a/t-2']);
    expect(errors).toEqual([]);
  });

  it('goes where it lies when it is its turn', async () => {
    let name = 't-0';
    later('/a', 'first');
    removals.later({ logDirectory: '/a', delayMs: DELAY_MS, paths: () => [`/a/${name}`] });
    await pass(DELAY_MS);
    name = 't-0.moved';
    expect(await end('/a/first')).toEqual(['/a/first', '/a/t-0.moved']);
  });

  it('tells of what can not be removed, and goes on with the next', async () => {
    later('/a', 't-0');
    later('/a', 't-1');
    await pass(DELAY_MS);
    const error = new Error('EIO');
    expect(await end('/a/t-0', error)).toEqual(['/a/t-0', '/a/t-1']);
    expect(errors).toEqual([error]);
  });

  it('stays for the next start when the broker stops', async () => {
    later('/a', 't-0');
    later('/a', 't-1');
    await pass(DELAY_MS);
    later('/a', 't-2');
    tasks.stop();
    expect(await end('/a/t-0', new Error('EIO'))).toEqual(['/a/t-0']);
    expect(await pass(DELAY_MS)).toEqual(['/a/t-0']);
    expect(errors).toEqual([]);
  });
});
