/** Certificates for listeners with TLS, the same for both systems: an authority of this run, and what it issues. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createAuthority, issue } from '../../cli/certs/authority.ts';
import type { SecondListener } from './systems.ts';

export interface ServerTls extends SecondListener {
  /** Of clients on librdkafka. */
  readonly clientConfigs: Readonly<Record<string, string>>;
}

const VALID_DAYS = 2;
const DAY_MS = 86_400_000;

/** Writes them into the directory. */
export async function makeServerTls(directory: string): Promise<ServerTls> {
  const now = Date.now();
  const validity = { from: new Date(now - DAY_MS), to: new Date(now + VALID_DAYS * DAY_MS) };
  const authority = await createAuthority('bench', validity);
  const wanted = { commonName: 'broker', hosts: ['127.0.0.1', 'localhost'], validity };
  const { key, certificate } = await issue(authority, wanted);
  const trusted = join(directory, 'ca.pem');
  const store = join(directory, 'broker.pem');
  writeFileSync(trusted, authority.certificate);
  writeFileSync(store, key + certificate, { mode: 0o600 });
  return {
    protocol: 'SSL',
    properties: { 'ssl.keystore.type': 'PEM', 'ssl.keystore.location': store },
    clientConfigs: { 'security.protocol': 'ssl', 'ssl.ca.location': trusted },
  };
}
