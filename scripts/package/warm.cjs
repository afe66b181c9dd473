/**
 * Writes the package's code cache: `node warm.cjs DIST`, when everything else is in DIST. What V8 has
 * compiled by the time that clusters with and without a ZooKeeper server have taken a record is what
 * most programs need at their start.
 */
'use strict';

const { writeFileSync } = require('node:fs');
const { join, resolve } = require('node:path');

const DIST = resolve(process.argv[2]);
const { CACHE_FILE, compile, run } = require(join(DIST, 'load.js'));

const script = compile();
const doors = run(script.runInThisContext());
doors.cli();
const { startCluster } = doors.testkit();

async function warm() {
  for (const options of [{}, { brokers: 1, zookeeperPort: 0 }]) {
    const cluster = await startCluster({ topics: ['t'], ...options });
    await cluster.produce('t', ['one']);
    await cluster.close();
  }
  writeFileSync(join(DIST, CACHE_FILE), script.createCachedData());
}

warm().catch((error) => {
  console.error(error);
  process.exitCode = 1;
});
