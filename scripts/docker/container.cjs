/** What the image's Node runs: a part of the package's bundle, by its name, with the words after it. */
'use strict';

require('node:module').enableCompileCache('/opt/odradek/.compile-cache');
const bundle = require('/opt/odradek/node_modules/odradek/dist/bundle.js');
const [part, ...words] = process.argv.slice(2);
if (part === 'health') bundle.health().checkHealth();
else bundle.container().runInContainer(words);
