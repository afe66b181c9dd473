/** What running the examples in a checkout leaves behind does not come along in the package. */
import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, expect, it } from 'vitest';

const ROOT = join(import.meta.dirname, '..', '..');
const EXAMPLES = 'test/kit/examples';
const LEFT_BEHIND = [
  'rust/target',
  'java/classes',
  'python/__pycache__',
  'python/.pytest_cache',
  'jest/node_modules',
];
const directory = mkdtempSync(join(tmpdir(), 'odradek-packed-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

async function packedFiles(): Promise<string[]> {
  const words = ['pack', '--dry-run', '--ignore-scripts', '--json'];
  const { stdout } = await promisify(execFile)('npm', words, { cwd: directory });
  const [tarball] = JSON.parse(stdout) as { files: { path: string }[] }[];
  return (tarball?.files ?? []).map(({ path }) => path).sort();
}

it('the package holds the examples, and nothing that their tools make', async () => {
  cpSync(join(ROOT, 'package.json'), join(directory, 'package.json'));
  // Only the sources: what this checkout has been used for is no matter of the test.
  for (const file of ['go/go.mod', 'python/conftest.py', 'rust/src/lib.rs', 'jest/orders.test.cjs'])
    cpSync(join(ROOT, EXAMPLES, file), join(directory, EXAMPLES, file));
  const clean = await packedFiles();
  expect(clean).toContain(`${EXAMPLES}/rust/src/lib.rs`);
  for (const made of LEFT_BEHIND) {
    const deep = join(directory, EXAMPLES, made, 'deep');
    mkdirSync(deep, { recursive: true });
    for (const file of ['top.js', join('deep', 'file.bin')]) writeFileSync(join(deep, '..', file), 'made');
  }
  expect(await packedFiles()).toEqual(clean);
});
