/**
 * The doors of the package: for each the source that it opens to. `package.json` names the same in
 * `exports`, `build.ts` makes `dist/NAME.js` and the declarations of each.
 */
interface PublicEntry {
  /** `dist/NAME.js`. */
  readonly name: string;
  readonly source: string;
  /** `dist/NAME.mjs` instead: for whoever takes the `default` of CommonJS for one that was meant, as vitest's globalSetup. */
  readonly isModule?: true;
}

/** What programs import. */
export const PUBLIC_ENTRIES: readonly PublicEntry[] = [
  { name: 'odradek', source: 'scripts/package/odradek.ts' },
  { name: 'testkit', source: 'test/kit/cluster.ts' },
  { name: 'testkit-vitest', source: 'test/kit/vitest-setup.ts', isModule: true },
  { name: 'testkit-jest', source: 'test/kit/jest-setup.ts' },
  { name: 'testkit-jest-teardown', source: 'test/kit/jest-teardown.ts' },
];

/** What only the package's own command and the image open. */
export const INNER_ENTRIES: readonly PublicEntry[] = [
  { name: 'cli', source: 'scripts/cli/command-line.ts' },
  { name: 'container', source: 'scripts/docker/entrypoint.ts' },
  { name: 'health', source: 'scripts/docker/health.ts' },
];
