/** However `odradek cluster` is ended, its children end in order, and the next start on its data is ready. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { eventually, pause } from '../../support/eventually.ts';

const COMMAND_LINE = join(import.meta.dirname, '..', '..', '..', 'scripts', 'cli', 'main.ts');
const TERMINAL = join(import.meta.dirname, 'terminal.py');
const BROKERS = [1, 2, 3];
const LIMIT_MS = 60_000;

const hasTerminal = spawnSync('python3', ['-c', 'import pty']).status === 0;
if (!hasTerminal) console.warn('no python3: Ctrl-C in a terminal is not tried');

let directory: string;
let running: ChildProcess[] = [];

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'odradek-test-'));
});

afterEach(async () => {
  for (const child of running) if (child.pid !== undefined) endGroup(child.pid);
  running = [];
  await eventually('no process of the test is left', () => processes().length === 0, LIMIT_MS);
  rmSync(directory, { recursive: true, force: true });
});

interface Run {
  readonly child: ChildProcess;
  readonly said: () => string;
  readonly ended: Promise<number | NodeJS.Signals | null>;
}

/** Starts a program as the leader of a process group. */
function start(program: string, ...argv: string[]): Run {
  const child = spawn(program, argv, { detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
  running.push(child);
  let text = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (part) => (text += part));
  const ended = new Promise<number | NodeJS.Signals | null>((resolve) => {
    child.once('close', (code, signal) => resolve(signal ?? code));
  });
  return { child, said: () => text, ended };
}

function clusterCommand(): string[] {
  const ports = ['--base-port', '0', '--session-timeout-ms', '3000'];
  return [process.execPath, COMMAND_LINE, 'cluster', ...ports, '--data-dir', directory];
}

function startCluster(): Run {
  const [program = '', ...argv] = clusterCommand();
  return start(program, ...argv);
}

async function ready(run: Run): Promise<void> {
  const isReady = (): boolean => run.said().includes('ready in');
  await eventually('the cluster is ready', () => isReady() || run.child.exitCode !== null, LIMIT_MS);
  expect(run.said()).toContain('ready in');
}

function pid(run: Run): number {
  if (run.child.pid === undefined) throw new Error('it was not started');
  return run.child.pid;
}

function endGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // It has ended.
  }
}

/** Ids of processes that were started on the directory. */
function processes(): number[] {
  return readdirSync('/proc').flatMap((pid) => {
    try {
      if (!/^\d+$/.test(pid)) return [];
      const line = readFileSync(`/proc/${pid}/cmdline`, 'utf8');
      return line.includes(directory) ? [Number(pid)] : [];
    } catch {
      return []; // It has ended meanwhile.
    }
  });
}

function brokerLog(id: number): string {
  return readFileSync(join(directory, `broker-${id}`, 'server.log'), 'utf8');
}

/** How often each broker has ended cleanly. */
function cleanEnds(): number[] {
  return BROKERS.map((id) => brokerLog(id).split('shut down completed').length - 1);
}

/** The process whose command line holds the words. */
function pidOf(words: string): number {
  const found = readdirSync('/proc').find((pid) => {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').includes(words);
    } catch {
      return false;
    }
  });
  if (found === undefined) throw new Error(`no process runs ${words}`);
  return Number(found);
}

const zookeeperPid = (): number => pidOf(`--data-dir ${join(directory, 'zookeeper')}`);
const brokerPid = (id: number): number => pidOf(`${join(directory, `broker-${id}`)}/server.properties`);

describe.skipIf(!hasTerminal)('Ctrl-C in a terminal', () => {
  it('ends every broker cleanly, four times in a row on the same data', async () => {
    for (let round = 1; round <= 4; round++) {
      const run = start('python3', TERMINAL, 'ready in', ...clusterCommand());
      expect(await run.ended, run.said()).toBe(0);
      expect(run.said()).toContain('ready in');
      expect(cleanEnds()).toEqual([round, round, round]);
      expect(processes()).toEqual([]);
    }
  }, 180_000);

  it('in the middle of the start leaves nothing running and nothing that the next start waits for', async () => {
    const beforeBrokers = start('python3', TERMINAL, 'zookeeper (embedded)', ...clusterCommand());
    expect(await beforeBrokers.ended, beforeBrokers.said()).toBe(130);
    expect(beforeBrokers.said()).not.toContain('ready in');
    expect(processes()).toEqual([]);
    const amongBrokers = start('python3', TERMINAL, 'broker ', ...clusterCommand());
    const status = await amongBrokers.ended;
    // The last brokers may be ready together with the first, before anybody can press a key.
    expect(status, amongBrokers.said()).toBe(amongBrokers.said().includes('ready in') ? 0 : 130);
    expect(processes()).toEqual([]);
    const next = startCluster();
    await ready(next);
    for (const id of BROKERS) expect(brokerLog(id)).not.toContain('waiting for that');
  }, 180_000);
});

describe('a cluster ends in order, brokers first,', () => {
  it.each([
    ['SIGTERM', 'all of its processes at once', (run: Run) => -pid(run)],
    ['SIGHUP', 'all of its processes at once', (run: Run) => -pid(run)],
    ['SIGTERM', 'the command alone', pid],
    ['SIGTERM', 'the embedded ZooKeeper alone', zookeeperPid],
    ['SIGKILL', 'the command alone', pid],
  ] as const)(
    'when %s goes to %s',
    async (signal, _, target) => {
      const run = startCluster();
      await ready(run);
      process.kill(target(run), signal);
      expect(await run.ended).toBe(signal === 'SIGKILL' ? 'SIGKILL' : 0);
      await eventually('all processes end', () => processes().length === 0, LIMIT_MS);
      expect(cleanEnds()).toEqual([1, 1, 1]);
    },
    120_000,
  );
});

describe('a cluster whose lines nobody reads', () => {
  it('ends in order', async () => {
    const [program = '', ...argv] = clusterCommand();
    const run = start('bash', '-c', `"$0" "$@" | head -1; exit \${PIPESTATUS[0]}`, program, ...argv);
    expect(await run.ended).toBe(141);
    expect(run.said().trim().split('\n')).toHaveLength(1);
    expect(processes()).toEqual([]);
    for (const id of BROKERS) expect(brokerLog(id)).not.toContain('waiting for that');
    await ready(startCluster());
    for (const id of BROKERS) expect(brokerLog(id)).not.toContain('waiting for that');
  }, 120_000);
});

describe('a cluster whose processes were all killed', () => {
  it('starts again on its data, after the sessions that are left have ended', async () => {
    const killed = startCluster();
    await ready(killed);
    process.kill(-pid(killed), 'SIGKILL');
    await eventually('all processes end', () => processes().length === 0, LIMIT_MS);
    await ready(startCluster());
    for (const id of BROKERS) expect(brokerLog(id).split('] started')).toHaveLength(3);
  }, 120_000);
});

describe('a second Ctrl-C', () => {
  it('ends a cluster of which a broker does not answer', async () => {
    const run = startCluster();
    await ready(run);
    process.kill(brokerPid(2), 'SIGSTOP');
    process.kill(-pid(run), 'SIGINT');
    await eventually('another broker has ended', () => cleanEnds().includes(1), LIMIT_MS);
    await pause(600);
    process.kill(pid(run), 'SIGINT');
    expect(await run.ended).toBe(0);
    expect(processes()).toEqual([]);
    expect(run.said()).not.toContain('did not end within');
  }, 120_000);
});

describe('a child that dies', () => {
  it('is reported with the end of its log and the command that starts it again', async () => {
    const run = startCluster();
    await ready(run);
    const dead = brokerPid(2);
    process.kill(dead, 'SIGKILL');
    await eventually('the death is reported', () => run.said().includes('start it again'), LIMIT_MS);
    expect(run.said()).toContain(`broker 2 (pid ${dead}) has ended: SIGKILL`);
    expect(run.said()).toContain(brokerLog(2).trimEnd().split('\n').at(-1));
    const command = /start it again with: (.*)/.exec(run.said())?.[1] ?? '';
    const again = start('bash', '-c', command);
    await eventually(`the broker is back: ${command}`, () => again.said().includes('] started'), LIMIT_MS);
  }, 120_000);
});

describe('a cluster that is killed itself', () => {
  it('leaves no directory of its own making', async () => {
    const { child, said } = start(
      'env',
      `TMPDIR=${directory}`,
      process.execPath,
      COMMAND_LINE,
      'cluster',
      '--base-port',
      '0',
    );
    await eventually('the cluster is ready', () => said().includes('ready in'), LIMIT_MS);
    expect(readdirSync(directory)).toHaveLength(1);
    child.kill('SIGKILL');
    await eventually('nothing is left', () => readdirSync(directory).length === 0, LIMIT_MS);
  }, 120_000);
});
