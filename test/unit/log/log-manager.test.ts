/** The log manager: directories, creation, deletion, failures, checkpoints, the clean stop. */
import { describe, expect, it } from 'vitest';
import { InconsistentMetaProperties } from '../../../broker/log/files/meta-properties.ts';
import { StorageError } from '../../../broker/log/files/storage-error.ts';
import { append, contents, fixture } from './support.ts';

const NEW = { isNew: true, topicId: null };
const TWO = { logDirs: ['/a', '/b'] };

describe('log directories', () => {
  it('are claimed for one broker of one cluster, and refused to any other', async () => {
    const made = fixture({}, TWO);
    const directories = made.directories();
    expect(directories.openAndReadMeta()).toEqual({ clusterId: null, brokerId: null });
    directories.claim({ clusterId: 'c', brokerId: 3 });
    directories.release();
    for (const path of TWO.logDirs) {
      expect(made.disk.readFile(`${path}/meta.properties`).toString()).toContain(
        'broker.id=3\ncluster.id=c\n',
      );
    }
    const other = made.directories();
    expect(other.openAndReadMeta()).toEqual({ clusterId: 'c', brokerId: 3 });
    expect(() => other.claim({ clusterId: 'c', brokerId: 4 })).toThrow(InconsistentMetaProperties);
    expect(() => other.claim({ clusterId: 'd', brokerId: 3 })).toThrow(InconsistentMetaProperties);
    other.claim({ clusterId: 'c', brokerId: 3 });
  });

  it('are used by one broker at a time', async () => {
    const made = fixture();
    const first = await made.start();
    await expect(made.start()).rejects.toMatchObject({ code: 'ELOCKED' });
    first.shutdown();
    await made.start();
  });

  it('may hold folders of others, which are told and left alone, and a checkpoint with a bad line', async () => {
    const made = fixture();
    const first = await made.start();
    append(first.create('t', 0, NEW), ['x']);
    first.shutdown();
    for (const name of ['lost+found', 'junk', 'a b-0']) made.disk.makeDirectory(`/data/${name}`);
    made.disk.writeFileAtomically('/data/replication-offset-checkpoint', '0\n2\na b 0 5\nt 0 1\n');
    const logs = await made.start();
    expect([...logs.all()].map(({ topic, partition }) => `${topic}-${partition}`)).toEqual(['t-0']);
    expect([...logs.readHighWatermarks()]).toEqual([['t-0', 1]]);
    expect(made.said).toEqual([
      "Leaving /data/a b-0 alone: its name is not that of a partition's log",
      "Leaving /data/junk alone: its name is not that of a partition's log",
      "Leaving /data/lost+found alone: its name is not that of a partition's log",
      'Ignoring a malformed line in replication-offset-checkpoint of /data: a b 0 5',
    ]);
    logs.shutdown();
    expect(made.disk.list('/data')).toEqual(expect.arrayContaining(['a b-0', 'junk', 'lost+found']));
  });

  it('get a new log where the fewest are', async () => {
    const logs = await fixture({}, TWO).start();
    const places = [0, 1, 2, 3].map((partition) => logs.create('t', partition, NEW).logDirectory);
    expect(places).toEqual(['/a', '/b', '/a', '/b']);
    for (const partition of [1, 3]) logs.delete('t', partition);
    const later = [4, 5, 6].map((partition) => logs.create('t', partition, NEW).logDirectory);
    expect(later).toEqual(['/b', '/b', '/a']);
  });
});

describe('a log', () => {
  it('is made once, and learns its topic id later if need be', async () => {
    const made = fixture();
    const logs = await made.start();
    const log = logs.create('t', 0, NEW);
    expect(logs.create('t', 0, { isNew: false, topicId: 'pAMKOAZDR9y7ZbfpVVkQ8w' })).toBe(log);
    expect(log.topicId).toBe('pAMKOAZDR9y7ZbfpVVkQ8w');
    logs.shutdown();
    expect((await made.start()).log('t', 0)?.topicId).toBe('pAMKOAZDR9y7ZbfpVVkQ8w');
  });

  it('that is deleted is out of service at once, and its files go after the delay', async () => {
    const made = fixture();
    const logs = await made.start();
    const log = logs.create('t', 0, NEW);
    append(log, ['old']);
    logs.delete('t', 0);
    expect(logs.log('t', 0)).toBeUndefined();
    expect(() => append(log, ['x'])).toThrow(StorageError);
    const folders = () => made.disk.list('/data').filter((name) => name.startsWith('t-0'));
    expect(folders()).toEqual([expect.stringMatching(/^t-0\.[0-9a-f]{32}-delete$/)]);
    const again = logs.create('t', 0, NEW);
    expect(again.endOffset).toBe(0);
    await made.clock.runUntil(made.clock.nowMs() + 60_001);
    expect(folders()).toEqual(['t-0']);
    expect(made.disk.readFile('/data/recovery-point-offset-checkpoint').toString()).toBe('0\n1\nt 0 0\n');
  });

  it('that was deleted before a kill is not served again', async () => {
    const made = fixture();
    const logs = await made.start();
    append(logs.create('t', 0, NEW), ['old']);
    logs.delete('t', 0);
    logs.abandon();
    made.disk.crash('all');
    const again = await made.start();
    expect(again.log('t', 0)).toBeUndefined();
    await made.clock.runUntil(made.clock.nowMs() + 60_001);
    expect(made.disk.list('/data').some((name) => name.startsWith('t-0'))).toBe(false);
  });

  it('found in two directories stops the start', async () => {
    const made = fixture({}, TWO);
    for (const path of TWO.logDirs) made.disk.makeDirectory(`${path}/t-0`);
    await expect(made.start()).rejects.toThrow(/Duplicate log directories/);
  });

  it('keeps its start offset when a start fails that did not come to it', async () => {
    const made = fixture({}, TWO);
    const logs = await made.start();
    for (const log of [0, 1, 2].map((partition) => logs.create('t', partition, NEW))) {
      append(log, ['a', 'b', 'c']);
      log.updateHighWatermark(3);
      log.raiseStartOffset(2);
    }
    logs.shutdown();
    const starts = () =>
      TWO.logDirs.map((path) => made.disk.readFile(`${path}/log-start-offset-checkpoint`).toString());
    const before = starts();
    expect(before).toEqual(['0\n2\nt 0 2\nt 2 2\n', '0\n1\nt 1 2\n']);
    made.disk.makeDirectory('/a/t-1');
    const failed = made.manager();
    await expect(failed.start()).rejects.toThrow(/Duplicate log directories/);
    failed.shutdown();
    expect(starts()).toEqual(before);
  });
});

describe('a directory that fails', () => {
  it('goes offline with its logs; the others go on', async () => {
    const made = fixture({}, TWO);
    const logs = await made.start();
    const [onA, onB] = [logs.create('t', 0, NEW), logs.create('t', 1, NEW)];
    append(onB, ['b']);
    const failures: string[] = [];
    logs.onDirectoryFailure((directory) => failures.push(directory));
    made.disk.fault = (operation, path) => (operation === 'write' && path.startsWith('/a/') ? 'EIO' : null);
    expect(() => append(onA, ['a'])).toThrow(StorageError);
    expect(failures).toEqual([]);
    await made.clock.runUntil(made.clock.nowMs());
    expect(failures).toEqual(['/a']);
    expect(logs.log('t', 0)).toBeUndefined();
    expect(contents(onB)).toEqual(['0:b']);
    expect(logs.directories()).toEqual([
      { path: '/a', online: false },
      { path: '/b', online: true },
    ]);
  });

  it('lets only new partitions be made elsewhere', async () => {
    const made = fixture({}, TWO);
    const logs = await made.start();
    made.disk.fault = (_, path) => (path.startsWith('/a/') ? 'EIO' : null);
    expect(logs.create('t', 0, NEW).logDirectory).toBe('/b');
    expect(() => logs.create('t', 1, { isNew: false, topicId: null })).toThrow(StorageError);
    expect(logs.create('t', 2, NEW).logDirectory).toBe('/b');
  });

  it('while loading does not stop the start, unless it was the only one', async () => {
    const made = fixture({}, TWO);
    const logs = await made.start();
    for (const partition of [0, 1]) append(logs.create('t', partition, NEW), ['x']);
    logs.shutdown();
    made.disk.fault = (_, path) => (path.startsWith('/a/t-0') ? 'EIO' : null);
    const again = await made.start();
    expect(again.log('t', 0)).toBeUndefined();
    expect(again.log('t', 1)?.endOffset).toBe(1);
    again.abandon();
    made.disk.fault = () => 'EIO';
    await expect(made.start()).rejects.toThrow(/none of the specified log dirs/);
  });

  it('is not called cleanly stopped', async () => {
    const made = fixture({}, TWO);
    const logs = await made.start();
    const log = logs.create('t', 0, NEW);
    made.disk.fault = (operation, path) =>
      operation === 'write' && path.startsWith('/a/t-0') ? 'ENOSPC' : null;
    expect(() => append(log, ['a'])).toThrow(StorageError);
    made.disk.fault = null;
    logs.shutdown();
    expect(made.disk.stat('/a/.kafka_cleanshutdown')).toBeNull();
    expect(made.disk.stat('/b/.kafka_cleanshutdown')).not.toBeNull();
  });
});

describe('now and then', () => {
  it('recovery points and log starts are checkpointed, and retention runs', async () => {
    const made = fixture({ 'segment.bytes': '100', 'retention.ms': '1000000', 'flush.messages': '1' });
    const logs = await made.start();
    const log = logs.create('t', 0, NEW);
    for (const value of ['a', 'b', 'c']) append(log, [value], { timestampMs: made.clock.wallMs() });
    log.updateHighWatermark(3);
    log.raiseStartOffset(1);
    await made.clock.runUntil(made.clock.nowMs() + 29_999);
    expect(made.disk.stat('/data/recovery-point-offset-checkpoint')).toBeNull();
    await made.clock.runUntil(made.clock.nowMs() + 61_000);
    expect(made.disk.readFile('/data/recovery-point-offset-checkpoint').toString()).toBe('0\n1\nt 0 3\n');
    await made.clock.runUntil(made.clock.nowMs() + 1_500_000);
    expect(log.startOffset).toBe(3);
  });

  it('flush.ms syncs what is old enough', async () => {
    const made = fixture({ 'flush.ms': '5000' }, { logFlushSchedulerIntervalMs: 1000 });
    const logs = await made.start();
    const log = logs.create('t', 0, NEW);
    append(log, ['a']);
    expect(log.recoveryPoint).toBe(0);
    await made.clock.runUntil(made.clock.nowMs() + 40_000);
    expect(log.recoveryPoint).toBe(1);
    logs.abandon();
    made.disk.crash('synced');
    const again = (await made.start()).log('t', 0);
    expect(again === undefined ? [] : contents(again)).toEqual(['0:a']);
  });

  it('high watermarks are kept per directory, and an unreadable file counts as empty', async () => {
    const made = fixture({}, TWO);
    const logs = await made.start();
    for (const partition of [0, 1]) logs.create('t', partition, NEW);
    const marks = new Map([
      ['t-0', 7],
      ['t-1', 9],
    ]);
    logs.writeHighWatermarks(marks, 'now');
    expect(made.disk.readFile('/b/replication-offset-checkpoint').toString()).toBe('0\n1\nt 1 9\n');
    expect(logs.readHighWatermarks()).toEqual(marks);
    made.disk.writeFileAtomically('/a/replication-offset-checkpoint', '9\n');
    expect(logs.readHighWatermarks()).toEqual(new Map([['t-1', 9]]));
  });

  it('high watermarks written in the background are there a moment later, and a failure takes the directory offline', async () => {
    const made = fixture({}, TWO);
    const logs = await made.start();
    for (const partition of [0, 1]) logs.create('t', partition, NEW);
    const failed: string[] = [];
    logs.onDirectoryFailure((path) => failed.push(path));
    made.disk.fault = (operation, path) => (operation === 'write' && path.startsWith('/b/') ? 'EIO' : null);
    const marks = new Map([
      ['t-0', 7],
      ['t-1', 9],
    ]);
    logs.writeHighWatermarks(marks, 'in-background');
    await new Promise(setImmediate);
    await made.clock.runUntil(made.clock.nowMs());
    expect([...logs.readHighWatermarks()]).toEqual([['t-0', 7]]);
    expect(failed).toEqual(['/b']);
  });

  it('nothing is left to run after the stop', async () => {
    const made = fixture();
    const logs = await made.start();
    logs.create('t', 0, NEW);
    logs.delete('t', 0);
    logs.shutdown();
    expect(made.clock.pending).toBe(0);
  });
});
