/** The options of `scripts/bench`, checked, and what they choose. */
import { accessSync, constants, existsSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { type Arguments, type OptionSpec, UsageError } from '../cli/arguments.ts';
import type { BenchmarkCase } from './case.ts';
import { CASES, casesNamed, QUICK_CASES } from './cases/cases.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const DEFAULTS = { rounds: 3, percent: 100, 'warm-up': 10 };
/** Of --self without --cases: under two minutes in all. */
const QUICK_DEFAULTS = { rounds: 2, percent: 20, 'warm-up': 3 };

const integer = (
  name: string,
  value: string,
  [min, max]: readonly [number, number],
  help: string,
): OptionSpec => ({ name, value, kind: 'integer', min, max, help });

export const benchOptions: readonly OptionSpec[] = [
  { name: 'cases', value: 'NAME,…', help: 'only these; a star stands for anything' },
  integer('rounds', 'N', [1, 100], 'how often each (default 3)'),
  integer('records', 'N', [100, 1e9], 'records per case, instead of what is usual for it'),
  integer('percent', 'N', [1, 10_000], 'of the usual records of each case (default 100)'),
  integer('seconds', 'N', [1, 600], 'about so long per case, by its rate in a short trial'),
  integer('record-size', 'BYTES', [10, 900_000], 'instead of those of the cases'),
  integer('warm-up', 'SECONDS', [0, 600], 'of records before the first case of a cluster (default 10)'),
  {
    name: 'self',
    value: '[REV]',
    help: 'compare with another commit instead of Kafka; REV may be left out: the one before',
  },
  { name: 'only', value: 'SYSTEM', help: 'odradek or kafka' },
  {
    name: 'out',
    value: 'DIR',
    help: 'where results.json and the charts go (default .cache/bench in this checkout)',
  },
  {
    name: 'profile',
    value: 'DIR',
    help: "CPU profiles of Odradek's brokers, and which functions are at the top",
  },
  { name: 'micro', help: 'time pieces of the hot paths in this process instead, about ten seconds' },
  { name: 'list', help: 'show the cases' },
];

/** `--self` may stand alone, which node:util knows no way to say. */
export function withRevision(argv: readonly string[]): string[] {
  return argv.map((word, index) => {
    const next = argv[index + 1];
    return word === '--self' && (next === undefined || next.startsWith('-')) ? '--self=' : word;
  });
}

export interface Choice {
  readonly cases: readonly BenchmarkCase[];
  readonly rounds: number;
  readonly percent: number;
  readonly warmUpSeconds: number;
  readonly records: number | null;
  readonly seconds: number | null;
  readonly recordSizeBytes: number | null;
  readonly only: 'odradek' | 'kafka' | null;
  /** Empty: the commit before. */
  readonly revision: string | null;
  readonly out: string;
  readonly profiles: string | null;
}

/** Everything that can be wrong with them is found here, before anything is started. */
export function chosen(given: Arguments): Choice {
  const only = given.text('only');
  if (only !== null && only !== 'odradek' && only !== 'kafka')
    throw new UsageError(`--only must be odradek or kafka, not '${only}'`);
  const revision = given.text('self');
  if (revision !== null && only !== null) throw new UsageError('--only has no meaning with --self');
  for (const other of ['percent', 'seconds'])
    if (given.text('records') !== null && given.text(other) !== null)
      throw new UsageError(`--records and --${other} exclude each other`);
  const names = given.text('cases')?.split(',') ?? null;
  const quick = revision !== null && names === null;
  const defaults = quick ? QUICK_DEFAULTS : DEFAULTS;
  const profiles = given.text('profile');
  return {
    cases: casesFor(names ?? (quick ? QUICK_CASES : null)),
    rounds: given.integer('rounds') ?? defaults.rounds,
    percent: given.integer('percent') ?? defaults.percent,
    warmUpSeconds: given.integer('warm-up') ?? defaults['warm-up'],
    records: given.integer('records'),
    seconds: given.integer('seconds'),
    recordSizeBytes: given.integer('record-size'),
    only,
    revision,
    out: writable('out', given.text('out') ?? join(ROOT, '.cache', 'bench')),
    profiles: profiles === null ? null : writable('profile', profiles),
  };
}

function casesFor(names: readonly string[] | null): BenchmarkCase[] {
  if (names === null) return CASES.filter(({ onRequest }) => onRequest !== true);
  const found = casesNamed(names);
  if (typeof found === 'string') throw new UsageError(`--cases: ${found}`);
  return found;
}

/** Made only when there is something to put into it. */
function writable(option: string, path: string): string {
  const absolute = resolve(path);
  let nearest = absolute;
  while (!existsSync(nearest)) nearest = dirname(nearest);
  try {
    accessSync(nearest, constants.W_OK);
    if (statSync(nearest).isDirectory()) return absolute;
  } catch {} // told below
  throw new UsageError(`--${option} ${path} is no directory that can be written to`);
}
