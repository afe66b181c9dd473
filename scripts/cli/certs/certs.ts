/**
 * `odradek certs`: an authority, a certificate for brokers and one for each client, in one command, for
 * tests and demonstrations. With the files goes what to write into server.properties and client.properties.
 */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { type Arguments, type CommandSpec, UsageError } from '../arguments.ts';
import { print } from '../output.ts';
import { type CertificateAndKey, createAuthority, issue } from './authority.ts';

const DAY_MS = 86_400_000;
/** Nobody but the owner reads a key. */
const SECRET = 0o600;

export const certsCommand: CommandSpec = {
  name: 'certs',
  summary: 'Makes an authority and certificates for brokers and clients, for tests and demonstrations.',
  options: [
    { name: 'out', value: 'DIR', help: 'where to; made if it is not there', required: true },
    {
      name: 'host',
      value: 'NAME',
      help: 'what brokers are reached as; may be repeated (default localhost, 127.0.0.1, ::1)',
      repeats: true,
    },
    {
      name: 'client',
      value: 'NAME',
      help: 'a certificate of User:CN=NAME,O=Odradek; may be repeated',
      repeats: true,
    },
    {
      name: 'days',
      value: 'N',
      help: 'how long they are good',
      kind: 'integer',
      min: 1,
      max: 3650,
      fallback: '365',
    },
  ],
  notes:
    'Files: ca.pem (trusted by both), broker.pem, NAME.pem (key and certificate: PEM key stores), ca.key.',
  run,
};

async function run(given: Arguments): Promise<number> {
  const directory = resolve(given.needText('out'));
  const clients = given.all('client');
  for (const name of clients) {
    if (!/^[\w.-]+$/.test(name) || ['ca', 'broker'].includes(name))
      throw new UsageError(`--client takes a name of letters, digits, dots and dashes, not '${name}'`);
  }
  const files = ['ca.pem', 'ca.key', 'broker.pem', ...clients.map((name) => `${name}.pem`)];
  const taken = files.find((file) => existsSync(join(directory, file)));
  if (taken !== undefined) throw new UsageError(`--out ${directory}: ${taken} is there already`);
  const hosts = given.all('host').length > 0 ? given.all('host') : ['localhost', '127.0.0.1', '::1'];
  const now = Date.now();
  const validity = { from: new Date(now - DAY_MS), to: new Date(now + given.needInteger('days') * DAY_MS) };
  const authority = await createAuthority('Odradek test authority', validity);
  mkdirSync(directory, { recursive: true });
  writeFileSync(join(directory, 'ca.pem'), authority.certificate);
  writeFileSync(join(directory, 'ca.key'), authority.key, { mode: SECRET });
  write(directory, 'broker', await issue(authority, { commonName: 'broker', hosts, validity }));
  for (const name of clients) {
    write(directory, name, await issue(authority, { commonName: name, hosts: [], validity }));
  }
  await print(advice(directory, clients[0] ?? null));
  return 0;
}

function write(directory: string, name: string, { certificate, key }: CertificateAndKey): void {
  writeFileSync(join(directory, `${name}.pem`), key + certificate, { mode: SECRET });
}

function advice(directory: string, client: string | null): string {
  const own = (name: string) =>
    `ssl.keystore.type=PEM\nssl.keystore.location=${join(directory, `${name}.pem`)}\n`;
  const trust = `ssl.truststore.type=PEM\nssl.truststore.location=${join(directory, 'ca.pem')}\n`;
  return [
    '# server.properties',
    `${own('broker')}${trust}`,
    '# client.properties',
    `security.protocol=SSL\n${trust}${client === null ? '' : own(client)}`.trimEnd(),
  ].join('\n');
}
