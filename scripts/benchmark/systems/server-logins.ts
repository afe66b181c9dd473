/** A listener of users, the same for both systems: they log in by their names, and nothing is encrypted. */
import type { SecondListener } from './systems.ts';

/** What a client needs besides addresses, by user. */
export interface ServerLogins extends SecondListener {
  readonly clientConfigs: Readonly<Record<string, Readonly<Record<string, string>>>>;
}

const MODULE = 'org.apache.kafka.common.security.plain.PlainLoginModule';

/** Each user's password is its name. */
export function makeServerLogins(users: readonly string[]): ServerLogins {
  const passwords = users.map((user) => `user_${user}="${user}"`).join(' ');
  return {
    protocol: 'SASL_PLAINTEXT',
    properties: {
      'sasl.enabled.mechanisms': 'PLAIN',
      'listener.name.sasl_plaintext.plain.sasl.jaas.config': `${MODULE} required ${passwords};`,
    },
    clientConfigs: Object.fromEntries(
      users.map((user) => [
        user,
        {
          'security.protocol': 'sasl_plaintext',
          'sasl.mechanisms': 'PLAIN',
          'sasl.username': user,
          'sasl.password': user,
        },
      ]),
    ),
  };
}
