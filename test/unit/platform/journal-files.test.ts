/** A journal on disk: what of it outlives a process, what a crash costs, and what it may take. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { lineDiagnostics, silent } from '../../../broker/platform/diagnostics.ts';
import { createJournal, type Journal } from '../../../broker/platform/journal.ts';
import { JournalCursor } from '../../../broker/platform/journal-files/journal-cursor.ts';
import { JournalFiles } from '../../../broker/platform/journal-files/journal-files.ts';
import { JournalKeeper } from '../../../broker/platform/journal-files/journal-keeper.ts';
import { nodeDisk } from '../../../broker/platform/node-disk.ts';
import { World } from '../../support/world.ts';

const DIRECTORY = '/data';
const MEBIBYTE = 1024 * 1024;

interface Life {
  readonly journal: Journal;
  readonly files: JournalFiles;
  readonly keeper: JournalKeeper;
  /** Records so many deletions of topics. */
  record(count: number, topic?: string): void;
}

/** One machine, on which one process after the other keeps its journal. */
class Machine {
  readonly world = new World();
  readonly disk = this.world.disk();
  readonly #maxBytes: number;
  readonly #maxEvents: number;

  constructor({ maxBytes = MEBIBYTE, maxEvents = 10_000 } = {}) {
    this.#maxBytes = maxBytes;
    this.#maxEvents = maxEvents;
    this.disk.makeDirectory(DIRECTORY);
    this.disk.syncDirectory('/');
  }

  start(): Life {
    const { clock } = this.world;
    const { diagnostics } = this.world.platform();
    const journal = createJournal(clock, diagnostics, this.#maxEvents);
    const options = { disk: this.disk, directory: DIRECTORY, maxBytes: this.#maxBytes, diagnostics };
    const files = new JournalFiles({ ...options, isLocked: false });
    const keeper = new JournalKeeper({ journal, files, clock, diagnostics });
    keeper.begin();
    journal.identify(1, 7);
    keeper.open();
    const record = (count: number, topic = 't'): void => {
      for (let index = 0; index < count; index++) journal.record({ kind: 'topic-deleted', topic });
    };
    return { journal, files, keeper, record };
  }

  /** A turn of the event loop, and what is due by then. */
  turn(): Promise<void> {
    return this.world.clock.runFor(1);
  }

  get segments(): string[] {
    return this.disk.list(DIRECTORY).filter((name) => name.startsWith('events-'));
  }

  get warnings(): string[] {
    return this.world.lines
      .filter((line) => line.includes('WARN'))
      .map((line) => line.replace(/^.*?WARN /, ''));
  }

  /** What the newest segment holds is changed. */
  spoil(change: (bytes: Buffer) => Buffer): void {
    const path = `${DIRECTORY}/${this.segments.at(-1)}`;
    this.disk.writeFileAtomically(path, change(this.disk.readFile(path)));
  }
}

/** Ids of what can be read from an event on; `?` where something is missing. */
function read({ journal, files }: Life, after = 0): (number | '?')[] {
  const cursor = new JournalCursor(journal, files, after);
  const found: (number | '?')[] = [];
  for (;;) {
    const { events, gap } = cursor.next();
    if (gap !== null) found.push('?');
    if (events.length === 0 && gap === null) return found;
    found.push(...events.map(({ id }) => id));
  }
}

const lines = (bytes: Buffer): string[] => bytes.toString().split('\n').slice(0, -1);

describe('a journal on disk', () => {
  it('has what was recorded a turn later, a line each, and not before', async () => {
    const machine = new Machine();
    const life = machine.start();
    life.record(2);
    expect(machine.segments).toEqual([]);
    await machine.turn();
    expect(machine.segments).toEqual(['events-00000000000000000001.jsonl']);
    const written = lines(machine.disk.readFile(`${DIRECTORY}/${machine.segments[0]}`));
    expect(written.map((line) => JSON.parse(line) as unknown)).toEqual(life.journal.since(0));
  });

  it('outlives a kill, and the next run numbers on, with a gap for what was told and never written', async () => {
    const machine = new Machine();
    machine.start().record(3);
    await machine.turn();
    machine.disk.crash('all');
    const second = machine.start();
    second.record(2);
    expect(read(second)).toEqual([1, 2, 3, 1001, 1002]);
    await machine.turn();
    machine.disk.crash('all');
    const third = machine.start();
    third.record(1);
    expect(read(third)).toEqual([1, 2, 3, 1001, 1002, 2001]);
    expect(read(third, 2)).toEqual([3, 1001, 1002, 2001]);
    expect(read(third, 1001)).toEqual([1002, 2001]);
    expect(machine.warnings).toEqual([]);
  });

  it('outlives a loss of power, but for the last second', async () => {
    const machine = new Machine();
    const life = machine.start();
    life.record(3);
    await machine.world.clock.runFor(1500);
    life.record(1);
    await machine.turn();
    machine.disk.crash('synced');
    expect(read(machine.start())).toEqual([1, 2, 3]);
  });

  it('is written to the end by a stop, and not at all while the directory may be somebody else’s', async () => {
    const machine = new Machine();
    const life = machine.start();
    life.record(3);
    life.keeper.close();
    expect(read(machine.start())).toEqual([1, 2, 3]);
    const other = new Machine();
    const holder = other.start();
    holder.record(1);
    const second = other.start();
    second.record(5);
    await other.turn();
    expect(other.warnings.join()).toContain('The journal can not be kept on disk for now');
    expect(read(holder)).toEqual([1]);
    expect(read(second)).toEqual([1, 2, 3, 4, 5]);
  });

  it('asks nothing of the disk and of the clock while nothing is recorded', async () => {
    const machine = new Machine();
    const { clock } = machine.world;
    const operations: string[] = [];
    const life = machine.start();
    life.record(3);
    await clock.runFor(1500);
    machine.disk.fault = (operation) => {
      operations.push(operation);
      return null;
    };
    expect(clock.pending).toBe(0);
    await clock.runFor(3_600_000);
    expect(operations).toEqual([]);
    // And again as little as it takes: a write in this run's segment, and one sync of it and of its name.
    life.record(1);
    expect(clock.pending).toBe(1);
    await machine.turn();
    expect(operations).toEqual(['write']);
    await clock.runFor(1500);
    expect(operations).toEqual(['write', 'sync', 'sync']);
    expect(clock.pending).toBe(0);
  });

  it('is written at once where more gathers in a turn than a run leaves out of its ids', () => {
    const machine = new Machine();
    machine.start().record(1200);
    machine.disk.crash('all');
    const next = machine.start();
    next.record(1);
    const [first] = next.journal.since(0);
    expect(first?.id).toBeGreaterThan(1200);
  });
});

describe('a journal on the disk of this machine', () => {
  it('is kept in a directory of its own, which is nobody else’s meanwhile', () => {
    const directory = mkdtempSync(join(tmpdir(), 'odradek-journal-'));
    const told: string[] = [];
    const { clock } = new World();
    const diagnostics = lineDiagnostics(clock, (line) => told.push(line), 'warn');
    const start = (): Pick<Life, 'journal' | 'files' | 'keeper'> => {
      const journal = createJournal(clock, silent);
      const options = { disk: nodeDisk, directory, maxBytes: MEBIBYTE, diagnostics, isLocked: false };
      const files = new JournalFiles(options);
      const keeper = new JournalKeeper({ journal, files, clock, diagnostics });
      keeper.begin();
      keeper.open();
      journal.record({ kind: 'broker-started' });
      return { journal, files, keeper };
    };
    const first = start();
    expect(told).toEqual([]);
    const other = start();
    expect(told.join()).toContain('is using this directory');
    first.keeper.close();
    other.keeper.close();
    const second = start();
    second.keeper.close();
    const third = start();
    third.keeper.close();
    const cursor = new JournalCursor(third.journal, third.files, 0);
    expect(cursor.next().events.map(({ id }) => id)).toEqual([1]);
    expect(cursor.next().events.map(({ id }) => id)).toEqual([1001]);
    rmSync(directory, { recursive: true });
  });
});

describe('a file that is torn', () => {
  it.each([
    ['at its end', (bytes: Buffer) => bytes.subarray(0, bytes.length - 20), [1, 2, 3, 4]],
    [
      'in the middle',
      (bytes: Buffer) => Buffer.from(bytes).fill(0, bytes.indexOf('"id":3'), bytes.indexOf('"id":4')),
      [1, 2],
    ],
    ['at its beginning', (bytes: Buffer) => Buffer.from(bytes).fill(0, 0, 10), []],
  ])('%s is cut off there at the next start, with a line, and ids go on', async (_, change, left) => {
    const machine = new Machine();
    machine.start().record(5);
    await machine.turn();
    machine.disk.crash('all');
    machine.spoil(change);
    const next = machine.start();
    expect(machine.warnings.join()).toMatch(/events-0{19}1\.jsonl is torn at byte \d+: the \d+ bytes/);
    next.record(1);
    expect(read(next)).toEqual([...left, 1001]);
    await machine.turn();
    machine.disk.crash('all');
    expect(read(machine.start())).toEqual([...left, 1001]);
  });

  it('and is not the newest is read up to there, and readers are told that something is missing', async () => {
    const machine = new Machine();
    machine.start().record(5);
    await machine.turn();
    const spoilt = `${DIRECTORY}/${machine.segments[0]}`;
    machine.disk.crash('all');
    machine.start().record(1);
    await machine.turn();
    machine.disk.crash('all');
    const text = machine.disk.readFile(spoilt).toString().replace('"id":4', '"id":x');
    machine.disk.writeFileAtomically(spoilt, text);
    const next = machine.start();
    expect(read(next)).toEqual([1, 2, 3, '?', 1001]);
    expect(read(next, 3)).toEqual(['?', 1001]);
  });
});

describe('what a journal on disk may take', () => {
  it('is kept to, the oldest going first; who comes back for them is told of the gap', async () => {
    const machine = new Machine({ maxBytes: 64 * 1024, maxEvents: 10 });
    const life = machine.start();
    for (let turn = 0; turn < 100; turn++) {
      life.record(40, 'a-topic-with-a-name');
      await machine.turn();
    }
    const sizes = machine.segments.map((name) => machine.disk.stat(`${DIRECTORY}/${name}`)?.sizeBytes ?? 0);
    const total = sizes.reduce((sum, sizeBytes) => sum + sizeBytes, 0);
    expect(total).toBeLessThanOrEqual(64 * 1024);
    expect(total).toBeGreaterThan(32 * 1024);
    const kept = read(life) as number[];
    expect(kept.at(-1)).toBe(4000);
    expect(kept).toEqual(Array.from({ length: kept.length }, (__, index) => 4001 - kept.length + index));
    expect(read(life, 5).slice(0, 2)).toEqual(['?', kept[0]]);
    expect(read(life, 3999)).toEqual([4000]);
  });

  it('is also a number of files, as each run begins one', async () => {
    const machine = new Machine();
    for (let run = 0; run < 120; run++) {
      machine.start().record(1);
      await machine.turn();
      machine.disk.crash('all');
    }
    expect(machine.segments.length).toBeLessThanOrEqual(101);
    expect(read(machine.start()).at(-1)).toBe(119_001);
  });
});

describe('a disk that fails', () => {
  it('costs what can not be written; it is tried again, and the broker goes on meanwhile', async () => {
    const machine = new Machine();
    const life = machine.start();
    life.record(1);
    await machine.turn();
    machine.disk.fault = (operation) => (operation === 'write' ? 'ENOSPC' : null);
    life.record(2);
    await machine.turn();
    expect(machine.warnings.join()).toContain('ENOSPC');
    machine.disk.fault = null;
    life.record(1);
    await machine.world.clock.runFor(61_000);
    machine.disk.crash('all');
    expect(read(machine.start())).toEqual([1, 2, 3, 4]);
  });
});

describe('a reader of a journal that is in memory only', () => {
  it('is told of what has gone, and of a broker that counts anew', () => {
    const { clock } = new World();
    const journal = createJournal(clock, new World().platform().diagnostics, 5);
    for (let index = 0; index < 9; index++) journal.record({ kind: 'broker-started' });
    const from = (after: number) => {
      const cursor = new JournalCursor(journal, null, after);
      return [cursor.next(), cursor.next()].map(({ events, gap }) => [gap, events.map(({ id }) => id)]);
    };
    expect(from(0)).toEqual([
      [null, [5, 6, 7, 8, 9]],
      [null, []],
    ]);
    expect(from(2)).toEqual([
      [{ after: 2, before: 5 }, [5, 6, 7, 8, 9]],
      [null, []],
    ]);
    expect(from(4)).toEqual([
      [null, [5, 6, 7, 8, 9]],
      [null, []],
    ]);
    expect(from(70)).toEqual([
      [{ after: 70, before: 5 }, []],
      [null, [5, 6, 7, 8, 9]],
    ]);
  });
});
