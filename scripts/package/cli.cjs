#!/usr/bin/env node
/** The package's command, `odradek`. It fetches nothing; a Node that is too old is told in one line, exit status 2. */
'use strict';

const problem = require('./node-version.js').problem;
if (problem !== null) {
  console.error(problem);
  process.exit(2);
}
const { enableCompileCache, getCompileCacheDir } = require('node:module');
const { ownDirectory } = require('./cache-directory.js');
/** Set when the package is made. */
const COMMANDS = ['unbuilt'];

// For packages that lie apart, and as a place for what is compiled of the bundle, also where the package can't be written to.
const directory = getCompileCacheDir() === undefined ? ownDirectory() : null;
if (directory !== null) enableCompileCache(directory);
const words = process.argv.slice(2);
const use = COMMANDS.includes(words[0]) ? `cli-${words[0]}` : 'cli';
require('./load.js').open('cli', use).runCommandLine(words);
