/** The examples for other runners and other languages, each run as its reader would run it. */
import { execFile, execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, describe, expect, it } from 'vitest';
import { PYTHON } from '../../../scripts/benchmark/systems/python.ts';
import { commandLacks } from '../../interop/interop-cluster.ts';
import { classpathOf, jarsLack } from '../../interop/java-jars.ts';
import setupJest from '../jest-setup.ts';
import teardownJest from '../jest-teardown.ts';

const HERE = import.meta.dirname;
const ROOT = join(HERE, '..', '..', '..');
const MAIN = join(ROOT, 'scripts', 'cli', 'main.ts');
/** Toolchains compile first. */
const TIMEOUT_MS = 300_000;
const JUNIT = 'junit-platform-console-standalone';
const JUNIT_VERSION = '1.11.4';
const CACHE = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'odradek');
const KAFKA_VERSION = '3.9.1';

const env = { ...process.env, ODRADEK: `${process.execPath} ${MAIN}` };
const workplace = mkdtempSync(join(tmpdir(), 'odradek-examples-'));
afterAll(() => rmSync(workplace, { recursive: true, force: true }));

/** A copy, so that compilers leave nothing behind. */
function copyOf(language: string): string {
  const directory = join(workplace, language);
  cpSync(join(HERE, language), directory, { recursive: true });
  return directory;
}

async function run(command: string, argv: readonly string[], cwd: string): Promise<string> {
  try {
    const { stdout, stderr } = await promisify(execFile)(command, [...argv], {
      cwd,
      env,
      timeout: TIMEOUT_MS,
    });
    return stdout + stderr;
  } catch (error) {
    const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string };
    throw new Error(`${command} ${argv.join(' ')}:\n${stdout}\n${stderr}`, { cause: error });
  }
}

describe('runners', () => {
  it(
    'node:test',
    async () => {
      const output = await run(process.execPath, ['--test', '--test-reporter=tap', 'node-test.ts'], HERE);
      expect(output).toMatch(/^# pass 1$/m);
    },
    TIMEOUT_MS,
  );

  it(
    'vitest, with one cluster for the whole run',
    async () => {
      const vitest = join(ROOT, 'node_modules', 'vitest', 'vitest.mjs');
      const argv = [vitest, 'run', '--config', join(HERE, 'vitest-global', 'vitest.config.ts')];
      await run(process.execPath, argv, join(HERE, 'vitest-global'));
    },
    TIMEOUT_MS,
  );

  it('jest, with one cluster for the whole run (its set-up and teardown)', async () => {
    await setupJest({}, { globals: { odradek: { brokers: 1 } } });
    const url = process.env['ODRADEK_ADMIN_URL'];
    const answer = await fetch(`${url}/state`, { method: 'POST', body: '{"broker":1}' });
    expect(await answer.json()).toBe('running');
    expect(process.env['ODRADEK_BOOTSTRAP_SERVERS']?.split(',')).toHaveLength(1);
    await teardownJest();
    expect(process.env['ODRADEK_BOOTSTRAP_SERVERS']).toBeUndefined();
    await expect(fetch(`${url}/state`)).rejects.toThrow();
  });
});

describe('languages', () => {
  const noPytest =
    commandLacks(PYTHON, ['-c', 'import pytest']) && commandLacks('python3', ['-c', 'import pytest']);
  const python = commandLacks(PYTHON, ['-c', 'import pytest']) === null ? PYTHON : 'python3';
  it.skipIf(noPytest !== null)(
    `Python${because(noPytest)}`,
    async () => {
      const output = await run(
        python,
        ['-m', 'pytest', '-p', 'no:cacheprovider', '-q', '.'],
        copyOf('python'),
      );
      expect(output).toMatch(/[34] passed/);
    },
    TIMEOUT_MS,
  );

  const noGo = commandLacks('go', ['version']);
  it.skipIf(noGo !== null)(
    `Go${because(noGo)}`,
    async () => {
      expect(await run('go', ['test', '-count=1', './...'], copyOf('go'))).toMatch(/^ok\s/m);
    },
    TIMEOUT_MS,
  );

  const noCargo = commandLacks('cargo', ['--version']);
  it.skipIf(noCargo !== null)(
    `Rust${because(noCargo)}`,
    async () => {
      expect(await run('cargo', ['test', '--offline'], copyOf('rust'))).toContain('1 passed');
    },
    TIMEOUT_MS,
  );

  const noJunit = jarsLack(KAFKA_VERSION) ?? junitLacks();
  it.skipIf(noJunit !== null)(
    `Java${because(noJunit)}`,
    async () => {
      const directory = copyOf('java');
      const classpath = [classpathOf(KAFKA_VERSION), junitJar()].join(':');
      const sources = readdirSync(directory).filter((name) => name.endsWith('.java'));
      await run('javac', ['-cp', classpath, '-d', 'classes', ...sources], directory);
      const argv = ['-cp', `classes:${classpath}`, 'org.junit.platform.console.ConsoleLauncher', 'execute'];
      const output = await run('java', [...argv, '--scan-classpath=classes', '--disable-banner'], directory);
      expect(output).toMatch(/2 tests successful/);
    },
    TIMEOUT_MS,
  );
});

/** For the name of a test that is skipped. */
function because(reason: string | null): string {
  return reason === null ? '' : ` (${reason})`;
}

function junitJar(): string {
  return join(CACHE, 'junit', `${JUNIT}-${JUNIT_VERSION}.jar`);
}

/** Why JUnit can't be had; null when it is there. */
function junitLacks(): string | null {
  if (existsSync(junitJar())) return null;
  const noMaven = commandLacks('mvn', ['--version']);
  if (noMaven !== null) return noMaven;
  const half = `${join(CACHE, 'junit')}.${process.pid}`;
  try {
    const artifact = `-Dartifact=org.junit.platform:${JUNIT}:${JUNIT_VERSION}`;
    const argv = ['-q', 'dependency:copy', artifact, `-DoutputDirectory=${half}`];
    execFileSync('mvn', argv, { stdio: 'ignore', timeout: 120_000 });
    mkdirSync(CACHE, { recursive: true });
    renameSync(half, join(CACHE, 'junit'));
    return null;
  } catch {
    rmSync(half, { recursive: true, force: true });
    return `Maven could not fetch ${JUNIT} ${JUNIT_VERSION}`;
  }
}
