/**
 * A start that fails leaves nothing: whichever stage it comes to, it is over in one line, no port is taken, no
 * directory is left, and nothing keeps the process alive. All are tried in one process of their own.
 */
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freePort } from '../../scripts/cluster/ports.ts';
import type { BrokerOptions } from '../../scripts/package/odradek.ts';
import type { KitOptions } from './cluster.ts';

const MODULES = {
  startCluster: join(import.meta.dirname, 'cluster.ts'),
  startBroker: join(import.meta.dirname, '..', '..', 'scripts', 'package', 'odradek.ts'),
};
const TIMEOUT_MS = 120_000;

interface Attempt {
  readonly call: keyof typeof MODULES;
  readonly options: object;
  /** What its temporary directory is. */
  readonly temporary: string;
}

interface Outcome {
  readonly message: string;
  /** What would keep the process alive. */
  readonly open: readonly string[];
}

/** Requests to the file system end by themselves: modules are loaded late. */
const PROGRAM = `
  const outcomes = [];
  for (const { call, options, temporary } of JSON.parse(process.env.ATTEMPTS)) {
    process.env.TMPDIR = temporary;
    const { [call]: start } = await import(JSON.parse(process.env.MODULES)[call]);
    const message = await start(options).then(() => 'it started', (error) => error.message);
    const open = process.getActiveResourcesInfo().filter((name) => !/TTY|Pipe|FSReqCallback/.test(name));
    outcomes.push({ message, open });
  }
  process.stdout.write(JSON.stringify(outcomes), () => process.exit());
`;

async function outcomesOf(attempts: readonly Attempt[]): Promise<Outcome[]> {
  const ATTEMPTS = JSON.stringify(attempts);
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', PROGRAM], {
    env: { ...process.env, ATTEMPTS, MODULES: JSON.stringify(MODULES) },
    timeout: TIMEOUT_MS,
  });
  return JSON.parse(stdout) as Outcome[];
}

const scratch = mkdtempSync(join(tmpdir(), 'odradek-failed-'));
let taken: Server;
let takenPort: number;

afterAll(() => {
  taken.close();
  rmSync(scratch, { recursive: true });
});

function empty(): string {
  return mkdtempSync(join(scratch, 'tmp-'));
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer().listen(port, '127.0.0.1');
  const isBound = await once(server, 'listening').then(
    () => true,
    () => false,
  );
  server.close();
  return isBound;
}

/** A directory in which something stands in the way. */
function directoryWith(obstruct: (directory: string) => void): string {
  const directory = empty();
  obstruct(directory);
  return directory;
}

const ofAnother = (directory: string): void => {
  mkdirSync(join(directory, 'broker-2'));
  const meta = 'version=0\nbroker.id=2\ncluster.id=AAAAAAAAAAAAAAAAAAAAAA\n';
  writeFileSync(join(directory, 'broker-2', 'meta.properties'), meta);
};

type Given<Options> = readonly [
  why: string,
  options: () => Options | Promise<Options>,
  reason: RegExp,
  temporary?: string,
];

const NOT_THERE = { 'zookeeper.connection.timeout.ms': '500' };
const TOO_MANY = [{ name: 't', replicationFactor: 3 }];

const CLUSTERS: readonly Given<KitOptions>[] = [
  [
    'the port of its tree is taken',
    () => ({ zookeeperPort: takenPort }),
    /^port \d+ is in use: leave zookeeperPort out, or say 0 for a free one$/,
  ],
  [
    'its directory is a file',
    () => ({
      directory: join(
        directoryWith((made) => writeFileSync(join(made, 'file'), '')),
        'file',
      ),
    }),
    /file can't be made a directory of a cluster: (EEXIST|ENOTDIR)/,
  ],
  [
    'what clients are to trust can not be written',
    () => ({ directory: directoryWith((made) => mkdirSync(join(made, 'ca.pem'))), security: {} }),
    /^EISDIR.*ca\.pem/,
  ],
  [
    'its users can not be stored',
    async () => ({ zookeeper: `127.0.0.1:${await freePort()}`, security: { users: { alice: 'secret' } } }),
    /^ZooKeeper at 127\.0\.0\.1:\d+ can't be used: no session within 5000 ms$/,
  ],
  [
    'nobody is at the ensemble',
    async () => ({ zookeeper: `127.0.0.1:${await freePort()}`, properties: NOT_THERE }),
    /^ZooKeeper at 127\.0\.0\.1:\d+ can't be used: no session within 500 ms$/,
  ],
  [
    'nobody is at the ensemble, which only one of its brokers has found out',
    async () => ({
      zookeeper: `127.0.0.1:${await freePort()}`,
      brokers: 2,
      properties: { 'zookeeper.connection.timeout.ms': '3600000' },
      perBroker: { 2: NOT_THERE },
    }),
    /^ZooKeeper at 127\.0\.0\.1:\d+ can't be used: no session within 500 ms$/,
  ],
  [
    'a property has a value that it can not have',
    () => ({ properties: { 'num.partitions': 'many' } }),
    /num\.partitions/,
  ],
  [
    'the last of its brokers finds its port taken',
    async () => ({ brokers: 2, ports: [await freePort(), takenPort] }),
    /^port \d+ is in use: leave ports out, and free ones are taken$/,
  ],
  [
    'one of its brokers has the directory of another cluster',
    () => ({ brokers: 2, directory: directoryWith(ofAnother) }),
    /AAAAAAAAAAAAAAAAAAAAAA/,
  ],
  [
    'a topic can not be made',
    () => ({ brokers: 1, topics: TOO_MANY, security: { acls: [] } }),
    /INVALID_REPLICATION_FACTOR/,
  ],
  [
    'a topic can not be made, in a time of its own',
    () => ({ brokers: 1, topics: TOO_MANY, virtualTime: true }),
    /INVALID_REPLICATION_FACTOR/,
  ],
  ['there is nowhere to put it', () => ({}), /^ENOENT.*nowhere/, join(scratch, 'nowhere')],
];

const BROKERS: readonly Given<NonNullable<BrokerOptions['properties']>>[] = [
  ['there is no such property', () => ({ 'num.partition': '1' }), /is no property of a broker/],
  ['it has a value that can not be', () => ({ 'num.partitions': 'many' }), /num\.partitions/],
  [
    'it is to secure a ZooKeeper that it has not',
    () => ({ 'zookeeper.set.acl': 'true' }),
    /zookeeper\.set\.acl/,
  ],
  ['its port is taken', () => ({ listeners: `PLAINTEXT://127.0.0.1:${takenPort}` }), /EADDRINUSE/],
  ['its directory can not be', () => ({ 'log.dirs': '/dev/null/data' }), /\/dev\/null\/data/],
  [
    'nobody is at the ensemble',
    async () => ({ 'zookeeper.connect': `127.0.0.1:${await freePort()}`, ...NOT_THERE }),
    /^ZooKeeper at 127\.0\.0\.1:\d+ can't be used: no session within 500 ms$/,
  ],
  ['there is nowhere to put it', () => ({}), /^ENOENT.*nowhere/, join(scratch, 'nowhere')],
];

/** The port that the tree of a cluster is to be seen at, in the order of CLUSTERS. */
const treePorts: number[] = [];
let outcomes: Outcome[];
const temporaries: string[] = [];

beforeAll(async () => {
  taken = createServer().listen(0, '127.0.0.1');
  await once(taken, 'listening');
  takenPort = (taken.address() as AddressInfo).port;
  const attempts: Attempt[] = [];
  for (const [, optionsOf, , temporary = empty()] of CLUSTERS) {
    const options = await optionsOf();
    const zookeeperPort = await freePort();
    const isShown = options.zookeeper === undefined;
    attempts.push({
      call: 'startCluster',
      options: isShown ? { zookeeperPort, ...options } : options,
      temporary,
    });
    treePorts.push(zookeeperPort);
  }
  for (const [, propertiesOf, , temporary = empty()] of BROKERS)
    attempts.push({ call: 'startBroker', options: { properties: await propertiesOf() }, temporary });
  temporaries.push(...attempts.map(({ temporary }) => temporary));
  outcomes = await outcomesOf(attempts);
}, TIMEOUT_MS);

/** It failed for this reason, in one line, and nothing is left. */
function expectNothingLeft(index: number, reason: RegExp): void {
  expect(outcomes[index]).toEqual({ message: expect.stringMatching(reason), open: [] });
  expect(outcomes[index]?.message).not.toContain('\n');
  const temporary = temporaries[index] ?? '';
  expect(existsSync(temporary) ? readdirSync(temporary) : []).toEqual([]);
}

describe('nothing is left of a cluster that can not be started because', () => {
  it.each(CLUSTERS.map(([why, , reason], index) => ({ why, reason, index })))(
    '$why',
    async ({ reason, index }) => {
      expectNothingLeft(index, reason);
      expect(await isFree(treePorts[index] ?? 0)).toBe(true);
    },
  );
});

describe('nothing is left of a broker that can not be started because', () => {
  it.each(BROKERS.map(([why, , reason], index) => ({ why, reason, index })))('$why', ({ reason, index }) => {
    expectNothingLeft(CLUSTERS.length + index, reason);
  });
});
