/**
 * Where what V8 has compiled may be kept. V8 runs it as it lies there, and compares it to nothing: it is taken from
 * a place only where nobody can have put it but this user, root, and whoever can change the program itself. A
 * directory that all users share, under a name that can be guessed (Node's own choice), is no such place.
 */
'use strict';

const { mkdirSync, statSync } = require('node:fs');
const { homedir } = require('node:os');
const { dirname, isAbsolute, join } = require('node:path');

const WRITABLE_BY_OTHERS = 0o022;
const PRIVATE = 0o700;

/** Of a file's or a directory's stat. Where users have no numbers (Windows), each has directories of his own. */
function isSafe(found) {
  return isOurs(found) && (process.getuid === undefined || (found.mode & WRITABLE_BY_OTHERS) === 0);
}

function isOurs({ uid }) {
  return process.getuid === undefined || [0, process.getuid(), statSync(__dirname).uid].includes(uid);
}

/** Makes it where it is missing. False: it is not safe, or would lie in what is somebody else's. Throws when it can't be made. */
function isPrepared(directory, mode) {
  const found = statSync(directory, { throwIfNoEntry: false });
  if (found !== undefined) return isSafe(found);
  if (!isOurs(nearestAbove(directory))) return false;
  mkdirSync(dirname(directory), { recursive: true, mode });
  mkdirSync(directory, { mode });
  return true;
}

function nearestAbove(directory) {
  const above = dirname(directory);
  return statSync(above, { throwIfNoEntry: false }) ?? nearestAbove(above);
}

/** Of this user's alone, ready to be written to; null: there is none. */
function ownDirectory() {
  const { XDG_CACHE_HOME: named = '' } = process.env;
  try {
    const base = isAbsolute(named) ? named : join(homedir(), '.cache');
    const directory = join(base, 'odradek', 'compiled');
    return isAbsolute(base) && isPrepared(directory, PRIVATE) ? directory : null;
  } catch {
    return null;
  }
}

module.exports = { isPrepared, isSafe, ownDirectory };
