/** The entries of log.dirs together: which are opened, whose they are, and what a failure of one does. */
import { describe, expect, it } from 'vitest';
import { InconsistentMetaProperties } from '../../../broker/log/files/meta-properties.ts';
import { LogDirectories } from '../../../broker/log/log-directories.ts';
import { World } from '../../support/world.ts';

const PATHS = ['/one', '/two'];
const OWN = { clusterId: 'cluster', brokerId: 1 };

function setUp() {
  const world = new World();
  const disk = world.disk();
  const { journal } = world.platform();
  /** As at a start: whoever had the directories before is gone. */
  const started = (paths: readonly string[] = PATHS): LogDirectories => {
    disk.crash('all');
    return new LogDirectories({ ...world.platform(undefined, { journal }), paths });
  };
  const breakPath = (broken: string): void => {
    disk.fault = (_operation, path) => (path.startsWith(broken) ? 'EIO' : null);
  };
  const events = () => journal.since(0).map(({ event }) => event);
  return { world, disk, started, breakPath, events };
}

const onlineOf = (directories: LogDirectories) => directories.online.map(({ path }) => path);

describe('log directories', () => {
  it('that are new belong to nobody, and are made and claimed', () => {
    const { disk, started } = setUp();
    const directories = started();
    expect(directories.openAndReadMeta()).toEqual({ clusterId: null, brokerId: null });
    directories.claim(OWN);
    for (const path of PATHS) {
      const text = disk.readFile(`${path}/meta.properties`).toString();
      expect(text).toContain('broker.id=1');
      expect(text).toContain('cluster.id=cluster');
    }
    expect(started().openAndReadMeta()).toEqual(OWN);
  });

  it('one of which is new are claimed as the others are', () => {
    const { world, disk, started } = setUp();
    started(['/one']).claim(OWN);
    const before = disk.readFile('/one/meta.properties');
    const both = started();
    expect(both.openAndReadMeta()).toEqual(OWN);
    both.claim(OWN);
    expect(disk.readFile('/two/meta.properties').toString()).toContain('broker.id=1');
    expect(disk.readFile('/one/meta.properties')).toEqual(before);
    expect(world.lines.filter((line) => line.includes('Rewriting'))).toEqual([]);
  });

  it('of two brokers are refused', () => {
    const { started } = setUp();
    started(['/one']).claim(OWN);
    started(['/two']).claim({ ...OWN, brokerId: 2 });
    const directories = started();
    expect(() => directories.openAndReadMeta()).toThrow(InconsistentMetaProperties);
  });

  it('of another broker or cluster are not claimed', () => {
    const { disk, started } = setUp();
    started().claim(OWN);
    const before = disk.readFile('/one/meta.properties');
    for (const other of [
      { ...OWN, brokerId: 2 },
      { ...OWN, clusterId: 'another' },
    ]) {
      expect(() => started().claim(other)).toThrow(InconsistentMetaProperties);
    }
    expect(disk.readFile('/one/meta.properties')).toEqual(before);
  });

  it('that another process holds stop the start, and those taken before are given back', () => {
    const { disk, started } = setUp();
    const directories = started();
    disk.makeDirectory('/two');
    const held = disk.lock('/two/.lock');
    expect(() => directories.open()).toThrow(expect.objectContaining({ code: 'ELOCKED' }));
    held.release();
    for (const path of PATHS) disk.lock(`${path}/.lock`).release();
  });

  it('are released once, and once more without harm', () => {
    const { disk, started } = setUp();
    const directories = started();
    directories.open();
    directories.release();
    directories.release();
    for (const path of PATHS) disk.lock(`${path}/.lock`).release();
  });
});

describe('a log directory that fails', () => {
  it('at the start is left out, as long as one works', () => {
    const { started, breakPath, events } = setUp();
    started().claim(OWN);
    breakPath('/one');
    const directories = started();
    directories.open();
    expect(onlineOf(directories)).toEqual(['/two']);
    expect(directories.firstOffline?.path).toBe('/one');
    expect(events()).toMatchObject([{ kind: 'log-directory-failed', directory: '/one' }]);
    expect(directories.openAndReadMeta()).toEqual(OWN);
  });

  it('as all others do stops the start, in the words of Kafka', () => {
    const { started, breakPath } = setUp();
    breakPath('/');
    expect(() => started().open()).toThrow(
      'Shutdown broker because none of the specified log dirs from /one, /two can be created or validated',
    );
  });

  it('later is told once, with what it failed at', () => {
    const { started, breakPath, events } = setUp();
    const directories = started();
    directories.open();
    const told: [string, number][] = [];
    directories.onFailure((path, _error, causeId) => told.push([path, causeId]));
    breakPath('/two');
    const write = () =>
      directories.writeOffsets('/two', 'recovery-point-offset-checkpoint', new Map([['t-0', 5]]));
    expect(write).toThrow('/two');
    expect(write).toThrow();
    expect(told).toEqual([['/two', 1]]);
    expect(onlineOf(directories)).toEqual(['/one']);
    expect(events()).toHaveLength(1);
  });

  it('while nobody waits for the write is told as well', async () => {
    const { world, started, breakPath } = setUp();
    const directories = started();
    directories.open();
    const told: string[] = [];
    directories.onFailure((path) => told.push(path));
    breakPath('/two');
    directories.writeOffsetsInBackground('/two', 'replication-offset-checkpoint', new Map([['t-0', 5]]));
    await world.until(() => told.length > 0);
    expect(told).toEqual(['/two']);
  });
});

describe('a checkpoint', () => {
  const CHECKPOINT = 'recovery-point-offset-checkpoint';

  it('is found again as it was written', () => {
    const { started } = setUp();
    const directories = started();
    directories.open();
    const offsets = new Map([
      ['a-b-0', 5],
      ['c-12', 2 ** 40],
    ] as const);
    directories.writeOffsets('/one', CHECKPOINT, offsets);
    expect(directories.readOffsets('/one', CHECKPOINT)).toEqual(offsets);
    expect(directories.readOffsets('/two', CHECKPOINT).size).toBe(0);
  });

  it('that nobody can read counts as empty, and its directory goes on', () => {
    const { world, disk, started } = setUp();
    const directories = started();
    directories.open();
    disk.writeFileAtomically(`/one/${CHECKPOINT}`, 'no number\n');
    expect(directories.readOffsets('/one', CHECKPOINT).size).toBe(0);
    expect(onlineOf(directories)).toEqual(PATHS);
    expect(world.lines.some((line) => line.includes(`Ignoring ${CHECKPOINT} of /one`))).toBe(true);
  });
});
