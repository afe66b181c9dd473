/** The lock file: `npm ci` works on every platform from it, and it names no registry. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

interface Locked {
  readonly version?: string;
  readonly integrity?: string;
  readonly resolved?: string;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

const ROOT = join(import.meta.dirname, '..', '..', '..');
const packages = new Map<string, Locked>(
  Object.entries(JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8')).packages),
);

/** Where a package's dependency is: below it, below one that it lies in, or at the top. */
function dependencyOf(path: string, name: string): Locked | undefined {
  let above = path;
  for (;;) {
    const found = packages.get(`${above === '' ? '' : `${above}/`}node_modules/${name}`);
    if (found !== undefined || above === '') return found;
    above = above.slice(0, Math.max(0, above.lastIndexOf('node_modules/') - 1));
  }
}

describe('package-lock.json', () => {
  it('lists every dependency of every package, also those of other platforms', () => {
    const missing = [...packages].flatMap(([path, { dependencies = {}, optionalDependencies = {} }]) =>
      Object.keys({ ...dependencies, ...optionalDependencies })
        .filter((name) => dependencyOf(path, name) === undefined)
        .map((name) => `${path} needs ${name}`),
    );
    expect(missing).toEqual([]);
  });

  it('has version and integrity of each', () => {
    const lacking = [...packages].filter(
      ([path, { version, integrity }]) =>
        path !== '' && (version === undefined || integrity?.startsWith('sha512-') !== true),
    );
    expect(lacking).toEqual([]);
  });

  it('names no registry', () => {
    expect([...packages].filter(([, { resolved }]) => resolved !== undefined)).toEqual([]);
    expect(readFileSync(join(ROOT, '.npmrc'), 'utf8')).toContain('omit-lockfile-registry-resolved=true');
  });
});
