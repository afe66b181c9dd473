/**
 * Maps: whoever opens a folder finds each of its entries described in words. Folders of three entries and
 * more are held to it: by their own README.md, or, where there is none, by the nearest one above. An entry
 * is described where it stands in backticks: `segment.ts` (or `segment`), `files/`, or a pattern for many:
 * `NN-*.ts`.
 * A file of tests is described by its name. And a map that is out of date is worse than none.
 */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, it } from 'vitest';
import { FILES, ROOT } from './sources.ts';

const MAPPED = ['broker', 'coordinator-client', 'scripts', 'test'];
const LEAST_ENTRIES = 3;

/** Folders with the names of what is in them; those of folders end in a slash. */
function entriesByFolder(): Map<string, Set<string>> {
  const entries = new Map<string, Set<string>>();
  for (const file of FILES.filter((name) => MAPPED.includes(name.split('/')[0] ?? ''))) {
    const parts = file.split('/');
    for (let depth = 1; depth < parts.length; depth++) {
      const folder = parts.slice(0, depth).join('/');
      const entry = `${parts[depth]}${depth === parts.length - 1 ? '' : '/'}`;
      entries.set(folder, (entries.get(folder) ?? new Set()).add(entry));
    }
  }
  return entries;
}

function mapOf(folder: string): string {
  for (let above = folder; above !== '.'; above = dirname(above)) {
    const readme = join(ROOT, above, 'README.md');
    if (existsSync(readme)) return readFileSync(readme, 'utf8');
  }
  return '';
}

/** Whether an entry of a folder is described, as the map's words in backticks say. */
function described(map: string): (entry: string) => boolean {
  // Of a path each part: `stand-in/zkServer.sh` names the folder, too.
  const words = Array.from(
    map.matchAll(/`([^`\s]+)`/g),
    ([, word = '']) => word.match(/[^/]+\/?/g) ?? [],
  ).flat();
  const names = new Set(words);
  const patterns = words
    .filter((word) => /(\*|^NN-).*\.\w+$/.test(word) && word !== '*.ts')
    .map(
      (word) =>
        new RegExp(`^${word.replace(/[.+?]/g, '\\$&').replace('NN', '\\d\\d').replaceAll('*', '.+')}$`),
    );
  return (entry) =>
    entry === 'README.md' ||
    entry.endsWith('.test.ts') ||
    names.has(entry) ||
    names.has(entry.replace(/\.ts$/, '')) ||
    patterns.some((pattern) => pattern.test(entry));
}

it('every folder has a map that names all its entries', () => {
  const unmapped: string[] = [];
  for (const [folder, entries] of entriesByFolder()) {
    if (entries.size < LEAST_ENTRIES) continue;
    const isDescribed = described(mapOf(folder));
    const missing = [...entries].filter((entry) => !isDescribed(entry));
    if (missing.length === 0) continue;
    unmapped.push(`${folder}: ${missing.join(', ')}`);
  }
  expect(unmapped).toEqual([]);
});

it('no map names a file that is not there, and every link leads somewhere', () => {
  const there = new Set(FILES.map((name) => name.split('/').at(-1)));
  const wrong = FILES.filter((name) => name.endsWith('.md')).flatMap((map) => {
    const text = readFileSync(join(ROOT, map), 'utf8');
    const named = Array.from(text.matchAll(/`([\w./-]+\.(?:ts|md|java|py|sh|c))`/g), ([, word = '']) => word)
      .filter((word) => !/^(NN-|NAME\b)/.test(word) && !there.has(word.split('/').at(-1)))
      .map((word) => `${map}: ${word}`);
    const broken = Array.from(text.matchAll(/\]\(([^)#:]+)(?:#[^)]*)?\)/g), ([, target = '']) => target)
      .filter((target) => !existsSync(join(ROOT, dirname(map), target)))
      .map((target) => `${map}: the link to ${target}`);
    return [...named, ...broken];
  });
  expect(wrong).toEqual([]);
});
