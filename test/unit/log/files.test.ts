/** The files of a log by value: every byte as Kafka writes it, and what damaged files are taken for. */

import { describe, expect, it } from 'vitest';
import { AbortedIndex } from '../../../broker/log/files/aborted-index.ts';
import {
  offsetCheckpointText,
  readCheckpoint,
  readOffsetCheckpoint,
} from '../../../broker/log/files/checkpoint.ts';
import { EpochHistory } from '../../../broker/log/files/epoch-history.ts';
import { parseLogDirectoryName, renamedDirectoryName } from '../../../broker/log/files/file-names.ts';
import {
  agreedMetaProperties,
  InconsistentMetaProperties,
  readMetaProperties,
  verifyMetaProperties,
  writeMetaProperties,
} from '../../../broker/log/files/meta-properties.ts';
import { OffsetIndex } from '../../../broker/log/files/offset-index.ts';
import {
  readPartitionMetadata,
  writePartitionMetadata,
} from '../../../broker/log/files/partition-metadata.ts';
import { CorruptFile } from '../../../broker/log/files/storage-error.ts';
import { TimeIndex } from '../../../broker/log/files/time-index.ts';
import {
  decodeProducerSnapshot,
  encodeProducerSnapshot,
} from '../../../broker/log/producers/producer-snapshot.ts';
import type { SimulatedDisk } from '../../support/simulated-disk.ts';
import { World } from '../../support/world.ts';

function newDisk(): SimulatedDisk {
  const disk = new World().disk();
  disk.makeDirectory('/d');
  return disk;
}

function write(disk: SimulatedDisk, path: string, content: string | Buffer): void {
  disk.writeFileAtomically(path, content);
}

describe('the offset index', () => {
  it('has 8 bytes an entry: offset from the base, position', () => {
    const disk = newDisk();
    const index = new OffsetIndex(disk, '/d/i', 1000, 80);
    index.append(1004, 0);
    index.append(1300, 4700);
    index.file.store();
    expect(disk.readFile('/d/i').toString('hex')).toBe('00000004000000000000012c0000125c');
    expect(index.lookup(1003)).toEqual({ offset: 1000, positionBytes: 0 });
    expect(index.lookup(1299)).toEqual({ offset: 1004, positionBytes: 0 });
    expect(index.lookup(9999)).toEqual({ offset: 1300, positionBytes: 4700 });
    expect(() => index.append(1300, 5000)).toThrow();
  });

  it('is searched right across the border of what is stored and what is in memory', () => {
    const disk = newDisk();
    const index = new OffsetIndex(disk, '/d/i', 0, 1_000_000);
    for (let entry = 1; entry <= 1700; entry++) index.append(entry * 10, entry * 100);
    for (const offset of [9, 10, 11, 5119, 5120, 5121, 10240, 10249, 10250, 16999, 17000, 99999]) {
      const entry = Math.min(1700, Math.floor(offset / 10));
      expect(index.lookup(offset), `${offset}`).toEqual({ offset: entry * 10, positionBytes: entry * 100 });
    }
    index.truncateTo(10);
    expect(index.lookup(99)).toEqual({ offset: 0, positionBytes: 0 });
    index.append(7, 8);
    expect(index.last()).toEqual({ offset: 7, positionBytes: 8 });
  });

  it('is full at its configured size', () => {
    const index = new OffsetIndex(newDisk(), '/d/i', 0, 17);
    index.append(1, 1);
    expect(index.isFull).toBe(false);
    index.append(2, 2);
    expect(index.isFull).toBe(true);
  });

  it.each([
    ['missing', null],
    ['of an odd size', '0000000100000000ff'],
    ['ending in zeros, as after a crash', '000000010000000500000000000000000000000000000000'],
    ['ending with a negative offset', 'fffffff000000000'],
  ])('that is %s is corrupt', (_, hex) => {
    const disk = newDisk();
    if (hex !== null) write(disk, '/d/i', Buffer.from(hex, 'hex'));
    expect(() => new OffsetIndex(disk, '/d/i', 0, 800).load()).toThrow(CorruptFile);
  });
});

describe('the time index', () => {
  it('has 12 bytes an entry: timestamp, offset from the base; only later times are added', () => {
    const disk = newDisk();
    const index = new TimeIndex(disk, '/d/t', 500, 120);
    index.maybeAppend(0x1_0000_0002, 507);
    index.maybeAppend(0x1_0000_0002, 600);
    index.maybeAppend(0x1_0000_0003, 601);
    index.file.store();
    expect(disk.readFile('/d/t').toString('hex')).toBe('000000010000000200000007000000010000000300000065');
    expect(index.lookup(0x1_0000_0001)).toEqual({ timestampMs: -1, offset: 500 });
    expect(index.lookup(0x1_0000_0002)).toEqual({ timestampMs: 0x1_0000_0002, offset: 507 });
  });

  it('keeps its last slot for the entry made when the segment is sealed', () => {
    const index = new TimeIndex(newDisk(), '/d/t', 0, 24);
    index.maybeAppend(1, 1);
    expect(index.isFull).toBe(true);
    index.maybeAppend(2, 2);
    expect(index.last).toEqual({ timestampMs: 1, offset: 1 });
    index.maybeAppend(2, 2, true);
    expect(index.last).toEqual({ timestampMs: 2, offset: 2 });
  });
});

describe('the index of aborted transactions', () => {
  it('has 34 bytes an entry and exists only when it holds something', () => {
    const disk = newDisk();
    const index = new AbortedIndex(disk, '/d/x');
    expect(index.entries()).toEqual([]);
    expect(disk.stat('/d/x')).toBeNull();
    index.append({ producerId: 5, firstOffset: 10, lastOffset: 12, lastStableOffset: 11 });
    expect(disk.readFile('/d/x').toString('hex')).toBe(
      '0000' + '0000000000000005' + '000000000000000a' + '000000000000000c' + '000000000000000b',
    );
    expect(new AbortedIndex(disk, '/d/x').entries()).toHaveLength(1);
    index.truncateTo(12);
    expect(disk.stat('/d/x')).toBeNull();
  });
});

describe('a producer snapshot', () => {
  const entry = {
    producerId: 0x1122,
    epoch: 3,
    coordinatorEpoch: 7,
    lastTimestampMs: 0x0102,
    transactionFirstOffset: -1,
    batches: [{ lastSequence: 9, lastOffset: 100, offsetDelta: 4, timestampMs: 0x0102 }],
  };

  it('has version, checksum, count and 46 bytes a producer', () => {
    const bytes = encodeProducerSnapshot([entry]);
    expect(bytes.toString('hex')).toBe(
      '0001' +
        bytes.subarray(2, 6).toString('hex') +
        '00000001' +
        '0000000000001122' +
        '0003' +
        '00000009' +
        '0000000000000064' +
        '00000004' +
        '0000000000000102' +
        '00000007' +
        'ffffffffffffffff',
    );
    expect(decodeProducerSnapshot('s', bytes)).toEqual([entry]);
  });

  it('of nobody has the CRC-32C of four zero bytes', () => {
    expect(encodeProducerSnapshot([]).toString('hex')).toBe('00014867 4bc700000000'.replace(' ', ''));
  });

  it('with a flipped bit, another version or a cut end is corrupt', () => {
    const flipped = encodeProducerSnapshot([entry]);
    flipped[20] = (flipped[20] ?? 0) ^ 1;
    const version = encodeProducerSnapshot([entry]);
    version[1] = 2;
    const cut = encodeProducerSnapshot([entry]).subarray(0, 30);
    for (const bytes of [flipped, version, cut, Buffer.alloc(3)]) {
      expect(() => decodeProducerSnapshot('s', bytes)).toThrow(CorruptFile);
    }
  });
});

describe('checkpoints', () => {
  it('have a version, a count, and one entry a line', () => {
    const disk = newDisk();
    const offsets = new Map([
      ['a-b-0', 5],
      ['c-12', 0],
    ]);
    const text = offsetCheckpointText(offsets);
    expect(text).toBe('0\n2\na-b 0 5\nc 12 0\n');
    write(disk, '/d/c', text);
    expect(readOffsetCheckpoint(disk, '/d/c', () => {})).toEqual(offsets);
  });

  it('lose a line that is malformed, and no other', () => {
    const disk = newDisk();
    write(disk, '/d/c', '0\n4\na 0 5\nb c 0 6\nd x 7\ne 1 8\n');
    const malformed: string[] = [];
    const offsets = readOffsetCheckpoint(disk, '/d/c', (line) => malformed.push(line));
    expect([...offsets]).toEqual([
      ['a-0', 5],
      ['e-1', 8],
    ]);
    expect(malformed).toEqual(['b c 0 6', 'd x 7']);
  });

  it('that are missing or empty have no entries', () => {
    const disk = newDisk();
    write(disk, '/d/c', '');
    expect(readCheckpoint(disk, '/d/c')).toEqual([]);
    expect(readCheckpoint(disk, '/d/none')).toEqual([]);
  });

  it.each(['1\n0\n', '0\n2\na 0 1\n', '0\n1\na 0 1\nb 0 1\n', '0\nx\n'])('refuse %j', (text) => {
    const disk = newDisk();
    write(disk, '/d/c', text);
    expect(() => readOffsetCheckpoint(disk, '/d/c', () => {})).toThrow(CorruptFile);
  });
});

describe('the epoch history', () => {
  function history(...entries: [number, number][]): EpochHistory {
    const made = new EpochHistory(newDisk(), '/d/leader-epoch-checkpoint');
    for (const [epoch, startOffset] of entries) made.assign(epoch, startOffset);
    return made;
  }
  const pairs = (made: EpochHistory) => made.entries.map(({ epoch, startOffset }) => [epoch, startOffset]);

  it('is written when it is to be saved, as epoch and offset a line', () => {
    const disk = newDisk();
    const made = new EpochHistory(disk, '/d/e');
    made.assign(0, 0);
    made.assign(4, 17);
    expect(disk.stat('/d/e')).toBeNull();
    made.save();
    expect(disk.readFile('/d/e').toString()).toBe('0\n2\n0 0\n4 17\n');
    expect(EpochHistory.load(disk, '/d/e').entries).toEqual(made.entries);
  });

  it('is written at once when something is taken away', () => {
    const disk = newDisk();
    const made = new EpochHistory(disk, '/d/e');
    made.assign(0, 0);
    made.assign(4, 17);
    made.truncateFromEnd(10);
    expect(disk.readFile('/d/e').toString()).toBe('0\n1\n0 0\n');
  });

  it('drops what contradicts a new epoch', () => {
    expect(pairs(history([1, 10], [2, 20], [3, 30], [2, 15]))).toEqual([
      [1, 10],
      [2, 15],
    ]);
    expect(pairs(history([1, 10], [2, 20], [3, 20]))).toEqual([
      [1, 10],
      [3, 20],
    ]);
    expect(pairs(history([1, 10], [1, 12]))).toEqual([[1, 10]]);
  });

  it('tells the end of an epoch as KIP-279 wants it', () => {
    const made = history([2, 10], [5, 30]);
    expect(made.endOffsetFor(-1, 50)).toEqual({ epoch: -1, endOffset: -1 });
    expect(made.endOffsetFor(5, 50)).toEqual({ epoch: 5, endOffset: 50 });
    expect(made.endOffsetFor(6, 50)).toEqual({ epoch: -1, endOffset: -1 });
    expect(made.endOffsetFor(3, 50)).toEqual({ epoch: 2, endOffset: 30 });
    expect(made.endOffsetFor(1, 50)).toEqual({ epoch: 1, endOffset: 10 });
  });

  it('is cut from the end, and from the start with the last removed epoch moved up', () => {
    const made = history([1, 0], [2, 10], [3, 20]);
    made.truncateFromEnd(20);
    expect(pairs(made)).toEqual([
      [1, 0],
      [2, 10],
    ]);
    made.truncateFromStart(15);
    expect(pairs(made)).toEqual([[2, 15]]);
    expect(made.epochAt(15)).toBe(2);
    expect(made.epochAt(14)).toBe(-1);
  });
});

describe('meta.properties', () => {
  it('names broker and cluster, in the form of a Java property file', () => {
    const disk = newDisk();
    writeMetaProperties(disk, '/d', { clusterId: 'abc', brokerId: 4, directoryId: null });
    expect(disk.readFile('/d/meta.properties').toString()).toBe(
      '#\nbroker.id=4\ncluster.id=abc\nversion=0\n',
    );
    expect(readMetaProperties(disk, '/d')).toEqual({ clusterId: 'abc', brokerId: 4, directoryId: null });
    expect(readMetaProperties(disk, '/')).toBeNull();
  });

  it('is read as Kafka writes it, comments and escapes included', () => {
    const disk = newDisk();
    write(disk, '/d/meta.properties', '#\n#Sat Nov 21 2026\nbroker.id=1\ncluster.id=a\\=b\nversion=0\n');
    expect(readMetaProperties(disk, '/d')).toMatchObject({ clusterId: 'a=b', brokerId: 1 });
  });

  it.each([
    ['', {}],
    ['\0\xffgarbage\nmore', {}],
    ['broker.id=1\ncluster.id=c', { clusterId: 'c', brokerId: 1 }],
    ['version=0\ncluster.id=c', { clusterId: 'c' }],
    ['version=0\nbroker.id=1', { brokerId: 1 }],
  ])('need not be whole: what is missing is written anew (%j)', (text, found) => {
    const disk = newDisk();
    write(disk, '/d/meta.properties', text);
    const nothing = { clusterId: null, brokerId: null, directoryId: null };
    expect(readMetaProperties(disk, '/d')).toEqual({ ...nothing, ...found });
  });

  it.each(['version=9', 'version=x', 'version=', 'version=0\nbroker.id=abc'])(
    'takes its directory offline with %j',
    (text) => {
      const disk = newDisk();
      write(disk, '/d/meta.properties', text);
      expect(() => readMetaProperties(disk, '/d')).toThrow(CorruptFile);
    },
  );

  it('of KRaft is refused', () => {
    const disk = newDisk();
    write(disk, '/d/meta.properties', 'version=1\nnode.id=1\ncluster.id=c');
    expect(() => readMetaProperties(disk, '/d')).toThrow('Found unexpected version in /d/meta.properties');
  });

  it('of another cluster, another broker, or two different ones is refused', () => {
    const own = { clusterId: 'c', brokerId: 1 };
    const of = (clusterId: string | null, brokerId: number | null) => {
      return { clusterId, brokerId, directoryId: null };
    };
    expect(() => verifyMetaProperties(new Map([['/a', of('other', 1)]]), own)).toThrow(
      'Invalid cluster.id in: /a/meta.properties. Expected c, but read other',
    );
    expect(() => verifyMetaProperties(new Map([['/a', of('c', 2)]]), own)).toThrow(
      "Stored broker id 2 doesn't match previous broker id 1 in /a/meta.properties",
    );
    verifyMetaProperties(new Map([['/a', of(null, null)]]), own);
    const apart = new Map([
      ['/a', of('c', 1)],
      ['/b', of('c', 2)],
    ]);
    expect(() => agreedMetaProperties(apart)).toThrow(InconsistentMetaProperties);
    expect(
      agreedMetaProperties(
        new Map([
          ['/a', null],
          ['/b', of('c', 2)],
        ]),
      ),
    ).toEqual({
      clusterId: 'c',
      brokerId: 2,
    });
  });
});

describe('partition.metadata', () => {
  it('holds version and topic id', () => {
    const disk = newDisk();
    writePartitionMetadata(disk, '/d', 'pAMKOAZDR9y7ZbfpVVkQ8w');
    expect(disk.readFile('/d/partition.metadata').toString()).toBe(
      'version: 0\ntopic_id: pAMKOAZDR9y7ZbfpVVkQ8w',
    );
    expect(readPartitionMetadata(disk, '/d')).toBe('pAMKOAZDR9y7ZbfpVVkQ8w');
    write(disk, '/d/partition.metadata', 'version: 1\ntopic_id: pAMKOAZDR9y7ZbfpVVkQ8w');
    expect(() => readPartitionMetadata(disk, '/d')).toThrow(CorruptFile);
  });

  it('that a power failure has torn is none, and any other garbage is refused', () => {
    const disk = newDisk();
    const whole = 'version: 0\ntopic_id: pAMKOAZDR9y7ZbfpVVkQ8w';
    for (const torn of ['', whole.slice(0, 4), whole.slice(0, 25), whole.slice(0, -1), '\0'.repeat(43)]) {
      write(disk, '/d/partition.metadata', torn);
      expect(readPartitionMetadata(disk, '/d'), torn).toBeNull();
    }
    for (const garbage of ['garbage', 'version: 0\ntopic-id', `${whole.slice(0, -1)}!`, '\0\0x']) {
      write(disk, '/d/partition.metadata', garbage);
      expect(() => readPartitionMetadata(disk, '/d'), garbage).toThrow(CorruptFile);
    }
  });
});

describe('names of log directories', () => {
  it('are parsed from the last hyphen', () => {
    expect(parseLogDirectoryName('a-b.c-12')).toEqual({ topic: 'a-b.c', partition: 12, kind: 'log' });
    const deleted = `a.b-3.${'0f'.repeat(16)}-delete`;
    expect(parseLogDirectoryName(deleted)).toEqual({ topic: 'a.b', partition: 3, kind: 'delete' });
    expect(parseLogDirectoryName('meta.properties')).toBeNull();
    expect(parseLogDirectoryName('a b-0')).toBeNull();
  });

  it('of logs to be deleted stay within 255 characters', () => {
    const name = renamedDirectoryName({ topic: 'x'.repeat(249), partition: 10 }, 'delete', '0'.repeat(32));
    expect(name).toHaveLength(255);
    expect(parseLogDirectoryName(name)).toMatchObject({ partition: 10, kind: 'delete' });
  });
});
