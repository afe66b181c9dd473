/**
 * The npm package, packed and installed into an empty folder: its command, its declarations, and the test
 * kit under each test runner. Skipped with one line where npm can't reach a registry.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { buildBatch } from '../../broker/records/build.ts';
import { SEARCH_JOB } from '../../broker/records/time-search.ts';
import { describeCodeCache } from './code-cache.ts';
import { InstalledPackage } from './installed.ts';
import { PROGRAMS } from './programs.ts';

const MAX_UNPACKED_BYTES = 3_000_000;
/** What users name, not what it is made of. */
const MAX_DECLARATION_BYTES = 100_000;
const EXAMPLES = 'test/kit/examples';
const PREPARE_MS = 600_000;
const TEST_MS = 180_000;
/** A version that is too old, as `process` would say it. */
const TOO_OLD = "Object.defineProperty(process.versions, 'node', { value: '20.19.0' });";
/** kafkajs counts its waiting from -1, which Node tells of. */
const QUIET = ['--disable-warning=TimeoutNegativeWarning'];

const installed = new InstalledPackage();
let lacks: string | null = 'not prepared';

beforeAll(async () => {
  lacks = await installed.install();
  if (lacks !== null) console.log(`skipped: the npm package: ${lacks}`);
  for (const [file, text] of Object.entries(PROGRAMS)) installed.write(file, text);
}, PREPARE_MS);
beforeEach(({ skip }) => skip(lacks !== null));
afterAll(() => installed.remove());

describe('the tarball', () => {
  it('holds compiled code, declarations and the licences, and is small', () => {
    const paths = installed.tarball.files.map(({ path }) => path);
    expect(paths).toEqual(
      expect.arrayContaining([
        'LICENSE',
        'README.md',
        'dist/cli.js',
        'dist/bundle.js',
        'dist/worker.js',
        'dist/store-thread.js',
        'dist/THIRD-PARTY-NOTICES.txt',
        'test/kit/instead-of.md',
        ...['jest/orders.test.cjs', 'mocha/orders.spec.cjs', 'python/conftest.py', 'go/odradek_test.go'].map(
          (example) => `${EXAMPLES}/${example}`,
        ),
      ]),
    );
    expect(paths.filter((path) => /(?<!\.d)\.ts$/.test(path))).toEqual([]);
    expect(installed.tarball.unpackedSize).toBeLessThan(MAX_UNPACKED_BYTES);
    const declarations = installed.tarball.files.filter(({ path }) => path.startsWith('dist/types/'));
    expect(declarations.reduce((sum, { size }) => sum + size, 0)).toBeLessThan(MAX_DECLARATION_BYTES);
  });

  it('brings nothing along but three native add-ons and what they are made of', () => {
    const file = join(installed.directory, 'node_modules', 'odradek', 'package.json');
    expect(Object.keys(JSON.parse(readFileSync(file, 'utf8')).dependencies)).toEqual([
      '@node-rs/crc32',
      'fs-native-extensions',
      'lz4-napi',
    ]);
  });
});

describe('the test kit', () => {
  it('runs under node:test', () => passes('node', ['--test', 'node-test.mjs']), TEST_MS);
  it('runs under vitest', () => passes('vitest/vitest.mjs', ['run', 'vitest.test.mjs']), TEST_MS);
  it(
    'runs under jest, required and imported, without flags',
    () => passes('jest/bin/jest.js', ['--rootDir', 'jest']),
    TEST_MS,
  );
  it('runs under mocha', () => passes('mocha/bin/mocha.js', ['mocha.spec.cjs']), TEST_MS);

  it.each([
    ['jest', 'jest/bin/jest.js', ['--rootDir', 'examples/jest']],
    ['jest-global', 'jest/bin/jest.js', ['--config', 'examples/jest-global/jest.config.cjs']],
    ['mocha', 'mocha/bin/mocha.js', ['examples/mocha/orders.spec.cjs']],
  ])(
    'runs in the example %s that comes along, copied',
    async (name, tool, words) => {
      const from = join(installed.directory, 'node_modules', 'odradek', EXAMPLES, name);
      cpSync(from, join(installed.directory, 'examples', name), { recursive: true });
      await passes(tool, words);
    },
    TEST_MS,
  );

  it.each(['oldest', 'newest'] as const)(
    'runs on the %s Node',
    async (name) => {
      const node = await installed.node(name);
      if (node === null) return console.log(`skipped: the ${name} Node: npm brought none that runs here`);
      expect(await installed.run(node, ['--test', 'node-test.mjs'])).toMatchObject({ status: 0 });
      expect(await installed.run(node, ['node_modules/.bin/odradek', 'topics', '--help'])).toMatchObject({
        status: 0,
      });
    },
    TEST_MS,
  );
});

describeCodeCache(installed);

describe('a start', () => {
  it(
    'loads none of the modules of Node that it does not use',
    async () => {
      const { output } = await installed.run(process.execPath, ['loaded.mjs']);
      const loaded: string[] = JSON.parse(output);
      expect(loaded).toEqual(expect.arrayContaining(['http', 'crypto']));
      const idle = [
        'assert',
        'https',
        'tls',
        'worker_threads',
        'zlib',
        'dns',
        'inspector',
        'readline',
        'repl',
      ];
      expect(loaded.filter((name) => idle.includes(name))).toEqual([]);
    },
    TEST_MS,
  );
});

it(
  'its threads find the native add-ons, without which they would be slow and no more',
  async () => {
    // Half of it can be packed, and of the other half is enough for native code to be worth its call.
    const noise = Array.from({ length: 4096 }, (_, at) => (at * at * 31) >> (at % 7));
    const value = Buffer.concat([Buffer.from(noise), Buffer.alloc(4096)]);
    const batch = buildBatch({ codec: 'lz4', records: [{ timestampMs: 7, value }] });
    const words = ['thread.cjs', SEARCH_JOB.name, batch.toString('base64')];
    const { output } = await installed.run(process.execPath, words);
    const found = { offset: 0, timestampMs: 7, leaderEpoch: -1 };
    expect(
      output
        .trim()
        .split('\n')
        .map((line): unknown => JSON.parse(line)),
    ).toEqual([{ ready: true }, { output: expect.objectContaining({ found }) }]);
  },
  TEST_MS,
);

describe('the declarations', () => {
  it.each(['nodenext', 'preserve'])(
    'have nothing for a strict compiler to find, with module %s',
    async (module) => {
      const files = module === 'nodenext' ? ['types/module.mts', 'types/common.cts'] : ['types/module.mts'];
      const strict = ['--noEmit', '--strict', '--exactOptionalPropertyTypes', '--skipLibCheck', 'false'];
      const words = [...strict, '--module', module, '--target', 'es2023', '--types', 'node', ...files];
      expect(await installed.tool('typescript/bin/tsc', ...words)).toEqual({ status: 0, output: '' });
    },
    TEST_MS,
  );
});

describe('odradek, for programs', () => {
  it(
    'starts a broker and a cluster in the process, and refuses a property that there is not',
    async () => {
      const { status, output } = await installed.run(process.execPath, ['embedded.mjs']);
      expect(output.trim().split('\n')).toEqual([
        expect.stringMatching(/^127\.0\.0\.1:\d+$/),
        expect.stringMatching(/^127\.0\.0\.1:\d+$/),
        "'num.partition' is no property of a broker",
      ]);
      expect(status).toBe(0);
    },
    TEST_MS,
  );

  it(
    'has threads of its own for batches that would hold everybody up',
    async () => {
      const { status, output } = await installed.run(process.execPath, [...QUIET, 'threads.mjs']);
      expect([status, output.trim()]).toEqual([0, '0 0']);
    },
    TEST_MS,
  );
});

describe('the command', () => {
  it(
    'runs a cluster, writes to it and reads from it',
    async () => {
      const cluster = new RunningCluster(installed.directory);
      try {
        const servers = await cluster.bootstrapServers;
        const at = ['--bootstrap-server', servers, '--topic', 't'];
        const create = await odradek(
          'topics',
          '--create',
          '--partitions',
          '1',
          '--replication-factor',
          '3',
          ...at,
        );
        expect(create).toMatchObject({ status: 0 });
        const shell = `echo hello | node_modules/.bin/odradek produce ${at.join(' ')}`;
        expect(await installed.run('sh', ['-c', shell], { env: withNode() })).toMatchObject({ status: 0 });
        const { output } = await odradek('consume', '--from-beginning', '--max-messages', '1', ...at);
        expect(output).toContain('hello');
      } finally {
        await cluster.interrupt();
      }
    },
    TEST_MS,
  );

  it(
    'says in one line that a Node is too old, exit status 2; the library says the same',
    async () => {
      installed.write('too-old.cjs', TOO_OLD);
      const line = /^odradek needs Node 22\.15 or newer \(of 23: 23\.8 or newer\); this is v[\d.]+\n$/;
      const old = ['--require', './too-old.cjs'];
      const command = await installed.run(process.execPath, [...old, 'node_modules/.bin/odradek', '--help']);
      expect(command).toEqual({ status: 2, output: expect.stringMatching(line) });
      const library = await installed.run(process.execPath, [...old, '-e', "require('odradek/testkit')"]);
      expect(library.output).toContain('Error: odradek needs Node 22.15 or newer');
    },
    TEST_MS,
  );
});

/** A tool of node_modules, or Node itself, ends well. */
async function passes(tool: string, words: string[]): Promise<void> {
  const outcome =
    tool === 'node' ? await installed.run(process.execPath, words) : await installed.tool(tool, ...words);
  expect(outcome.output).not.toMatch(/did not exit|open handle/);
  expect(outcome, outcome.output).toMatchObject({ status: 0 });
}

function odradek(...words: string[]) {
  return installed.tool('.bin/odradek', ...words);
}

/** The Node of this run, for what a shell starts. */
function withNode(): NodeJS.ProcessEnv {
  return { ...process.env, PATH: `${join(process.execPath, '..')}:${process.env['PATH']}` };
}

/** `odradek cluster` on free ports, ended by Ctrl-C. */
class RunningCluster {
  readonly bootstrapServers: Promise<string>;
  readonly #child: ChildProcess;

  constructor(directory: string) {
    this.#child = spawn(process.execPath, ['node_modules/.bin/odradek', 'cluster', '--base-port', '0'], {
      cwd: directory,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    this.bootstrapServers = this.#announced();
  }

  async interrupt(): Promise<void> {
    const gone = once(this.#child, 'exit');
    this.#child.kill('SIGINT');
    await gone;
  }

  async #announced(): Promise<string> {
    if (this.#child.stdout === null) throw new Error('asked for above');
    for await (const line of createInterface({ input: this.#child.stdout })) {
      const [, servers] = /^bootstrap\.servers=(.*)$/.exec(line) ?? [];
      if (servers !== undefined) return servers;
    }
    throw new Error('odradek cluster ended before it was ready');
  }
}
