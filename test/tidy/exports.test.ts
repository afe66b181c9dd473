/** What is exported is used, and means one thing: no dead code, no dead files, no name twice. */
import { describe, expect, it } from 'vitest';
import {
  exportedNames,
  FILES,
  importedNames,
  importsOf,
  judged,
  PRODUCT,
  SOURCES,
  textOf,
} from './sources.ts';

/** What other projects import (package.json): their names are for them. */
const PUBLIC = new Set([
  'broker/broker.ts',
  'coordinator-client/coordinator.ts',
  'test/kit/cluster.ts',
  'test/kit/vitest-setup.ts',
  'scripts/package/odradek.ts',
  // What the image's own program opens of the bundle (scripts/docker/container.cjs).
  'scripts/docker/entrypoint.ts',
  'scripts/docker/health.ts',
]);

/** Used by nobody, and yet not to be taken away. */
const UNUSED: Readonly<Record<string, string>> = {
  'coordinator-client/embedded/server.ts runEmbedded': 'the server as a program, for who has no scripts/',
  'broker/protocol/schema.ts Api': 'the declarations of every message name it',
  'broker/faults/fault-kind.ts Limits': 'the declarations of the package name it',
  'test/package/programs.ts all': 'stands in the text of a program',
  'scripts/benchmark/micro/measure.ts keptCalls': 'read by nobody but V8, which can not know that',
};
/** Used by tests alone, and exported for them. */
const ONLY_FOR_TESTS: Readonly<Record<string, string>> = {
  'broker/config/property.ts camelCase':
    'the test that holds every dynamic config to Live reads sources by it',
  'broker/config/without-effect.ts isRefused':
    'the table itself is compared: with Kafka, and with what is read',
  'broker/faults/request-faults-by-name.ts servedApi': 'for the test kit, which other projects import',
  'broker/controller/decide-reassignment.ts originReplicas': 'a decision, tested as one',
  'broker/controller/election-events.ts decideRebalance': 'a decision, tested as one',
  'broker/handlers/shared/before-metadata.ts RULES_BEFORE_METADATA': 'held against the table of handlers',
  'broker/log/append.ts UnexpectedAppendOffset': 'the error of a follower whose leader sends a gap',
  'broker/platform/faulty/faulty.ts faulty': 'for the test kit, which other projects import',
  'broker/protocol/header.ts requestHeaderVersion': 'for frames that are put together by hand',
  'broker/security/tls/java-stores.ts javaStoresBy': 'a thread for each of many stores takes long',
  'broker/records/crc32c.ts crc32cInScript': 'compared with the native one, for machines that lack that',
  'broker/replication/stream/follower.ts fetcherOf': "which stream a partition falls into: Kafka's formula",
  'coordinator-client/embedded/file-lock.ts tryLockFileWith': 'the lock without the native module',
  'scripts/benchmark/clients/tools.ts consumed': "what Kafka's tool printed, read",
  'scripts/bonus/ledger.ts balance': 'how the payments are counted',
};

/** Who imports which name: the files for `file#name`. */
const USERS = new Map<string, Set<string>>();
for (const file of SOURCES) {
  for (const imported of importedNames(file)) {
    const key = `${imported.file}#${imported.name}`;
    USERS.set(key, (USERS.get(key) ?? new Set()).add(file));
  }
}

function usersOf(file: string, name: string): string[] {
  return [...(USERS.get(`${file}#${name}`) ?? []), ...(USERS.get(`${file}#*`) ?? [])];
}

function isType(file: string, name: string): boolean {
  return new RegExp(`^export (?:declare )?(?:interface|type) ${name}\\b`, 'm').test(textOf(file));
}

describe('exports', () => {
  const exported = SOURCES.filter((file) => !PUBLIC.has(file)).flatMap((file) =>
    exportedNames(file).map((name) => ({ file, name, users: usersOf(file, name) })),
  );

  it('are used by another file: what is not is no export, and perhaps nothing at all', () => {
    const found = exported.filter(({ users }) => users.length === 0);
    expect(
      judged(
        found.map(({ file, name }) => `${file} ${name}`),
        UNUSED,
      ),
    ).toEqual([]);
  });

  it('of the product and the scripts are used by more than tests; but a test may name a type', () => {
    const found = exported.filter(
      ({ file, name, users }) =>
        !file.startsWith('test/') &&
        users.length > 0 &&
        users.every((user) => user.startsWith('test/')) &&
        !isType(file, name),
    );
    expect(
      judged(
        found.map(({ file, name }) => `${file} ${name}`),
        ONLY_FOR_TESTS,
      ),
    ).toEqual([]);
  });

  it('of broker/ have names of their own', () => {
    const files = new Map<string, string[]>();
    for (const file of PRODUCT.filter((name) => name.startsWith('broker/'))) {
      for (const name of new Set(exportedNames(file))) files.set(name, [...(files.get(name) ?? []), file]);
    }
    const doubled = [...files].filter(([, where]) => where.length > 1);
    expect(judged(doubled.map(([name, where]) => `${name}: ${where.join(', ')}`))).toEqual([]);
  });
});

it('no file is dead: it is a test, or another one imports it or names it as a program', () => {
  const imported = new Set(SOURCES.flatMap(importsOf));
  const notImported = SOURCES.filter(
    (file) => !imported.has(file) && !file.endsWith('.test.ts') && !file.endsWith('.d.ts'),
  );
  const programs = FILES.filter((file) => !file.endsWith('.md'));
  const dead = notImported.filter((file) => {
    const name = file.split('/').at(-1) ?? '';
    return !programs.some((other) => other !== file && textOf(other).includes(name));
  });
  expect(judged(dead)).toEqual([]);
});
