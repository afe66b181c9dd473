/**
 * The declarations of the public entries, and of what they name, nothing else: a user's compiler that
 * checks libraries as well finds only what is meant for it, and no types of packages that are not
 * installed there.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';

const IMPORTED = /(\bfrom\s*|\bimport\s*\(?\s*)(['"])([^'"]+)\2/g;

/** Writes them below `dist/types`, at the paths of their sources. */
export function writeDeclarations(root: string, dist: string, sources: readonly string[]): void {
  const made = join(root, '.cache', 'declarations');
  rmSync(made, { recursive: true, force: true });
  compile(root, made, sources);
  for (const [file, text] of reached(made, sources)) {
    const target = join(dist, 'types', file);
    mkdirSync(dirname(target), { recursive: true });
    writeFileSync(target, text);
  }
  rmSync(made, { recursive: true, force: true });
}

function compile(root: string, outDir: string, sources: readonly string[]): void {
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
  execFileSync(process.execPath, [tsc, '-p', config], { cwd: root, stdio: 'inherit' });
}

/** Each declaration that a user's compiler gets to see, with imports by the names that it looks for. */
function reached(made: string, sources: readonly string[]): Map<string, string> {
  const found = new Map<string, string>();
  const waiting = sources.map(declarationOf);
  for (let file = waiting.pop(); file !== undefined; file = waiting.pop()) {
    if (found.has(file)) continue;
    const here = dirname(file);
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
