/**
 * Opens the doors of the bundle. What V8 has compiled of it is kept beside other packages' caches
 * (node_modules/.cache/odradek) by the first process that ends by itself, for this very build and this very
 * Node; later ones take it up, with the functions that a starting cluster calls. Where Node's own compile
 * cache is on, that does the same; and where a test runner gives each test a global of its own (jest), the
 * bundle is loaded as any file.
 */
'use strict';

const { mkdirSync, readFileSync, renameSync, writeFileSync } = require('node:fs');
const { getCompileCacheDir } = require('node:module');
const { basename, dirname, join } = require('node:path');
const { constants, runInThisContext, Script } = require('node:vm');
const { isMainThread } = require('node:worker_threads');

const BUNDLE = join(__dirname, 'bundle.js');
/** Of the bundle's bytes, set when the package is made: V8 itself compares no more than their number. */
const BUILD = 'unbuilt';
const { version, platform, arch } = process;

let bundle = null;

/** What is behind the door of this name. */
exports.open = function open(name) {
  bundle ??= load();
  return bundle[name]();
};

function load() {
  const file = cacheFile();
  if (file === null) return run(require('./bundle.js'));
  const known = contentOf(file);
  const script = compile(known);
  const exported = run(script.runInThisContext());
  if (known === undefined || script.cachedDataRejected) process.once('exit', () => keep(script, file));
  return exported;
}

/** null: nothing is to be kept, as this is no installed package, or somebody else sees to it. */
function cacheFile() {
  const modules = dirname(dirname(__dirname));
  if (basename(modules) !== 'node_modules' || !isMainThread) return null;
  if (getCompileCacheDir() !== undefined || runInThisContext('globalThis') !== globalThis) return null;
  return join(modules, '.cache', 'odradek', `${BUILD}-${version}-${platform}-${arch}`);
}

function contentOf(file) {
  try {
    return readFileSync(file);
  } catch {
    return undefined;
  }
}

/** V8 refuses what was cached by another version, or with other flags, and compiles. */
function compile(cachedData) {
  // Nothing but ASCII is in it, which this reads fastest.
  const source = readFileSync(BUNDLE, 'latin1');
  const importModuleDynamically = constants.USE_MAIN_CONTEXT_DEFAULT_LOADER;
  return new Script(source, { filename: BUNDLE, cachedData, importModuleDynamically });
}

/** What the bundle exports; it is a function of what a module of CommonJS is given. */
function run(wrapped) {
  const module = { exports: {} };
  wrapped(module.exports, require, module, BUNDLE, __dirname);
  return module.exports;
}

/** Whole or not at all; where nothing can be written, nothing is kept. */
function keep(script, file) {
  const unfinished = `${file}.${process.pid}`;
  try {
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(unfinished, script.createCachedData());
    renameSync(unfinished, file);
  } catch {
    // The next process compiles as this one did.
  }
}
