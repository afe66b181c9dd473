/** However the benchmark ends, no process and no directory of it stays. */
import { type ChildProcess, spawn } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Workplace } from '../../../scripts/benchmark/workplace.ts';

const BENCH = join(import.meta.dirname, '..', '..', '..', 'scripts', 'benchmark', 'main.ts');
/** All that a run without Java and without a C compiler needs. */
const PROGRAMS = ['sh', 'cat', 'rm', 'basename', 'readlink', 'sleep', 'git', 'getconf'];
const LIMIT_MS = 60_000;

let directory: string;
let temporary: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'odradek-test-'));
  temporary = join(directory, 'temporary');
  mkdirSync(temporary);
});

afterEach(() => rmSync(directory, { recursive: true, force: true }));

/** Command lines of processes that know of the directory, by process id. */
function processes(): ReadonlyMap<number, string> {
  const found = new Map<number, string>();
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      const line = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
      if (line.includes(temporary)) found.set(Number(pid), line);
    } catch {
      // it has ended meanwhile
    }
  }
  return found;
}

function bareMachine(): NodeJS.ProcessEnv {
  const programs = join(directory, 'programs');
  mkdirSync(programs);
  for (const name of PROGRAMS) {
    const found = (process.env['PATH'] ?? '').split(delimiter).find((each) => existsSync(join(each, name)));
    if (found !== undefined) symlinkSync(join(found, name), join(programs, name));
  }
  const cache = join(directory, 'cache');
  const compiled = { NODE_COMPILE_CACHE: join(directory, 'compiled') };
  return { ...compiled, HOME: directory, PATH: programs, TMPDIR: temporary, ODRADEK_CACHE: cache };
}

interface Bench {
  readonly child: ChildProcess;
  readonly said: () => string;
  readonly ended: Promise<number | null>;
}

function bench(...argv: string[]): Bench {
  const out = join(directory, 'out');
  const all = [BENCH, '--out', out, '--rounds', '1', '--warm-up', '0', ...argv];
  const child = spawn(process.execPath, all, { env: bareMachine(), stdio: ['ignore', 'pipe', 'pipe'] });
  let text = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (part) => (text += part));
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  return { child, said: () => text, ended };
}

async function until(happened: () => boolean): Promise<void> {
  const deadlineMs = performance.now() + LIMIT_MS;
  while (!happened()) {
    if (performance.now() > deadlineMs) throw new Error('waited in vain');
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

const brokers = (): string[] => [...processes().values()].filter((line) => line.includes('main.ts broker'));

describe('a run of the benchmark', () => {
  it('leaves nothing behind when it is interrupted while its cluster starts', async () => {
    const { child, ended, said } = bench('--cases', 'start-3');
    await until(() => brokers().length > 0);
    child.kill('SIGINT');
    expect(await ended).toBe(130);
    expect(said()).toContain('Odradek alone, without Apache Kafka: java is not installed');
    expect([...processes().values()]).toEqual([]);
    expect(readdirSync(temporary)).toEqual([]);
    expect(existsSync(join(directory, 'out'))).toBe(false);
  });

  it('leaves nothing behind when it is killed', async () => {
    const { child, ended } = bench('--cases', 'start-1');
    await until(() => brokers().length > 0);
    child.kill('SIGKILL');
    await ended;
    await until(() => processes().size === 0 && readdirSync(temporary).length === 0);
  });

  it('names the cases that a broker which ends by itself has spoilt, and shows no number for them', async () => {
    const { ended, said } = bench('--cases', 'start-1,memory-1');
    await until(() => brokers().length > 0);
    process.kill(pidOf('main.ts broker'), 'SIGKILL');
    expect(await ended).toBe(1);
    expect(said()).toMatch(/FAILED: start-1, odradek, round 1: broker 1 ended with SIGKILL/);
    expect(said()).toMatch(/^memory-1 +idle RSS +MiB +FAILED$/m);
    expect([...processes().values()]).toEqual([]);
    expect(readdirSync(temporary)).toEqual([]);
  });
});

function pidOf(words: string): number {
  const found = [...processes()].find(([, line]) => line.includes(words));
  if (found === undefined) throw new Error(`there is no process with '${words}'`);
  return found[0];
}

describe('a workplace', () => {
  it('ends what its processes have started, and starts nothing after its end', async () => {
    const workplace = new Workplace();
    const file = join(directory, 'pid');
    const script = 'sleep 100 & echo $! >"$0"; wait';
    workplace.start(['sh', '-c', script, file], join(directory, 'log'));
    await until(() => existsSync(file) && readFileSync(file, 'utf8').endsWith('\n'));
    const child = `/proc/${readFileSync(file, 'utf8').trim()}`;
    await workplace.close();
    await until(() => !existsSync(child));
    expect(existsSync(workplace.directory)).toBe(false);
    expect(() => workplace.start(['true'], join(directory, 'log'))).toThrow('the run was ended');
    await expect(workplace.run(['true'], 1000)).rejects.toThrow('the run was ended');
  });

  it('takes away what it has put elsewhere, unless it was given another name', async () => {
    const workplace = new Workplace();
    const half = workplace.folderIn(join(directory, 'cache'));
    writeFileSync(join(half, 'file'), 'half of it');
    await workplace.close();
    expect(readdirSync(join(directory, 'cache'))).toEqual([]);
  });
});
