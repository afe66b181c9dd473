/** Who may log in at a test cluster, and what each may do, in plain values. */
import { refuseUnknown } from '../../broker/faults/known-names.ts';
import { type AclRule, checkRule } from './acl-rules.ts';

export interface SecurityOptions {
  /**
   * Passwords by the names of those who can log in, by PLAIN, SCRAM-SHA-256 and SCRAM-SHA-512.
   * `{ alice: 'secret' }`
   */
  readonly users?: Readonly<Record<string, string>>;
  /** With rules, or an empty list of them, what none allows is denied; without everybody may do everything. */
  readonly acls?: readonly AclRule[];
  /** SASL_SSL unless given: TLS with a certificate that is made for this cluster. */
  readonly protocol?: SecurityProtocol;
}

export type SecurityProtocol = 'SASL_SSL' | 'SASL_PLAINTEXT';

/** Everything is allowed to them; the kit itself logs in so. */
export const SUPER_USER = 'admin';

const OPTION_NAMES: Readonly<Record<keyof SecurityOptions, true>> = {
  users: true,
  acls: true,
  protocol: true,
};
const PROTOCOLS: readonly SecurityProtocol[] = ['SASL_SSL', 'SASL_PLAINTEXT'];

/** Throws, with the name that is meant, where something is none. */
export function checkSecurity(options: SecurityOptions): void {
  refuseUnknown(Object.keys(options), Object.keys(OPTION_NAMES), 'option of security');
  const { users = {}, acls = [], protocol = 'SASL_SSL' } = options;
  refuseUnknown([protocol], PROTOCOLS, 'protocol of a secured cluster');
  for (const [name, password] of Object.entries(users)) {
    if (!/^\w[\w.-]*$/.test(name))
      throw new Error(`a user has a name of letters, digits, dots, dashes and underscores, not '${name}'`);
    if (name === SUPER_USER)
      throw new Error(`${SUPER_USER} is the super user, whose password is in cluster.security.superUser`);
    if (typeof password !== 'string' || !/^[\x20-\x7e]+$/.test(password))
      throw new Error(`the password of user ${name} must be of one or more characters of ASCII`);
  }
  for (const rule of acls) checkRule(rule);
}
