/**
 * The security of a test cluster: certificates and passwords that are made for it, what brokers are told of
 * them, and the users and rules that lie in the tree before the first broker starts.
 */
import { randomBytes } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { systemRandom } from '../../broker/platform/random.ts';
import { plainClient } from '../../broker/security/sasl/plain.ts';
import { newScramCredential, scramCredentialText } from '../../broker/security/sasl/scram-credential.ts';
import { MIN_SCRAM_ITERATIONS, SCRAM_MECHANISMS } from '../../broker/security/sasl/scram-formula.ts';
import { ANY_VERSION, type Coordinator } from '../../coordinator-client/coordinator.ts';
import { ensurePaths } from '../../coordinator-client/stores/paths.ts';
import { configZnode } from '../../coordinator-client/znodes/config-znodes.ts';
import { createAuthority, issue } from '../../scripts/cli/certs/authority.ts';
import type { ClientSecurity } from '../../scripts/cli/client-security.ts';
import { type RulesOfResource, storedRules } from './acl-rules.ts';
import { resetRules } from './reset.ts';
import { type SecurityOptions, type SecurityProtocol, SUPER_USER } from './security-options.ts';

/** What clients need. */
export interface KitSecurity {
  readonly protocol: SecurityProtocol;
  readonly mechanisms: readonly string[];
  /** In PEM, the authority whose certificates the brokers show; null without TLS. */
  readonly ca: string | null;
  /** The same as a file, which is there until close(). */
  readonly caFile: string | null;
  /** Who may do everything. */
  readonly superUser: { readonly username: string; readonly password: string };
  /** Passwords by name. */
  readonly users: Readonly<Record<string, string>>;
}

/** What the cluster itself needs besides. */
export interface Secured {
  readonly told: KitSecurity;
  /** For every broker, of the listeners of these names. */
  properties(listeners: readonly string[]): Record<string, string>;
  /** How the kit's own client gets in. */
  readonly own: ClientSecurity;
  /** What is stored of users when nobody has changed it, and of rules. */
  readonly users: ReadonlyMap<string, ReadonlyMap<string, string>>;
  readonly rules: readonly RulesOfResource[];
}

const MODULES = 'org.apache.kafka.common.security';
const DAY_MS = 86_400_000;
/** Longer than any test. */
const VALID_DAYS = 30;
const HOSTS = ['localhost', '127.0.0.1', '::1'];

export async function makeSecurity(options: SecurityOptions, directory: string): Promise<Secured> {
  const { users = {}, acls, protocol = 'SASL_SSL' } = options;
  const superUser = { username: SUPER_USER, password: randomBytes(18).toString('base64url') };
  const passwords = { [superUser.username]: superUser.password, ...users };
  const hasTls = protocol === 'SASL_SSL';
  const [certificates, credentials] = await Promise.all([
    hasTls ? makeCertificates() : null,
    Promise.all(
      Object.entries(passwords).map(async ([name, password]) => [name, await scramOf(password)] as const),
    ),
  ]);
  const caFile = certificates === null ? null : join(directory, 'ca.pem');
  if (certificates !== null && caFile !== null) {
    mkdirSync(directory, { recursive: true });
    writeFileSync(caFile, certificates.ca);
  }
  const ca = certificates?.ca ?? null;
  const mechanisms = ['PLAIN', ...SCRAM_MECHANISMS];
  const { username, password } = superUser;
  return {
    told: { protocol, mechanisms, ca, caFile, superUser, users },
    own: {
      tls: ca === null ? null : { ...TLS, trusted: [ca] },
      login: { mechanism: 'PLAIN', user: username, password },
      sasl: plainClient(username, password),
    },
    users: new Map(credentials),
    rules: storedRules(acls ?? []),
    properties: (listeners) => ({
      'sasl.enabled.mechanisms': mechanisms.join(','),
      'super.users': `User:${SUPER_USER}`,
      ...(acls === undefined ? {} : { 'authorizer.class.name': 'kafka.security.authorizer.AclAuthorizer' }),
      ...certificates?.properties,
      ...Object.assign({}, ...listeners.map((name) => loginsOf(name, passwords))),
    }),
  };
}

const TLS = {
  identity: null,
  minVersion: 'TLSv1.2',
  maxVersion: 'TLSv1.3',
  ciphers: null,
  verifiesHost: true,
} as const;

async function makeCertificates(): Promise<{ ca: string; properties: Record<string, string> }> {
  const now = Date.now();
  const validity = { from: new Date(now - DAY_MS), to: new Date(now + VALID_DAYS * DAY_MS) };
  const authority = await createAuthority('Odradek test authority', validity);
  const { certificate, key } = await issue(authority, { commonName: 'broker', hosts: HOSTS, validity });
  return {
    ca: authority.certificate,
    properties: {
      'ssl.keystore.type': 'PEM',
      'ssl.keystore.certificate.chain': certificate,
      'ssl.keystore.key': key,
      // Brokers prove themselves to each other by the same certificates.
      'ssl.truststore.type': 'PEM',
      'ssl.truststore.certificates': authority.certificate,
    },
  };
}

/** Credentials of both SCRAM mechanisms as ZooKeeper has them; PLAIN is in the brokers' configs. */
async function scramOf(password: string): Promise<ReadonlyMap<string, string>> {
  const texts = SCRAM_MECHANISMS.map(async (mechanism) => {
    const made = await newScramCredential(mechanism, password, MIN_SCRAM_ITERATIONS, systemRandom);
    return [mechanism, scramCredentialText(made)] as const;
  });
  return new Map(await Promise.all(texts));
}

function loginsOf(listener: string, passwords: Readonly<Record<string, string>>): Record<string, string> {
  const prefix = `listener.name.${listener.toLowerCase()}`;
  const quoted = (text: string): string => `"${text.replaceAll(/["\\]/g, String.raw`\$&`)}"`;
  const users = Object.entries(passwords).map(([name, password]) => `user_${name}=${quoted(password)}`);
  const scram = `${MODULES}.scram.ScramLoginModule required;`;
  return {
    [`${prefix}.plain.sasl.jaas.config`]: `${MODULES}.plain.PlainLoginModule required ${users.join(' ')};`,
    ...Object.fromEntries(
      SCRAM_MECHANISMS.map((each) => [`${prefix}.${each.toLowerCase()}.sasl.jaas.config`, scram]),
    ),
  };
}

/** Before any broker runs: who starts reads them. */
export async function storeSecurity(coordinator: Coordinator, { users, rules }: Secured): Promise<void> {
  await ensurePaths(coordinator, [configZnode.typePath('users')]);
  for (const [name, config] of users) {
    const path = configZnode.path('users', name);
    const data = configZnode.encode(config, null);
    const made = await coordinator.commit([{ op: 'create', path, data, lifetime: 'persistent' }]);
    // In a directory of its own the cluster has been here before.
    if (!made.ok) await coordinator.commit([{ op: 'put', path, data, version: ANY_VERSION }]);
  }
  await resetRules(coordinator, rules);
}
