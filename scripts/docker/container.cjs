/** What the image's Node runs: a part of the package's bundle, by its name, with the words after it. */
'use strict';

require('node:module').enableCompileCache('/opt/odradek/.compile-cache');
const { open } = require('/opt/odradek/node_modules/odradek/dist/load.js');
const [part, ...words] = process.argv.slice(2);
if (part === 'health') open('health').checkHealth();
else open('container').runInContainer(words);
