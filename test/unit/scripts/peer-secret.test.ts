/** The secret of a cluster whose operator has not chosen one. */
import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { sharedSecret } from '../../../scripts/cluster/peer-secret.ts';

let directory = '';
let file = '';

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'odradek-secret-'));
  file = join(directory, 'peer.secret');
});

afterEach(() => {
  rmSync(directory, { recursive: true });
});

describe('the secret of a cluster', () => {
  it('is made once, for its owner only, and is another for each cluster', () => {
    const secret = sharedSecret(file);
    expect([sharedSecret(file), statSync(file).mode & 0o777, readdirSync(directory)]).toEqual([
      secret,
      0o600,
      ['peer.secret'],
    ]);
    expect(sharedSecret(join(directory, 'other.secret'))).not.toBe(secret);
  });

  it('is the same for processes that ask at the same time', async () => {
    const source = join(import.meta.dirname, '../../../scripts/cluster/peer-secret.ts');
    const program = `import(${JSON.stringify(source)}).then((m) => process.stdout.write(m.sharedSecret(process.argv[1])))`;
    const run = async (): Promise<string> => {
      const { stdout } = await promisify(execFile)(process.execPath, ['-e', program, file]);
      return stdout;
    };
    const secrets = await Promise.all([run(), run(), run()]);
    expect(new Set(secrets).size).toBe(1);
    expect(secrets[0]).toHaveLength(43);
  });

  it('may be written by hand, but not left empty', () => {
    writeFileSync(file, 'of my own\n');
    expect(sharedSecret(file)).toBe('of my own');
    writeFileSync(file, '\n');
    expect(() => sharedSecret(file)).toThrow('is empty');
  });
});
