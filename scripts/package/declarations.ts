/**
 * The declarations of the public entries, and of what they name, nothing else: a user's compiler that
 * checks libraries as well finds only what is meant for it, and no types of packages that are not
 * installed there.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';

const COMMENTS = /^ *\/\*\*[\s\S]*?\*\/\n/gm;
const IMPORTED = /(\bfrom\s*|\bimport\s*\(?\s*)(['"])([^'"]+)\2/g;

/** Writes them below `dist/types`, at the paths of their sources. */
export function writeDeclarations(root: string, dist: string, sources: readonly string[]): void {
  const made = join(root, '.cache', 'declarations');
  rmSync(made, { recursive: true, force: true });
  const complaints = compile(root, made, sources);
  const wanted = reached(made, sources);
  const faults = complaints.filter((line) => wanted.has(declarationOf(line.replace(/\(.*$/s, ''))));
  if (faults.length > 0) throw new Error(`what users see can't be declared:\n${faults.join('\n')}`);
  for (const [file, text] of wanted) {
    const target = join(dist, 'types', file);
    mkdirSync(dirname(target), { recursive: true });
    writeFileSync(target, isForReaders(file, sources) ? text : bare(text));
  }
  rmSync(made, { recursive: true, force: true });
}

/** For compilers only: without what is said, and without indents. */
function bare(text: string): string {
  return text.replaceAll(COMMENTS, '').replaceAll(/^ +/gm, '');
}

/** What is said of the test kit and the public entries is for their users; the rest is for the compiler. */
function isForReaders(file: string, sources: readonly string[]): boolean {
  return file.startsWith('test/kit/') || sources.some((source) => declarationOf(source) === file);
}

/**
 * Makes the declarations of everything that the sources import. What the compiler complains of are types
 * that can't be declared because they are nobody else's; that matters only where users get to.
 */
function compile(root: string, outDir: string, sources: readonly string[]): string[] {
  mkdirSync(outDir, { recursive: true });
  const config = join(outDir, 'tsconfig.json');
  const ambient = 'coordinator-client/zookeeper/node-zookeeper-client.d.ts';
  writeFileSync(
    config,
    JSON.stringify({
      extends: join(root, 'tsconfig.json'),
      compilerOptions: { noEmit: false, declaration: true, emitDeclarationOnly: true, rootDir: root, outDir },
      include: [],
      files: [...sources, ambient].map((source) => join(root, source)),
    }),
  );
  const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
  const { stdout } = spawnSync(process.execPath, [tsc, '-p', config], { cwd: root, encoding: 'utf8' });
  return stdout.split('\n').filter((line) => line.includes(': error '));
}

/** Each declaration that a user's compiler gets to see, with imports by the names that it looks for. */
function reached(made: string, sources: readonly string[]): Map<string, string> {
  const found = new Map<string, string>();
  const waiting = sources.map(declarationOf);
  for (let file = waiting.pop(); file !== undefined; file = waiting.pop()) {
    if (found.has(file)) continue;
    const here = dirname(file);
    if (!existsSync(join(made, file))) throw new Error(`no declarations were made of ${file}`);
    const text = readFileSync(join(made, file), 'utf8').replace(
      IMPORTED,
      (whole, before: string, quote: string, target: string) => {
        if (!target.startsWith('.')) return whole;
        waiting.push(declarationOf(normalize(join(here, target))));
        return `${before}${quote}${target.replace(/\.ts$/, '.js')}${quote}`;
      },
    );
    found.set(file, text);
  }
  return found;
}

function declarationOf(source: string): string {
  return source.replace(/\.ts$/, '.d.ts');
}
