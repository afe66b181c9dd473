/**
 * The page's files. In a checkout they are made from `page/` when the console starts, in a fraction of a second;
 * the package has them made already, beside its bundle.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import type { PageFile } from './server.ts';

const TYPES: Readonly<Record<string, string>> = {
  'index.html': 'text/html; charset=utf-8',
  'main.js': 'text/javascript; charset=utf-8',
  'main.css': 'text/css; charset=utf-8',
};

/** Below the bundle's folder in the package. */
export const BUILT_FOLDER = 'console';

/** By the path that the server has them under. */
export async function pageFiles(): Promise<ReadonlyMap<string, PageFile>> {
  const contents = await pageContents();
  return new Map(
    [...contents].map(([name, body]) => [
      name === 'index.html' ? '/' : `/${name}`,
      { type: TYPES[name] ?? 'application/octet-stream', body, gzipped: gzipSync(body, { level: 9 }) },
    ]),
  );
}

async function pageContents(): Promise<ReadonlyMap<string, Buffer>> {
  const sources = join(import.meta.dirname, 'page');
  if (existsSync(join(sources, 'main.tsx'))) return (await builtPage(sources)).files;
  const built = join(import.meta.dirname, BUILT_FOLDER);
  return new Map(Object.keys(TYPES).map((name) => [name, readFileSync(join(built, name))]));
}

/** Made of the sources in this folder; `inputs` are all files that went into it, from the working directory. */
export async function builtPage(
  sources: string,
): Promise<{ readonly files: ReadonlyMap<string, Buffer>; readonly inputs: readonly string[] }> {
  const { build } = await import('esbuild');
  const { outputFiles, metafile } = await build({
    entryPoints: [join(sources, 'main.tsx')],
    bundle: true,
    format: 'esm',
    target: 'es2022',
    minify: true,
    jsx: 'automatic',
    jsxImportSource: 'preact',
    outdir: sources,
    write: false,
    metafile: true,
    legalComments: 'none',
    logLevel: 'warning',
  });
  const files = new Map([['index.html', readFileSync(join(sources, 'index.html'))]]);
  for (const name of ['main.js', 'main.css']) {
    const found = outputFiles.find(({ path }) => path.endsWith(name));
    if (found === undefined) throw new Error(`the page has no ${name}`);
    files.set(name, Buffer.from(found.contents));
  }
  return { files, inputs: Object.keys(metafile.inputs) };
}
