/** What V8 has compiled of the package: who keeps it where, who takes it up, and what is passed over. */
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { basename, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { InstalledPackage } from './installed.ts';

const TEST_MS = 180_000;
/** Of whom nothing on this machine is. */
const SOMEBODY_ELSE = 54_321;

/** A part of the package's suite: one installation serves all. */
export function describeCodeCache(installed: InstalledPackage): void {
  describe('the code cache', () => {
    const folder = (): string => join(installed.directory, 'node_modules', '.cache', 'odradek');
    const cacheFile = (): string => {
      const found = readdirSync(folder()).find((name) => name.includes(`-${process.version}-`));
      if (found === undefined) throw new Error('no process has kept what was compiled');
      return join(folder(), found);
    };
    /** The tests themselves run with Node's compile cache. */
    const withoutNodes = (): NodeJS.ProcessEnv => {
      const { NODE_COMPILE_CACHE: _ours, ...env } = process.env;
      return env;
    };
    /** Loads the package and says whether V8 refused what was kept. */
    const verdict = async (...flags: string[]): Promise<string> => {
      const words = [...flags, 'cache-verdict.cjs'];
      const { output } = await installed.run(process.execPath, words, { env: withoutNodes() });
      return output.trim();
    };

    it(
      'is kept by the first process that ends by itself, and taken up by the next',
      async () => {
        rmSync(folder(), { recursive: true, force: true });
        expect(await verdict()).toBe('no cache, testkit: function');
        expect(await verdict()).toBe('cachedDataRejected: false, testkit: function');
        expect(readdirSync(folder())).toHaveLength(1);
      },
      TEST_MS,
    );

    it.each([
      ['cut short', (content: Buffer) => content.subarray(0, 1000)],
      [
        'changed in the middle',
        (content: Buffer) => {
          content[content.length >> 1] = (content[content.length >> 1] ?? 0) ^ 1;
          return content;
        },
      ],
      ['zero from the middle on', (content: Buffer) => content.fill(0, content.length >> 1)],
      ['empty', () => Buffer.alloc(0)],
    ])(
      'is passed over when it is %s, and made anew',
      async (_, damaged) => {
        const file = cacheFile();
        writeFileSync(file, damaged(readFileSync(file)));
        expect(await verdict()).toBe('no cache, testkit: function');
        expect(await verdict()).toBe('cachedDataRejected: false, testkit: function');
      },
      TEST_MS,
    );

    it(
      'is neither taken from where others can write, nor put there',
      async () => {
        for (const path of [folder(), cacheFile()]) {
          const { mode } = statSync(path);
          const content = readFileSync(cacheFile());
          chmodSync(path, 0o777);
          expect(await verdict(), path).toBe('no cache, testkit: function');
          if (path === folder()) expect(readFileSync(cacheFile())).toEqual(content);
          chmodSync(path, mode);
        }
        expect(await verdict()).toBe('cachedDataRejected: false, testkit: function');
      },
      TEST_MS,
    );

    it.runIf(process.getuid?.() === 0)(
      "is not taken when it is somebody else's",
      async () => {
        chownSync(cacheFile(), SOMEBODY_ELSE, SOMEBODY_ELSE);
        expect(await verdict()).toBe('no cache, testkit: function');
        chownSync(folder(), SOMEBODY_ELSE, SOMEBODY_ELSE);
        expect(await verdict()).toBe('no cache, testkit: function');
        chownSync(folder(), 0, 0);
        expect(await verdict()).toBe('cachedDataRejected: false, testkit: function');
      },
      TEST_MS,
    );

    it(
      'is left alone by who keeps nothing, and other builds are removed by who keeps one',
      async () => {
        rmSync(folder(), { recursive: true });
        const door = "require('./node_modules/odradek/dist/load.js').open('testkit', 'testkit', false)";
        expect(await installed.run(process.execPath, ['-e', door], { env: withoutNodes() })).toMatchObject({
          status: 0,
        });
        expect(existsSync(folder())).toBe(false);
        mkdirSync(folder(), { mode: 0o755 });
        writeFileSync(join(folder(), 'odradek-0123456789abcdef-testkit-v22.15.0-linux-x64'), '');
        expect(await verdict()).toBe('no cache, testkit: function');
        expect(readdirSync(folder())).toEqual([basename(cacheFile())]);
      },
      TEST_MS,
    );

    it(
      'is not looked for by another Node',
      async () => {
        installed.write('other-node.cjs', "Object.defineProperty(process, 'version', { value: 'v24.0.0' });");
        expect(await verdict('--require', './other-node.cjs')).toBe('no cache, testkit: function');
      },
      TEST_MS,
    );

    it(
      'lies where the compile cache of Node is, if that is on',
      async () => {
        const env = { ...process.env, NODE_COMPILE_CACHE: join(installed.directory, 'compile-cache') };
        const inNodes = (): Promise<string> =>
          installed.run(process.execPath, ['cache-verdict.cjs'], { env }).then(({ output }) => output.trim());
        expect(await inNodes()).toBe('no cache, testkit: function');
        expect(await inNodes()).toBe('cachedDataRejected: false, testkit: function');
      },
      TEST_MS,
    );

    it(
      "is each command its own, in this user's own directory",
      async () => {
        const temporary = join(installed.directory, 'temporary');
        mkdirSync(temporary);
        const home = { HOME: join(installed.directory, 'home'), TMPDIR: temporary };
        mkdirSync(home.HOME);
        const { XDG_CACHE_HOME: _ours, ...outside } = withoutNodes();
        const env = { ...outside, ...home };
        const command = async (...asked: string[]): Promise<string> => {
          const words = ['--require', './say-cache-seen.cjs', 'node_modules/.bin/odradek', ...asked];
          const { output } = await installed.run(process.execPath, words, { env });
          return /^(no cache|cachedDataRejected: \w+)$/m.exec(output)?.[1] ?? output;
        };
        expect(await command('topics', '--help')).toBe('no cache');
        expect(await command('topics', '--help')).toBe('cachedDataRejected: false');
        expect(await command('broker', '--help')).toBe('no cache');
        expect(await command('topcis')).toBe('no cache');
        expect(await command()).toBe('cachedDataRejected: false');
        expect(await command('toString')).toBe('cachedDataRejected: false');
        const own = join(home.HOME, '.cache', 'odradek', 'compiled');
        expect(statSync(own).mode & 0o777).toBe(0o700);
        const kept = readdirSync(own, { recursive: true, encoding: 'utf8' });
        const uses = kept.map((name) => /odradek-[\da-f]{16}-(.*)-v\d/.exec(name)?.[1]);
        expect(uses.filter((use) => use !== undefined).sort()).toEqual(['cli', 'cli-broker', 'cli-topics']);
        expect(readdirSync(temporary)).toEqual([]);
      },
      TEST_MS,
    );

    it(
      'is written anew by who has lived long and compiled much more',
      async () => {
        rmSync(folder(), { recursive: true, force: true });
        expect(await verdict()).toBe('no cache, testkit: function');
        const ofImport = statSync(cacheFile()).size;
        for (const [file, uptimeS] of Object.entries({ 'short-life.cjs': 1, 'long-life.cjs': 3600 }))
          installed.write(file, `process.uptime = () => ${uptimeS};`);
        const run = (life: string) => {
          const words = ['--require', life, 'start-and-close.cjs'];
          return installed.run(process.execPath, words, { env: withoutNodes() });
        };
        expect(await run('./short-life.cjs')).toEqual({ status: 0, output: 'closed\n' });
        expect(statSync(cacheFile()).size).toBe(ofImport);
        expect(await run('./long-life.cjs')).toEqual({ status: 0, output: 'closed\n' });
        expect(statSync(cacheFile()).size).toBeGreaterThan(ofImport * 1.1);
        expect(await verdict()).toBe('cachedDataRejected: false, testkit: function');
        expect(readdirSync(folder())).toHaveLength(1);
      },
      TEST_MS,
    );

    it(
      'is not kept where nothing can be written, and nobody misses it',
      async () => {
        rmSync(join(folder(), '..'), { recursive: true, force: true });
        writeFileSync(join(folder(), '..'), '');
        try {
          expect(await verdict()).toBe('no cache, testkit: function');
          expect(await verdict()).toBe('no cache, testkit: function');
        } finally {
          rmSync(join(folder(), '..'));
        }
      },
      TEST_MS,
    );
  });
}
