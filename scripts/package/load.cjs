/**
 * Opens the doors of the bundle. Where the package's code cache is from this very Node, V8 takes its compiled
 * code from there, with that of the functions that a starting cluster calls; anywhere else, and where a test
 * runner gives each test a global of its own (jest), the bundle is loaded as any file.
 */
'use strict';

const { readFileSync } = require('node:fs');
const { join } = require('node:path');
const { constants, runInThisContext, Script } = require('node:vm');

const BUNDLE = join(__dirname, 'bundle.js');
/** A cache of another Node would be refused after the bundle had been compiled, in vain for NODE_COMPILE_CACHE. */
const { version, platform, arch } = process;
exports.CACHE_FILE = `bundle-${version}-${platform}-${arch}.cache`;

let bundle = null;

/** What is behind the door of this name. */
exports.open = function open(name) {
  bundle ??= run(cached() ?? require('./bundle.js'));
  return bundle[name]();
};

/** V8 refuses what was cached by another version, or with other flags, and compiles. */
exports.compile = compile;
function compile(cachedData) {
  // Nothing but ASCII is in it, which this reads fastest.
  const source = readFileSync(BUNDLE, 'latin1');
  const importModuleDynamically = constants.USE_MAIN_CONTEXT_DEFAULT_LOADER;
  return new Script(source, { filename: BUNDLE, cachedData, importModuleDynamically });
}

/** What the bundle exports; it is a function of what a module of CommonJS is given. */
exports.run = run;
function run(wrapped) {
  const module = { exports: {} };
  wrapped(module.exports, require, module, BUNDLE, __dirname);
  return module.exports;
}

/** The bundle's function; null: there is nothing cached for this Node. */
function cached() {
  if (runInThisContext('globalThis') !== globalThis) return null;
  let data;
  try {
    data = readFileSync(join(__dirname, exports.CACHE_FILE));
  } catch {
    return null;
  }
  return compile(data).runInThisContext();
}
