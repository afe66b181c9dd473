/**
 * The declarations of the public entries, and of what they name, nothing else: a user's compiler that
 * checks libraries as well finds only what is meant for it, and no types of packages that are not
 * installed there.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { declarationFileOf, prunedDeclarations } from './pruned-declarations.ts';

/** Where what users get to would go on into everything there is: what a fault lays hands on is the broker's own. */
const SEALED = new Set(['FaultPoints']);

/** Writes them below `dist/types`, at the paths of their sources. */
export function writeDeclarations(root: string, dist: string, sources: readonly string[]): void {
  const made = join(root, '.cache', 'declarations');
  rmSync(made, { recursive: true, force: true });
  const complaints = compile(root, made, sources);
  const read = (file: string): string => readFileSync(join(made, file), 'utf8');
  const wanted = prunedDeclarations(read, sources.map(declarationFileOf), SEALED);
  const faults = complaints.filter((line) => wanted.has(declarationFileOf(line.replace(/\(.*$/s, ''))));
  if (faults.length > 0) throw new Error(`what users see can't be declared:\n${faults.join('\n')}`);
  for (const [file, text] of wanted) {
    const target = join(dist, 'types', file);
    mkdirSync(dirname(target), { recursive: true });
    writeFileSync(target, text);
  }
  rmSync(made, { recursive: true, force: true });
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
