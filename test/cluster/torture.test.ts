/**
 * `scripts/torture`: one round of the matrix with all clients that this machine has; where it can do less, what
 * it can; and however a run ends, nothing of it stays.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { isolationLacks } from '../../scripts/torment/cluster/isolation.ts';
import { eventually } from '../support/eventually.ts';

const PROGRAM = join(import.meta.dirname, '..', '..', 'scripts', 'torment', 'main.ts');
const LIMIT_MS = 400_000;
const STARTED_MS = 120_000;
const GONE_MS = 60_000;
/** What a run needs of a machine that has no Java. */
const BARE = ['sh', 'cat', 'rm', 'basename', 'readlink', 'sleep'];
const NAMESPACES = ['unshare', 'mount', 'ip', 'iptables'];

let directory: string;
let temporary: string;
let running: ChildProcess | null;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'odradek-test-'));
  temporary = join(directory, 'temporary');
  mkdirSync(temporary);
  running = null;
});

afterEach(async () => {
  running?.kill('SIGKILL');
  await eventually('nothing of it runs', () => processes().size === 0, GONE_MS);
  rmSync(directory, { recursive: true, force: true });
});

interface Process {
  readonly parent: number;
  readonly isStopped: boolean;
  readonly command: string;
}

/** Those that know of the test's directory, by process id. */
function processes(): ReadonlyMap<number, Process> {
  const found = new Map<number, Process>();
  for (const pid of readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)) {
    try {
      const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
      if (!command.includes(directory)) continue;
      const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
      const [state, parent] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      found.set(pid, { parent: Number(parent), isStopped: state === 'T', command });
    } catch {
      // it has ended meanwhile
    }
  }
  return found;
}

interface Torture {
  readonly child: ChildProcess;
  readonly said: () => string;
  readonly ended: Promise<number | null>;
}

function torture(argv: readonly string[], env: NodeJS.ProcessEnv = {}): Torture {
  const all = ['--disable-warning=TimeoutNegativeWarning', PROGRAM, '--out', join(directory, 'out'), ...argv];
  // Node would keep what it compiles in the temporary directory.
  const compiled = { NODE_COMPILE_CACHE: process.env['NODE_COMPILE_CACHE'] ?? join(directory, 'compiled') };
  const child = spawn(process.execPath, all, {
    env: { ...process.env, ...compiled, TMPDIR: temporary, ...env },
  });
  running = child;
  let text = '';
  for (const output of [child.stdout, child.stderr])
    output.setEncoding('utf8').on('data', (part) => {
      text += part;
    });
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  return { child, said: () => text, ended };
}

/** Only these programs are there. */
function machineWith(...names: readonly string[]): NodeJS.ProcessEnv {
  const programs = join(directory, 'programs');
  mkdirSync(programs);
  const places = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/sbin'];
  for (const name of names) {
    const found = places.map((place) => join(place, name)).find((each) => existsSync(each));
    if (found !== undefined) symlinkSync(found, join(programs, name));
  }
  return { PATH: programs };
}

it(
  'a round in which the controller is killed keeps every promise to every client that is here',
  async () => {
    const run = torture(['--scenario', 'kill-controller', '--seed', '1']);
    const status = await run.ended;
    for (const line of run.said().split('\n')) if (line.startsWith('skipped: ')) console.log(line);
    // Where a client has to be fetched, that is said before.
    expect(run.said()).toMatch(/^3 brokers on .+, seed 1$/m);
    expect(run.said()).toMatch(
      /^round 1 of 1 {2}kill-controller +\d clients, [1-9]\d+ acknowledgements, .+: good$/m,
    );
    expect(run.said()).toMatch(/^kill-controller 1\/1 +1\/1/m);
    expect(status).toBe(0);
    expect(readdirSync(temporary)).toEqual([]);
  },
  LIMIT_MS,
);

it(
  'without Java and namespaces it says so, and does what it can',
  async () => {
    const argv = [
      ...['--scenario', 'kill-leader,cut-leader-one-way,zookeeper-leader-killed'],
      ...['--clients', 'kafkajs,java', '--json'],
    ];
    const run = torture(argv, machineWith(...BARE));
    expect(await run.ended).toBe(0);
    expect(run.said()).toMatch(
      /^3 brokers on the embedded ZooKeeper \(java .+\), on the loopback interface \(unshare .+\)/,
    );
    for (const skipped of [
      'java: java is not installed',
      ...['cut-leader-one-way: needs network namespaces', 'zookeeper-leader-killed: needs an ensemble'],
    ])
      expect(run.said()).toContain(`\nskipped: ${skipped}`);
    const result = JSON.parse(run.said().slice(run.said().indexOf('\n{')));
    expect(result).toMatchObject({ good: true, rounds: [{ scenario: 'kill-leader', good: true }] });
    expect(result.rounds[0].clients.map(({ client }: { client: string }) => client)).toEqual([
      ...['kafkajs-plain', 'kafkajs-idempotent', 'kafkajs-transactional'],
    ]);
  },
  LIMIT_MS,
);

describe('a run that is ended while a broker stands still leaves nothing behind', () => {
  /** Until the scenario has stopped the leader, with SIGSTOP. */
  async function interruptible(): Promise<Torture> {
    const argv = ['--scenario', 'pause-leader', '--clients', 'kafkajs-plain'];
    const run = torture(argv, machineWith(...BARE, ...NAMESPACES));
    const isPaused = (): boolean => [...processes().values()].some(({ isStopped }) => isStopped);
    await eventually('a broker stands still', isPaused, STARTED_MS);
    return run;
  }

  async function nothingIsLeft(): Promise<void> {
    await eventually('no process is left', () => processes().size === 0, GONE_MS);
    const left = (): string => readdirSync(temporary).join();
    await eventually('no directory is left', () => left() === '', GONE_MS).catch(() => {
      expect(left()).toBe('');
    });
  }

  it(
    'by Ctrl-C',
    async () => {
      const run = await interruptible();
      for (const [pid, { command }] of processes())
        if (command.includes(PROGRAM)) process.kill(pid, 'SIGINT');
      expect(await run.ended).toBe(130);
      await nothingIsLeft();
    },
    LIMIT_MS,
  );

  it(
    'by kill -9 of the program that was started',
    async () => {
      const run = await interruptible();
      run.child.kill('SIGKILL');
      await nothingIsLeft();
    },
    LIMIT_MS,
  );

  it.skipIf(isolationLacks() !== null)(
    'by kill -9 of the program inside, of which the other one tells',
    async () => {
      const run = await interruptible();
      const inside = [...processes()].find(([, { parent }]) => parent === run.child.pid);
      process.kill(inside?.[0] ?? -1, 'SIGKILL');
      expect(await run.ended).toBe(1);
      expect(run.said()).toMatch(/the run was ended by SIGKILL; nothing of it is left\n$/);
      await nothingIsLeft();
    },
    LIMIT_MS,
  );
});
