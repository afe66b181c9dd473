/** Who may know whom: the top level, the floors of broker/, and what stands beside them. */
import { describe, expect, it } from 'vitest';
import { FILES, importsOf, PRODUCT, SOURCES } from './sources.ts';

/** Which floor a folder of broker/ stands on; a file imports its own folder and lower floors only. */
const FLOOR: Readonly<Record<string, number>> = {
  platform: 0,
  records: 1,
  protocol: 1,
  config: 1,
  quotas: 1,
  log: 2,
  metadata: 2,
  security: 2,
  peers: 2,
  replication: 3,
  coordinators: 4,
  controller: 4,
  handlers: 5,
  network: 6,
  http: 6,
  node: 7,
  faults: 8,
};
/** What neighbours of one floor may import of each other, because it holds only words. */
const SHARED_WORDS = new Set([
  'broker/types.ts',
  'broker/cluster.ts',
  'broker/bounded-name.ts',
  'broker/large-map.ts',
  'broker/int64.ts',
  'broker/java-hash.ts',
  'broker/errors.ts',
  'broker/config/topic-config.ts',
]);

/** `from -> to` of the imports that `isWrong`. */
function wrongImports(
  files: readonly string[],
  isWrong: (target: string, file: string) => boolean,
): string[] {
  return files.flatMap((file) =>
    importsOf(file)
      .filter((target) => isWrong(target, file))
      .map((target) => `${file} -> ${target}`),
  );
}

function folderOf(file: string): string {
  return file.split('/')[1] ?? '';
}

it('the top level holds only what the project is made of', () => {
  const allowed = new Set([
    'broker',
    'coordinator-client',
    'scripts',
    'test',
    'docker-compose.yml',
    'package.json',
    'package-lock.json',
    'tsconfig.json',
    'README.md',
    'LICENSE',
    'LICENSE',
  ]);
  const top = new Set(FILES.map((name) => name.split('/')[0] ?? ''));
  expect([...top].filter((name) => !name.startsWith('.') && !allowed.has(name))).toEqual([]);
});

describe('floors', () => {
  const ofBroker = PRODUCT.filter((name) => name.startsWith('broker/'));
  const ofCoordinatorClient = PRODUCT.filter((name) => name.startsWith('coordinator-client/'));

  it('every folder of broker/ has one', () => {
    const folders = new Set(ofBroker.map(folderOf).filter((folder) => !folder.endsWith('.ts')));
    expect([...folders].sort()).toEqual(Object.keys(FLOOR).sort());
  });

  it('a file of broker/ imports its own folder and lower floors only', () => {
    // main.ts, broker.ts and the words that all floors share stand on none.
    const above = (target: string, file: string): boolean => {
      const [from, to] = [folderOf(file), folderOf(target)];
      const floor = FLOOR[from];
      if (floor === undefined || !target.startsWith('broker/') || SHARED_WORDS.has(target)) return false;
      return to !== from && (FLOOR[to] ?? Number.POSITIVE_INFINITY) >= floor;
    };
    expect(wrongImports(ofBroker, above)).toEqual([]);
  });

  it('coordinator-client imports nothing of broker', () => {
    const outside = (target: string): boolean => !target.startsWith('coordinator-client/');
    expect(wrongImports(ofCoordinatorClient, outside)).toEqual([]);
  });

  it('the product imports nothing of scripts or test', () => {
    const outside = (target: string): boolean => /^(test|scripts)\//.test(target);
    expect(wrongImports(PRODUCT, outside)).toEqual([]);
  });

  it('every relative import names a file that exists', () => {
    const known = new Set(FILES);
    expect(wrongImports(SOURCES, (target) => !known.has(target))).toEqual([]);
  });
});
