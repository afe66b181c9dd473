/**
 * A user's SCRAM credential as it stands in ZooKeeper, below /config/users: the text is Kafka's to the byte,
 * so that either may use what the other has written.
 * Source: ScramCredentialUtils, ScramFormatter.secureRandomString.
 */
import type { Random } from '../../platform/random.ts';
import { type ScramKeys, type ScramMechanism, saltedPassword, scramKeys } from './scram-formula.ts';

export interface ScramCredential extends ScramKeys {
  readonly salt: Buffer;
  readonly iterations: number;
}

/** `salt=…,stored_key=…,server_key=…,iterations=…` */
export function scramCredentialText({ salt, storedKey, serverKey, iterations }: ScramCredential): string {
  const [saltText, storedText, serverText] = [salt, storedKey, serverKey].map((bytes) =>
    bytes.toString('base64'),
  );
  return `salt=${saltText},stored_key=${storedText},server_key=${serverText},iterations=${iterations}`;
}

/** null for what Kafka would not take for a credential. */
export function parseScramCredential(text: string): ScramCredential | null {
  const fields = new Map<string, string>();
  for (const token of text.split(',')) {
    const at = token.indexOf('=');
    if (at < 1) return null;
    fields.set(token.slice(0, at), token.slice(at + 1));
  }
  const [salt, storedKey, serverKey] = ['salt', 'stored_key', 'server_key'].map((name) =>
    base64(fields.get(name)),
  );
  const iterations = fields.get('iterations') ?? '';
  if (!salt || !storedKey || !serverKey || !/^\d{1,9}$/.test(iterations) || fields.size !== 4) return null;
  return { salt, storedKey, serverKey, iterations: Number(iterations) };
}

/** Of a password, with a salt of its own. */
export async function newScramCredential(
  mechanism: ScramMechanism,
  password: string,
  iterations: number,
  random: Random,
): Promise<ScramCredential> {
  const salt = Buffer.from(scramNonce(random));
  const salted = await saltedPassword(mechanism, password, salt, iterations);
  return { salt, iterations, ...scramKeys(mechanism, salted) };
}

/** 130 bits of chance in letters and digits: Kafka's nonces, which it makes salts of as well. */
export function scramNonce(random: Random): string {
  const bytes = random.bytes(17);
  return (BigInt(`0x${bytes.toString('hex')}`) >> 6n).toString(36);
}

function base64(text: string | undefined): Buffer | null {
  if (text === undefined || !/^(?:[a-zA-Z0-9/+]{4})*(?:[a-zA-Z0-9/+]{3}=|[a-zA-Z0-9/+]{2}==)?$/.test(text)) {
    return null;
  }
  return Buffer.from(text, 'base64');
}
