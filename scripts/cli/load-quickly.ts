/**
 * How the sources load: most of a start is that. What V8 makes of them is kept for the next process, and a
 * source finds another by its name alone. Node would ask the disk for each of hundreds whether it is there,
 * what its true name is, and what the package.json above it says of its kind, which takes as long as
 * compiling them; here all imports between sources name a file, and all files are modules of TypeScript.
 */
import { createRequire, enableCompileCache, getCompileCacheDir, registerHooks } from 'node:module';

const { ownDirectory }: { ownDirectory(): string | null } = createRequire(import.meta.url)(
  '../package/cache-directory.cjs',
);

/** For what is imported from here on. */
export function loadQuickly(): void {
  const directory = getCompileCacheDir() === undefined ? ownDirectory() : null;
  if (directory !== null) enableCompileCache(directory);
  registerHooks({
    resolve(specifier, context, nextResolve) {
      const isSource = specifier.startsWith('.') && specifier.endsWith('.ts');
      if (!isSource) return nextResolve(specifier, context);
      const { href } = new URL(specifier, context.parentURL);
      return { url: href, format: 'module-typescript', shortCircuit: true };
    },
  });
}
