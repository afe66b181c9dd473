/** Quickstart as it is run by hand: the drill held, with any number of brokers; and nothing is left of it, whoever ends it when. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startEmbeddedServer } from '../../coordinator-client/embedded/server.ts';
import type { DrillResult } from '../../scripts/drills/run-drill.ts';
import { skipped } from '../interop/interop-cluster.ts';
import { ensembleLacks, startEnsemble } from '../support/ensemble.ts';
import { eventually } from '../support/eventually.ts';
import { startFaultProxy } from '../support/fault-proxy.ts';

const QUICKSTART = join(import.meta.dirname, '..', '..', 'scripts', 'quickstart.ts');
const COMPILED = join(import.meta.dirname, '..', '..', 'node_modules', '.cache', 'compile');
const LIMIT_MS = 180_000;

let out = '';
/** Where all that runs for a while has its directories. */
let temporary = '';
/** What a test that failed has left running. */
let started: ChildProcess | null = null;
beforeEach(() => {
  out = mkdtempSync(join(tmpdir(), 'odradek-quickstart-'));
  temporary = join(out, 'temporary');
  mkdirSync(temporary);
});
afterEach(async () => {
  const child = started;
  started = null;
  if (child !== null && isRunning(child)) {
    const ended = once(child, 'close');
    child.kill('SIGINT');
    await ended;
  }
  rmSync(out, { recursive: true, force: true });
});

interface Run {
  readonly said: () => string;
  readonly interrupt: (signal?: NodeJS.Signals) => void;
  /** Ctrl-C at a terminal, which all processes hear that did not go away from it. */
  readonly pressCtrlC: () => void;
  /** Its exit status. */
  readonly ended: Promise<number | null>;
}

function start(...options: string[]): Run {
  return startIn('our process group', options);
}

/** With a terminal of its own, as it were: Ctrl-C there is not for the tests. */
function startAtTerminal(...options: string[]): Run {
  return startIn('its process group', options);
}

function startIn(place: 'our process group' | 'its process group', options: readonly string[]): Run {
  const argv = [QUICKSTART, '--base-port', '0', '--out', out, ...options];
  // What is compiled is kept beside the tests' other things, not among the user's.
  const env = { NODE_COMPILE_CACHE: COMPILED, ...process.env, TMPDIR: temporary };
  const child = spawn(process.execPath, argv, {
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: place === 'its process group',
    env,
  });
  started = child;
  const endGuard = guard(child);
  child.once('close', endGuard);
  let text = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (part) => {
      text += part;
    });
  }
  return {
    said: () => text,
    interrupt: (signal = 'SIGINT') => child.kill(signal),
    pressCtrlC() {
      if (child.pid !== undefined && isRunning(child)) process.kill(-child.pid, 'SIGINT');
    },
    ended: once(child, 'close').then(([status]) => status),
  };
}

function isRunning({ exitCode, signalCode }: ChildProcess): boolean {
  return exitCode === null && signalCode === null;
}

/** A shell that interrupts it when this process is gone, however it went: its input ends then without a line. */
function guard({ pid }: ChildProcess): () => void {
  const shell = spawn('sh', ['-c', 'read -r line || kill -INT "$0"', String(pid)], {
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  shell.unref();
  return () => shell.stdin.end('over\n');
}

async function resultOf(drill: string, run: Run): Promise<DrillResult> {
  expect(await run.ended, run.said()).toBe(0);
  return JSON.parse(readFileSync(join(out, drill, 'result.json'), 'utf8'));
}

/** No process that was started on a directory of this run, and no directory of it. */
function expectNothingLeft(run: Run): void {
  const lines = execFileSync('ps', ['-eo', 'args='], { encoding: 'utf8' }).split('\n');
  expect(
    lines.filter((line) => line.includes(temporary)),
    run.said(),
  ).toEqual([]);
  expect(readdirSync(temporary), run.said()).toEqual([]);
}

/** The page's server, once it is told where that is. */
async function consoleOf(run: Run): Promise<string> {
  const told = /console at (\S+)/;
  await eventually('there is a console', () => told.test(run.said()), LIMIT_MS);
  return told.exec(run.said())?.[1] ?? '';
}

async function startDrillFromPage(url: string, name: string): Promise<void> {
  const answer = await fetch(`${url}api/start-drill`, {
    method: 'POST',
    headers: { 'x-odradek-console': 'test' },
    body: JSON.stringify({ name }),
  });
  expect(await answer.json()).toEqual({});
}

const whatIsSaid = async (url: string): Promise<string> => (await fetch(`${url}api/drill-run`)).text();

describe('quickstart', () => {
  it(
    'has the controller killed under load, says who took over, and that nothing was lost',
    async () => {
      const run = start('--exit');
      const { score, parts } = await resultOf('controller-killed', run);
      expect(score).toMatchObject({ lost: 0, duplicated: 0, reordered: 0, otherwise: 0 });
      expect(score.acknowledged).toBeGreaterThan(0);
      expect(run.said()).toContain(`kill -9 of broker ${parts['controller']} (controller)`);
      expect(run.said()).toMatch(/broker \d has taken office as controller of epoch 2 after .*: election /);
      expect(existsSync(join(out, 'controller-killed', 'post-mortem.html'))).toBe(true);
    },
    LIMIT_MS,
  );

  const lacks = skipped('quickstart on an ensemble that runs already', ensembleLacks());
  it.skipIf(lacks)(
    'does the same with two brokers, on an ensemble that runs already',
    async () => {
      const ensemble = await startEnsemble({ nodes: 1, tickMs: 500 });
      try {
        const run = start('--exit', '--brokers', '2', '--zookeeper', `${ensemble.connect}/two`);
        const { score } = await resultOf('controller-killed', run);
        expect(score).toMatchObject({ lost: 0, duplicated: 0, reordered: 0, otherwise: 0 });
      } finally {
        await ensemble.close();
      }
    },
    LIMIT_MS,
  );

  it(
    'has nobody killed where nobody could take over',
    async () => {
      const { timeline } = await resultOf('nothing-happens', start('--exit', '--brokers', '1'));
      expect(timeline.filter(({ what }) => what.startsWith('kill'))).toEqual([]);
    },
    LIMIT_MS,
  );

  it(
    'stays up, with a console, until it is interrupted',
    async () => {
      const run = start();
      await eventually('the drill has ended', () => run.said().includes('The cluster stays up'), LIMIT_MS);
      const console = /console at (\S+)/.exec(run.said())?.[1] ?? '';
      const answer = await fetch(`${console}api/picture`);
      expect(JSON.stringify(await answer.json())).toContain('"controllerEpoch":2');
      run.interrupt();
      expect(await run.ended, run.said()).toBe(0);
    },
    LIMIT_MS,
  );

  it.each([
    ['starting 3 brokers', 'SIGINT'],
    ['zookeeper (embedded) on', 'SIGTERM'],
    ['broker 1 on', 'SIGINT'],
    ['bootstrap.servers=', 'SIGHUP'],
    ['kill -9 of broker', 'SIGINT'],
    ['start of broker', 'SIGTERM'],
  ] as const)(
    'leaves nothing when it is ended before the drill is over, at "%s" by %s',
    async (moment, signal) => {
      const run = start('--exit');
      await eventually(moment, () => run.said().includes(moment), LIMIT_MS);
      run.interrupt(signal);
      expect(await run.ended, run.said()).toBe(130);
      expectNothingLeft(run);
      expect(existsSync(join(out, 'controller-killed'))).toBe(false);
      const isCalledOff = run.said().includes('the drill controller-killed is called off');
      expect(isCalledOff, run.said()).toBe(run.said().includes('steady state'));
      expect(run.said()).toContain('\nending the cluster\n');
    },
    LIMIT_MS,
  );

  it(
    'begins no drill when it is ended while its console opens',
    async () => {
      // Its broker is let through to ZooKeeper, and the console, which comes after it, is kept waiting there.
      const zookeeper = await startEmbeddedServer({ host: '127.0.0.1', port: 0, tickMs: 500 });
      const way = await startFaultProxy(zookeeper.port, { most: 1 });
      try {
        // Whose data is kept ends in order, which takes longer than a console to open.
        const kept = ['--data-dir', join(out, 'data')];
        const run = start('--brokers', '1', '--zookeeper', `127.0.0.1:${way.port}`, ...kept);
        await eventually('the console opens', () => way.kept() > 0, LIMIT_MS);
        expect(run.said()).toContain('bootstrap.servers=');
        run.interrupt();
        await eventually('it ends', () => run.said().includes('ending the cluster'), LIMIT_MS);
        way.admit();
        expect(await run.ended, run.said()).toBe(130);
        expectNothingLeft(run);
        expect(run.said()).not.toMatch(/console at|steady state/);
      } finally {
        await way.close();
        await zookeeper.close();
      }
    },
    LIMIT_MS,
  );

  it.each([
    ['SIGINT', 'leader-paused', 'SIGSTOP to'],
    ['SIGTERM', 'leader-cut-from-zookeeper', '"lines":[]'],
  ] as const)(
    'calls off the drill of its page, too, when it is ended by %s, in %s at %s',
    async (signal, drill, moment) => {
      const run = start('--brokers', '1');
      const url = await consoleOf(run);
      await eventually('the drill has ended', () => run.said().includes('The cluster stays up'), LIMIT_MS);
      await startDrillFromPage(url, drill);
      await eventually(moment, async () => (await whatIsSaid(url)).includes(moment), LIMIT_MS);
      run.interrupt(signal);
      expect(await run.ended, run.said()).toBe(0);
      expectNothingLeft(run);
      expect(run.said()).toContain(`the drill ${drill}, which was run from the page, is called off\n`);
      expect(readdirSync(out).sort()).toEqual(['nothing-happens', 'temporary']);
    },
    LIMIT_MS,
  );

  it(
    'leaves nothing when Ctrl-C is pressed again and again',
    async () => {
      const run = startAtTerminal('--brokers', '1');
      await eventually('the drill has ended', () => run.said().includes('The cluster stays up'), LIMIT_MS);
      const url = await consoleOf(run);
      await startDrillFromPage(url, 'leader-killed');
      await eventually('it strikes', async () => (await whatIsSaid(url)).includes('kill -9 of'), LIMIT_MS);
      run.pressCtrlC();
      const again = setInterval(() => run.pressCtrlC(), 300);
      try {
        expect([0, 130]).toContain(await run.ended);
      } finally {
        clearInterval(again);
      }
      expectNothingLeft(run);
    },
    LIMIT_MS,
  );
});
