/** The image's ENTRYPOINT: which words are a broker's, which are a program's, and which are ours. */
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';

const ENTRY = join(import.meta.dirname, '..', '..', 'scripts', 'docker', 'entry.sh');
let directory: string;

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'odradek-entry-'));
  for (const name of ['odradek', 'kafka-topics']) {
    writeFileSync(join(directory, name), `#!/bin/bash\necho ${name} "$@"\n`);
    chmodSync(join(directory, name), 0o755);
  }
});
afterAll(() => rmSync(directory, { recursive: true }));

it.each([
  [[], 'odradek'],
  [['broker', '--override', 'a=b'], 'odradek broker --override a=b'],
  [['--override', 'a=b'], 'odradek broker --override a=b'],
  [['--help'], 'odradek --help'],
  [['certs', '--out', 'd'], 'odradek certs --out d'],
  [['users', '--list'], 'odradek users --list'],
  [['kafka-topics', '--list'], 'kafka-topics --list'],
  [['/bin/bash', '-c', 'echo a program'], 'a program'],
])('%j', (words, ran) => {
  const said = execFileSync('/bin/bash', [ENTRY, ...words], {
    env: { PATH: directory },
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  expect(said.trim()).toBe(ran);
});
