/**
 * What is wrong with the Node that runs the package, in one line, or null. Read before anything else of
 * it, so this file is written in a language that every Node of the last ten years understands.
 * The line is zstd in node:zlib, which came with 22.15 and 23.8.
 */
'use strict';

const version = process.versions.node.split('.').map(Number);
const major = version[0];
const minor = version[1];
const isNewEnough = major > 23 || (major === 23 && minor >= 8) || (major === 22 && minor >= 15);

exports.problem = isNewEnough
  ? null
  : `odradek needs Node 22.15 or newer (of 23: 23.8 or newer); this is v${process.versions.node}`;

/** For a library: whoever loads it gets the line as an error. */
exports.check = function check() {
  if (exports.problem !== null) throw new Error(exports.problem);
};
