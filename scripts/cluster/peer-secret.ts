/**
 * The secret that the brokers of one cluster prove to each other, where nobody has chosen one: made by
 * whoever comes first, and kept in a file that only its owner reads, so that restarts and later brokers
 * have the same.
 */
import { randomBytes, randomUUID } from 'node:crypto';
import { linkSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { types } from 'node:util';

const SECRET_BYTES = 32;

function newSecret(): string {
  return randomBytes(SECRET_BYTES).toString('base64url');
}

/** The secret in `file`, which is made when it is missing. Several processes may ask at once: they get the same. */
export function sharedSecret(file: string): string {
  const draft = `${file}.${randomUUID()}`;
  try {
    writeFileSync(draft, `${newSecret()}\n`, { mode: 0o600, flush: true });
    // A link appears with its content, and for one of them only.
    linkSync(draft, file);
  } catch (error) {
    if (!(types.isNativeError(error) && 'code' in error && error.code === 'EEXIST')) throw error;
  } finally {
    rmSync(draft, { force: true });
  }
  const secret = readFileSync(file, 'utf8').trim();
  if (secret === '') throw new Error(`${file} is to hold the secret of the brokers, and is empty`);
  return secret;
}
