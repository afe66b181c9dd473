/** What the image's Node runs: a part of the package's bundle, by its name, with the words after it. */
'use strict';

require('node:module').enableCompileCache('/opt/odradek/.compile-cache');
const { open } = require('/opt/odradek/node_modules/odradek/dist/load.js');
const [part, ...words] = process.argv.slice(2);
// Only one start is compiled when the image is made: what that has kept serves this as well, which keeps nothing.
if (part === 'health') open('health', 'container', false).checkHealth();
else open('container').runInContainer(words);
