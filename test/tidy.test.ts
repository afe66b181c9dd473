/**
 * The house rules that a machine can check: floors, sizes, banned globals, headers, maps. A rule that
 * has an exception names it here, with the reason.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { describe, expect, it } from 'vitest';

const ROOT = join(import.meta.dirname, '..');
const FILES = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], {
  cwd: ROOT,
  encoding: 'utf8',
})
  .split('\n')
  .filter((name) => name !== '');
const SOURCES = FILES.filter((name) => name.endsWith('.ts'));
const TEXT = new Map(SOURCES.map((name) => [name, readFileSync(join(ROOT, name), 'utf8')]));
const PRODUCT = SOURCES.filter(
  (name) => name.startsWith('broker/') || name.startsWith('coordinator-client/'),
);

/** Which floor a folder of broker/ stands on; a file imports its own folder and lower floors only. */
const FLOOR: Record<string, number> = {
  platform: 0,
  records: 1,
  protocol: 1,
  config: 1,
  log: 2,
  metadata: 2,
  security: 2,
  peers: 2,
  replication: 3,
  coordinators: 4,
  controller: 4,
  handlers: 5,
  network: 6,
  http: 6,
  node: 7,
};
/** Siblings of one floor that may be imported by their neighbours, because they hold only words. */
const SHARED_WORDS = new Set([
  'broker/types.ts',
  'broker/cluster.ts',
  'broker/int64.ts',
  'broker/errors.ts',
  'broker/config/topic-config.ts',
]);

const MAX_FILE_LINES = 400;
/** Tables of facts, which gain nothing from being cut up. */
const LONG_FILES = new Set<string>([]);

function importsOf(file: string): string[] {
  const text = TEXT.get(file) ?? '';
  const found: string[] = [];
  for (const match of text.matchAll(/(?:from|import)\s*\(?\s*'(\.[^']+)'/g)) {
    found.push(normalize(join(dirname(file), match[1] ?? '')));
  }
  return found;
}

function folderOf(file: string): string {
  return file.split('/')[1] ?? '';
}

describe('the top level', () => {
  it('holds only what the project is made of', () => {
    const allowed = new Set([
      'broker',
      'coordinator-client',
      'scripts',
      'test',
      'docker-compose.yml',
      'package.json',
      'package-lock.json',
      'tsconfig.json',
      'README.md',
      'LICENSE',
    ]);
    const top = new Set(FILES.map((name) => name.split('/')[0] ?? ''));
    expect([...top].filter((name) => !name.startsWith('.') && !allowed.has(name))).toEqual([]);
  });
});

describe('floors', () => {
  it('a file of broker/ imports its own folder and lower floors only', () => {
    const wrong: string[] = [];
    for (const file of PRODUCT.filter((name) => name.startsWith('broker/'))) {
      const from = folderOf(file);
      const floor = FLOOR[from];
      if (floor === undefined) continue; // main.ts, broker.ts, and the words all floors share
      for (const target of importsOf(file)) {
        if (!target.startsWith('broker/') || SHARED_WORDS.has(target)) continue;
        const to = folderOf(target);
        const below = FLOOR[to];
        if (below === undefined || (to !== from && below >= floor)) wrong.push(`${file} -> ${target}`);
      }
    }
    expect(wrong).toEqual([]);
  });

  it('coordinator-client imports nothing of broker', () => {
    const wrong = PRODUCT.filter((name) => name.startsWith('coordinator-client/')).flatMap((file) =>
      importsOf(file)
        .filter((target) => !target.startsWith('coordinator-client/'))
        .map((target) => `${file} -> ${target}`),
    );
    expect(wrong).toEqual([]);
  });

  it('the product imports nothing of scripts or test', () => {
    const wrong = PRODUCT.flatMap((file) =>
      importsOf(file)
        .filter((target) => target.startsWith('test/') || target.startsWith('scripts/'))
        .map((target) => `${file} -> ${target}`),
    );
    expect(wrong).toEqual([]);
  });

  it('every relative import names a file that exists', () => {
    const known = new Set(FILES);
    const wrong = SOURCES.flatMap((file) =>
      importsOf(file)
        .filter((target) => !known.has(target))
        .map((target) => `${file} -> ${target}`),
    );
    expect(wrong).toEqual([]);
  });
});

describe('the outside world', () => {
  const banned =
    /\b(Date\.now|new Date\(\)|setTimeout|setInterval|setImmediate|Math\.random|process\.env|performance\.now)\b|from 'node:(fs|net|http|tls|child_process|worker_threads)(\/promises)?'/;
  const entry = (file: string): boolean =>
    file.startsWith('broker/platform/') ||
    file.startsWith('coordinator-client/zookeeper/') ||
    file.startsWith('coordinator-client/embedded/') ||
    file === 'broker/main.ts';

  it('is touched by platform/ and the entry points only', () => {
    const wrong: string[] = [];
    for (const file of PRODUCT.filter((name) => !entry(name))) {
      const lines = (TEXT.get(file) ?? '').split('\n');
      lines.forEach((line, index) => {
        const code = line.replace(/^\s*(\*|\/\/|\/\*).*$/, '');
        if (banned.test(code)) wrong.push(`${file}:${index + 1} ${line.trim()}`);
      });
    }
    expect(wrong).toEqual([]);
  });
});

describe('readable files', () => {
  it('have at most 400 lines', () => {
    const long = PRODUCT.concat(SOURCES.filter((name) => name.startsWith('scripts/')))
      .filter((name) => !LONG_FILES.has(name))
      .map((name) => [name, (TEXT.get(name) ?? '').split('\n').length] as const)
      .filter(([, lines]) => lines > MAX_FILE_LINES);
    expect(long).toEqual([]);
  });

  it('begin with a comment that says what they are', () => {
    const bare = SOURCES.filter((name) => !/^(#![^\n]*\n)?\s*\/(\*|\/)/.test(TEXT.get(name) ?? ''));
    expect(bare).toEqual([]);
  });

  it('export nothing by default', () => {
    const wrong = PRODUCT.filter((name) => /^export default\b/m.test(TEXT.get(name) ?? ''));
    expect(wrong).toEqual([]);
  });

  it('have kebab-case names', () => {
    const wrong = SOURCES.filter((name) => !/^[a-z0-9./-]+$/.test(name));
    expect(wrong).toEqual([]);
  });
});

describe('maps', () => {
  for (const folder of ['broker', 'coordinator-client', 'scripts', 'test']) {
    it(`${folder}/README.md names every file or folder in it`, () => {
      const map = readFileSync(join(ROOT, folder, 'README.md'), 'utf8');
      const entries = new Set(
        FILES.filter((name) => name.startsWith(`${folder}/`))
          .map((name) => {
            const [, first, second] = name.split('/');
            return second === undefined ? first : `${first}/`;
          })
          .filter((name) => name !== undefined && name !== 'README.md'),
      );
      expect([...entries].filter((name) => name !== undefined && !map.includes(name))).toEqual([]);
    });
  }
});
