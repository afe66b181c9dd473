/** A console as a process beside a broker that asks who one is, and what a browser says to it. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { request } from 'node:http';
import { join } from 'node:path';
import type { SecureBroker } from '../interop/secure-broker.ts';
import { eventually } from '../support/eventually.ts';

/** The program of all commands. */
export const MAIN = join(import.meta.dirname, '..', '..', 'scripts', 'cli', 'main.ts');
/** What the console's own page sends along. */
export const PAGE = { 'x-odradek-console': 'test' };

const START_LIMIT_MS = 60_000;

export interface ConsoleProcess {
  /** With a slash at its end. */
  readonly url: string;
  readonly printed: () => string;
  end(): Promise<void>;
}

/** Resolves when it listens; it comes to the broker by this listener, with these lines as its properties. */
export async function startConsole(
  broker: SecureBroker,
  listener: 'SASL_PLAINTEXT' | 'SASL_SSL',
  lines: Readonly<Record<string, string>>,
  options: readonly string[] = [],
): Promise<ConsoleProcess> {
  const properties = broker.clientProperties('console.properties', {
    'security.protocol': listener,
    ...lines,
  });
  const where = ['--bootstrap-server', broker.at(listener), '--command-config', properties];
  const child = spawn(process.execPath, [MAIN, 'console', ...where, '--port', '0', ...options], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let printed = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (part) => {
      printed += part;
    });
  const isRunning = (): boolean => child.exitCode === null && child.signalCode === null;
  const end = async (): Promise<void> => {
    if (isRunning() && child.kill()) await once(child, 'exit');
  };
  const at = (): string | undefined => /console at (\S+);/.exec(printed)?.[1];
  try {
    await eventually('the console listens', () => at() !== undefined || !isRunning(), START_LIMIT_MS);
    const url = at();
    if (url === undefined) throw new Error(`the console has ended: ${printed}`);
    return { url, printed: () => printed, end };
  } catch (error) {
    await end();
    throw error;
  }
}

export interface Answer {
  readonly status: number;
  readonly cookies: readonly string[];
  readonly body: string;
}

/** A question to the console; a POST if it has a body. By node:http, which sends whatever headers it is told to. */
export function send(url: string, headers: Record<string, string> = {}, body?: object): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const method = body === undefined ? 'GET' : 'POST';
    const sent = request(url, { method, headers }, async (response) => {
      const parts = await response.toArray();
      const { statusCode = 0, headers: answered } = response;
      const cookies = answered['set-cookie'] ?? [];
      resolve({ status: statusCode, cookies, body: Buffer.concat(parts).toString() });
    });
    sent.once('error', reject);
    sent.end(body === undefined ? undefined : JSON.stringify(body));
  });
}

export function logIn(url: string, user: string, password: string): Promise<Answer> {
  return send(`${url}api/log-in`, PAGE, { user, password });
}

/** What a browser shows that was let in. */
export function cookieOf({ cookies }: Answer): string {
  return cookies[0]?.split(';')[0] ?? '';
}
