/**
 * The project's files as the house rules look at them: their text, what they import by which name, what
 * they export. Read with regular expressions, which the formatter makes possible: there is one way to
 * write each of these.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';

export const ROOT = join(import.meta.dirname, '../..');

/** All that git knows or would take, and that is there: what was just removed is not. */
export const FILES = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], {
  cwd: ROOT,
  encoding: 'utf8',
})
  .split('\n')
  .filter((name) => name !== '' && existsSync(join(ROOT, name)));
export const SOURCES = FILES.filter((name) => /\.tsx?$/.test(name));
export const PRODUCT = SOURCES.filter((name) => /^(broker|coordinator-client)\//.test(name));

const TEXT = new Map(FILES.map((name) => [name, readFileSync(join(ROOT, name), 'utf8')]));

export function textOf(file: string): string {
  return TEXT.get(file) ?? '';
}

/** The lines with their numbers; comments that have a line to themselves are left out. */
export function codeLines(file: string): { readonly line: string; readonly number: number }[] {
  return textOf(file)
    .split('\n')
    .map((line, index) => ({ line, number: index + 1 }))
    .filter(({ line }) => !/^\s*(\*|\/\/|\/\*)/.test(line));
}

/** The files of the project that it imports, type imports among them. */
export function importsOf(file: string): string[] {
  const found = textOf(file).matchAll(/(?:from|import)\s*\(?\s*'(\.[^']+)'/g);
  return Array.from(found, ([, path = '']) => resolved(file, path));
}

interface ImportedName {
  readonly file: string;
  /** `*`: any of its names may be used. */
  readonly name: string;
}

/** Names as their file exports them. */
export function importedNames(file: string): ImportedName[] {
  const text = textOf(file);
  const names: ImportedName[] = [];
  for (const [, list = '', path = ''] of text.matchAll(
    /^(?:import|export)\s+(?:type\s+)?\{([^}]*)\}\s+from\s+'(\.[^']+)'/gm,
  )) {
    const target = resolved(file, path);
    for (const each of list.split(',')) {
      const name = /^\s*(?:type\s+)?(\w+)/.exec(each)?.[1];
      if (name !== undefined) names.push({ file: target, name });
    }
  }
  for (const [, path = ''] of text.matchAll(/^import\s+\*\s+as\s+\w+\s+from\s+'(\.[^']+)'/gm)) {
    names.push({ file: resolved(file, path), name: '*' });
  }
  for (const [, path = '', member = '*'] of text.matchAll(/import\(\s*'(\.[^']+)'\s*\)(?:\.(\w+))?/g)) {
    // An awaited import gives the whole module; in a type, a member may follow.
    names.push({ file: resolved(file, path), name: member });
  }
  return names;
}

/** What a file exports by name. */
export function exportedNames(file: string): string[] {
  const declared = textOf(file).matchAll(
    /^export\s+(?:declare\s+)?(?:abstract\s+)?(?:async\s+)?(?:function\*?|class|const|let|interface|type)\s+(\w+)/gm,
  );
  return Array.from(declared, ([, name = '']) => name);
}

function resolved(from: string, path: string): string {
  return normalize(join(dirname(from), path));
}

/**
 * A rule's findings against its exceptions, both ways: what breaks the rule without being an exception, and
 * exceptions that nothing needs any more, so that the list can only shrink.
 */
export function judged(
  found: readonly string[],
  exceptions: Readonly<Record<string, string>> = {},
): string[] {
  const broken = found.filter((each) => !Object.hasOwn(exceptions, each));
  const needless = Object.keys(exceptions).filter((each) => !found.includes(each));
  return [...broken, ...needless.map((each) => `no exception any more: ${each}`)];
}
