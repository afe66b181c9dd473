/**
 * Opens the doors of the bundle. What V8 has compiled of it is kept by the first process that ends by itself,
 * for this very build, this very Node and this very use; later ones take it up, with the functions
 * that a starting cluster calls. It lies in a directory of its own where Node's compile cache is, if that is on, for
 * that knows the bundle before any of its functions is called; else beside other packages' caches
 * (node_modules/.cache/odradek). Where a test runner gives each test a global of its own (jest), the bundle is
 * loaded as any file.
 */
'use strict';

const { hash } = require('node:crypto');
const {
  closeSync,
  fstatSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} = require('node:fs');
const { getCompileCacheDir } = require('node:module');
const { basename, dirname, join } = require('node:path');
const { constants, runInThisContext, Script } = require('node:vm');
const { isPrepared, isSafe } = require('./cache-directory.js');

const BUNDLE = join(__dirname, 'bundle.js');
/** Of the bundle's bytes, set when the package is made: V8 itself compares no more than their number. */
const BUILD = 'unbuilt';
const OURS = 'odradek-';
const { version, platform, arch } = process;
/** Who has lived so long does not mind the moment that it takes to see whether there is more to be kept. */
const LONG_LIFE_S = 5;
/** By so much what is kept has to grow to be written anew. */
const WORTHWHILE = 1.1;
/** Of what is kept, behind it: V8 wants its own at an address that the system aligned. */
const CHECKSUM = 'sha1';
const CHECKSUM_BYTES = 20;
/** Others may read it, as they may the bundle: what root has kept in an image serves whoever runs there. */
const FILE_MODE = 0o644;
const DIRECTORY_MODE = 0o755;

let bundle = null;

/**
 * What is behind the door of this name. `use`: what for, where one door is for much that has little in common.
 * `keeps`: false for who does so little that nobody else is served by what was compiled for it.
 */
exports.open = function open(name, use = name, keeps = true) {
  bundle ??= load(use, keeps);
  return bundle[name]();
};

function load(use, keeps) {
  const directory = cacheDirectory();
  if (directory === null) return run(require('./bundle.js'));
  const file = join(directory, `${OURS}${BUILD}-${use}-${version}-${platform}-${arch}`);
  const known = contentOf(file);
  const script = compile(known);
  const exported = run(script.runInThisContext());
  const taken = script.cachedDataRejected === false ? known.length : 0;
  if (!keeps) return exported;
  process.once('exit', () => {
    if (taken === 0 || process.uptime() > LONG_LIFE_S) keep(script, file, taken);
  });
  return exported;
}

/** null: nothing is to be kept, as this is no installed package, or a context of its own. */
function cacheDirectory() {
  const modules = dirname(dirname(__dirname));
  if (basename(modules) !== 'node_modules' || runInThisContext('globalThis') !== globalThis) return null;
  return join(getCompileCacheDir() ?? join(modules, '.cache'), 'odradek');
}

/** undefined: there is nothing that is whole, and that only those can have written who may. */
function contentOf(file) {
  let opened = null;
  try {
    if (!isSafe(statSync(dirname(file)))) return undefined;
    opened = openSync(file);
    if (!isSafe(fstatSync(opened))) return undefined;
    const content = readFileSync(opened);
    const compiled = content.subarray(0, -CHECKSUM_BYTES);
    return checksumOf(compiled).equals(content.subarray(-CHECKSUM_BYTES)) ? compiled : undefined;
  } catch {
    return undefined;
  } finally {
    if (opened !== null) closeSync(opened);
  }
}

function checksumOf(compiled) {
  return hash(CHECKSUM, compiled, 'buffer');
}

/**
 * V8 refuses what was cached by another version, or with other flags, and compiles. What was damaged since (pages
 * of zeros after the power went) it would run: it reads no more of it than the beginning.
 */
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

/** Whole or not at all; where nothing can be written, nothing is kept. `taken`: bytes of what was taken up. */
function keep(script, file, taken) {
  const directory = dirname(file);
  // Of a name that no other thread of this process gives.
  const unfinished = `${file}.${process.pid}.${process.hrtime.bigint()}`;
  try {
    const compiled = script.createCachedData();
    if (compiled.length < taken * WORTHWHILE || !isPrepared(directory, DIRECTORY_MODE)) return;
    const content = Buffer.concat([compiled, checksumOf(compiled)]);
    writeFileSync(unfinished, content, { flag: 'wx', mode: FILE_MODE });
    renameSync(unfinished, file);
    removeOtherBuilds(directory);
  } catch {
    // The next process compiles as this one did.
    remove(unfinished);
  }
}

function removeOtherBuilds(directory) {
  const others = readdirSync(directory).filter(
    (name) => name.startsWith(OURS) && !name.startsWith(`${OURS}${BUILD}-`),
  );
  for (const name of others) remove(join(directory, name));
}

/** If that can be done: it is in nobody's way. */
function remove(file) {
  try {
    rmSync(file, { force: true });
  } catch {
    // It stays.
  }
}
