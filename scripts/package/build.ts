/**
 * Makes the package's files in `dist/` from the sources: one bundle with everything that is not a native
 * add-on or used by few, what V8 compiles of it, a door for each public entry, the command, the declarations,
 * and the licences of what is inside. `npm pack` runs it (`prepack`).
 *
 * One file, because three brokers from 300 files take twice as long to load; CommonJS, because every test
 * runner loads that without flags, jest too. What the command line needs is evaluated when it is asked
 * for, so that the test kit does not pay for it.
 */
import { createHash } from 'node:crypto';
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { type BuildOptions, build, type Plugin } from 'esbuild';
import { COMMAND_NAMES } from '../cli/command-line.ts';
import { BUILT_FOLDER, builtPage } from '../console/page-files.ts';
import { CATALOGUE_FOLDER } from '../drills/catalogue.ts';
import { writeDeclarations } from './declarations.ts';
import { INNER_ENTRIES, PUBLIC_ENTRIES } from './entries.ts';
import { late } from './late.ts';
import { noticesOf } from './notices.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const DIST = join(ROOT, 'dist');
/** Native; and what only a checkout needs, which makes the console's page of its sources. */
const EXTERNAL = ['@node-rs/crc32', 'fs-native-extensions', 'lz4-napi', 'esbuild'];
/** What only some commands use is read only by them: it would be a quarter of what everybody has to load. */
const APART = ['kafkajs', 'prom-client', 'node-forge', 'jks-js', 'jose', 'yaml'];
/** Of a large one what jks-js asks it for, to read what a PKCS#12 store trusts. */
const PARTS = new Map([['node-forge', ['asn1', 'pem', 'pki', 'pkcs12', 'util']]]);
/** Of Node's modules, what a cluster starts without. */
const LATE = [
  'assert',
  'assert/strict',
  'child_process',
  'fs/promises',
  'https',
  'tls',
  'worker_threads',
  'zlib',
];
/**
 * The bundle is one expression, a function of what a module gets: it can be required, and run as a script. In
 * brackets of its own, by which V8 knows that it is called at once: else it would read all of it twice.
 */
const BEFORE_BUNDLE =
  "(typeof module==='undefined'?f=>f:f=>module.exports=f)((function(exports,require,module,__filename,__dirname){";
const AFTER_BUNDLE = '}))';
const IMPORT_META_URL = "const importMetaUrl=require('node:url').pathToFileURL(__filename).href;";
/** A line of an error's trace, or of what Node shows of the source when it dies, stays readable. */
const LINE_LIMIT = 160;

rmSync(DIST, { recursive: true, force: true });
mkdirSync(DIST);
// The package as a whole is of ES modules, as its sources are; what is made from them is not.
write('package.json', '{ "type": "commonjs" }\n');
copy('node-version.cjs', 'node-version.js');
copy('cache-directory.cjs', 'cache-directory.js');
write('cli.js', commandLine());
cpSync(join(ROOT, 'scripts', 'drills', 'catalogue'), join(DIST, CATALOGUE_FOLDER), { recursive: true });
const inputs = [
  ...(await bundle()),
  ...(await Promise.all(APART.map(packageApart))).flat(),
  ...(await threadProgram()),
  ...(await storeProgram()),
  ...(await consolePage()),
];
write('load.js', loader());
write('THIRD-PARTY-NOTICES.txt', noticesOf(ROOT, inputs));
for (const { name, isModule } of PUBLIC_ENTRIES)
  write(isModule ? `${name}.mjs` : `${name}.js`, isModule ? moduleDoor(name) : door(name));
writeDeclarations(
  ROOT,
  DIST,
  PUBLIC_ENTRIES.map(({ source }) => source),
);

/** With a name for the bundle as it is. */
function loader(): string {
  const build = createHash('sha256')
    .update(readFileSync(join(DIST, 'bundle.js')))
    .digest('hex')
    .slice(0, 16);
  return readFileSync(join(import.meta.dirname, 'load.cjs'), 'utf8').replace("'unbuilt'", `'${build}'`);
}

/** With the names of its commands. */
function commandLine(): string {
  const names = JSON.stringify(COMMAND_NAMES);
  return readFileSync(join(import.meta.dirname, 'cli.cjs'), 'utf8').replace("['unbuilt']", () => names);
}

/** The files that went into it. */
function bundle(): Promise<string[]> {
  const entries = [...PUBLIC_ENTRIES, ...INNER_ENTRIES];
  const contents = entries.map(({ name, source }) => `exports['${name}'] = () => require('./${source}');`);
  return built('bundle.js', {
    stdin: { contents: contents.join('\n'), resolveDir: ROOT },
    banner: { js: `${BEFORE_BUNDLE}'use strict';${IMPORT_META_URL}` },
    footer: { js: AFTER_BUNDLE },
    define: {
      'import.meta.url': 'importMetaUrl',
      'import.meta.filename': '__filename',
      'import.meta.dirname': '__dirname',
      // cbor-x need not look through all folders for its native part, which the package does not bring.
      'process.env.CBOR_NATIVE_ACCELERATION_DISABLED': '"true"',
    },
    plugins: [apart(APART), late(LATE)],
  });
}

function packageApart(name: string): Promise<string[]> {
  const plugins = [apart(APART.filter((other) => other !== name))];
  const parts = PARTS.get(name);
  if (parts === undefined) return built(`${name}.js`, { entryPoints: [name], plugins });
  const contents = `${parts.map((part) => `require('${name}/lib/${part}');`).join('')}module.exports = require('${name}/lib/forge');`;
  return built(`${name}.js`, { stdin: { contents, resolveDir: ROOT }, plugins });
}

/** What a thread of the pool runs: only what its jobs need, so that it begins quickly and is small. */
function threadProgram(): Promise<string[]> {
  return built('worker.js', {
    entryPoints: ['broker/worker.ts'],
    // Without it no package would be found, native code among them, and all of that be done in JavaScript.
    banner: { js: IMPORT_META_URL },
    define: { 'import.meta.url': 'importMetaUrl' },
  });
}

/** What the thread runs that reads one of Java's key stores. */
function storeProgram(): Promise<string[]> {
  return built('store-thread.js', {
    entryPoints: ['broker/security/tls/store-thread.ts'],
    plugins: [apart(APART)],
  });
}

/** Leaves the packages apart to be required where they are. */
function apart(names: readonly string[]): Plugin {
  return {
    name: 'apart',
    setup({ onResolve }) {
      onResolve({ filter: new RegExp(`^(${names.join('|')})$`) }, ({ path }) => ({
        path: `./${path}.js`,
        external: true,
      }));
    },
  };
}

/** As a checkout makes it when the console starts. */
async function consolePage(): Promise<readonly string[]> {
  const { files, inputs } = await builtPage(join(ROOT, 'scripts', 'console', 'page'));
  mkdirSync(join(DIST, BUILT_FOLDER));
  for (const [name, body] of files) writeFileSync(join(DIST, BUILT_FOLDER, name), body);
  return inputs;
}

async function built(file: string, options: BuildOptions): Promise<string[]> {
  const { metafile } = await build({
    ...options,
    outfile: join(DIST, file),
    absWorkingDir: ROOT,
    bundle: true,
    platform: 'node',
    format: 'cjs',
    target: 'node22.15',
    external: EXTERNAL,
    minifyWhitespace: true,
    minifySyntax: true,
    // A quarter of the bundle. Names of methods and errors stay, so that traces still tell where they come from.
    minifyIdentifiers: true,
    lineLimit: LINE_LIMIT,
    legalComments: 'none',
    metafile: true,
    logLevel: 'warning',
    logOverride: { 'empty-import-meta': 'error' },
  });
  return Object.keys(metafile?.inputs ?? {});
}

function door(name: string): string {
  return [
    `'use strict';`,
    `require('./node-version.js').check();`,
    `module.exports = require('./load.js').open('${name}');`,
    '// Never run: Node reads from it what an ES module can import.',
    `0 && (module.exports = { ${namesOf(name)} });`,
    '',
  ].join('\n');
}

function moduleDoor(name: string): string {
  return [
    `import { createRequire } from 'node:module';`,
    'const require = createRequire(import.meta.url);',
    `require('./node-version.js').check();`,
    `export const { ${namesOf(name)} } = require('./load.js').open('${name}');`,
    '',
  ].join('\n');
}

function namesOf(name: string): string {
  const { open }: { open(name: string): object } = createRequire(import.meta.url)(join(DIST, 'load.js'));
  const names = Object.keys(open(name));
  return names.filter((each) => each !== 'default').join(', ');
}

function write(file: string, text: string): void {
  writeFileSync(join(DIST, file), text);
}

function copy(source: string, file: string): void {
  cpSync(join(import.meta.dirname, source), join(DIST, file));
}
