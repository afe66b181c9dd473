/** The console over TLS, which is how it is shown to other machines where the cluster asks for logins. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type IncomingMessage, request as requestInClear } from 'node:http';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseCommand } from '../../scripts/cli/arguments.ts';
import type { CertificateAndKey } from '../../scripts/cli/certs/authority.ts';
import { consoleCommand } from '../../scripts/cli/console.ts';
import type { Door } from '../../scripts/console/door.ts';
import { type ConsoleServer, serveConsole } from '../../scripts/console/server.ts';
import { AUTHORITY, BROKER, clientCertificate, serverEnd } from '../unit/platform/tls-ends.ts';

const PAGE = { 'x-odradek-console': 'test' };
/** Lets everybody in who asks, and shows nothing. */
const DOOR: Door = {
  asksForLogin: true,
  readerOf: () => null,
  endOf: () => null,
  logIn: async () => 'an-id',
  logOut() {},
  close() {},
};

function ask(url: string, more: object = {}, body?: string): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const method = body === undefined ? 'GET' : 'POST';
    const sent = request(url, { method, ca: AUTHORITY.certificate, ...more }, (answer) => {
      answer.resume();
      answer.once('end', () => resolve(answer));
    });
    sent.once('error', reject);
    sent.end(body);
  });
}

describe('a console with a certificate', () => {
  let server: ConsoleServer;
  let session: string;
  beforeAll(async () => {
    const files = new Map();
    const end = serverEnd({ clientAuth: 'none' });
    server = await serveConsole(DOOR, { host: '127.0.0.1', port: 0, allowChanges: false, tls: end, files });
    session = `${server.url}api/session`;
  });
  afterAll(() => server?.close());

  it('is at an address of https, and shows it', async () => {
    expect(server.url).toMatch(/^https:\/\/127\.0\.0\.1:\d+\/$/);
    expect((await ask(session)).statusCode).toBe(200);
  });

  it('tells nothing in the clear', async () => {
    const url = session.replace('https:', 'http:');
    await expect(
      new Promise((resolve, reject) => requestInClear(url, resolve).once('error', reject).end()),
    ).rejects.toThrow();
  });

  it('gives cookies that browsers send over TLS only', async () => {
    const { headers } = await ask(
      `${server.url}api/log-in`,
      { headers: PAGE },
      '{"user":"a","password":"b"}',
    );
    expect(headers['set-cookie']?.[0]).toMatch(/=an-id; Path=\/; HttpOnly; SameSite=Strict; Secure$/);
  });

  it('is its own origin, and the same in the clear is not', async () => {
    const origin = server.url.slice(0, -1);
    expect((await ask(session, { headers: { origin } })).statusCode).toBe(200);
    const other = { origin: origin.replace('https:', 'http:') };
    expect((await ask(session, { headers: other })).statusCode).toBe(403);
  });

  it('may want a certificate of whoever comes', async () => {
    const end = serverEnd({ clientAuth: 'required' });
    const options = { host: '127.0.0.1', port: 0, allowChanges: false, tls: end, files: new Map() };
    const strict = await serveConsole(DOOR, options);
    const { certificate, key } = await clientCertificate('alice');
    const url = `${strict.url}api/session`;
    await expect(ask(url)).rejects.toThrow();
    expect((await ask(url, { cert: certificate, key })).statusCode).toBe(200);
    strict.close();
  });
});

describe('odradek console', () => {
  let directory: string;
  const file = (name: string, lines: readonly string[]): string => {
    writeFileSync(join(directory, name), lines.join('\n'));
    return join(directory, name);
  };
  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), 'odradek-console-'));
  });
  afterAll(() => rmSync(directory, { recursive: true }));

  const started = (...words: string[]) =>
    consoleCommand.run(parseCommand(consoleCommand, ['--bootstrap-server=127.0.0.1:1', ...words]));
  /** A certificate to show, in Kafka's configs. */
  const keystore = (name: string, { key, certificate }: CertificateAndKey): string[] => {
    const store = file(`${name}.pem`, [key, certificate]);
    return ['ssl.keystore.type=PEM', `ssl.keystore.location=${store}`];
  };
  const pageConfig = () => file('ssl', keystore('page', BROKER));
  const security = () => `--command-config=${file('client', ['security.protocol=SSL'])}`;

  it('with security is shown to other machines with a certificate only', async () => {
    await expect(started('--host=0.0.0.0', security())).rejects.toThrow('without --ssl-config');
    const good = pageConfig();
    // It goes on to ask the cluster, which is not there.
    await expect(started('--host=0.0.0.0', security(), `--ssl-config=${good}`)).rejects.toThrow(
      '127.0.0.1:1',
    );
  });

  it('stays on this machine where everybody would act as the certificate of its owner', async () => {
    const lines = ['security.protocol=SSL', ...keystore('alice', await clientCertificate('alice'))];
    const client = `--command-config=${file('alice', lines)}`;
    await expect(started('--host=0.0.0.0', client, `--ssl-config=${pageConfig()}`)).rejects.toThrow(
      '--host takes a loopback address with a certificate in --command-config',
    );
    await expect(started(client)).rejects.toThrow('127.0.0.1:1');
  });

  it.each([
    [['ssl.keystore.type=PEM'], 'Missing required configuration ssl.keystore.location'],
    [['ssl.keystore.type=PEM', 'ssl.keystore.location=/nowhere'], 'ENOENT'],
  ])('says what is wrong with --ssl-config: %j', async (lines, complaint) => {
    await expect(started(`--ssl-config=${file('wrong', lines)}`)).rejects.toThrow(complaint);
  });
});
