/** What makes a real ZooKeeper server take TLS on a second port, and logins by SASL DIGEST-MD5. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

export interface EnsembleSecurity {
  /** On the loopback interface; of an ensemble of one server. */
  readonly port: number;
  /** Key and certificate in PEM, and the authority's. */
  readonly shown: string;
  readonly trusted: string;
  /** Passwords by user. */
  readonly users: Readonly<Record<string, string>>;
}

/** What Debian's ZooKeeper needs for TLS, and does not name. */
export const SECURE_JARS = ['/usr/share/java/netty-codec.jar'];

/** The lines of its zoo.cfg. */
export function secureLines(home: string, { port }: EnsembleSecurity): string[] {
  return [
    `secureClientPort=${port}`,
    'secureClientPortAddress=127.0.0.1',
    'serverCnxnFactory=org.apache.zookeeper.server.NettyServerCnxnFactory',
    `ssl.keyStore.location=${join(home, 'shown.pem')}`,
    `ssl.trustStore.location=${join(home, 'trusted.pem')}`,
    'ssl.clientAuth=want',
    'authProvider.1=org.apache.zookeeper.server.auth.SASLAuthenticationProvider',
  ];
}

/** The option of its JVM that names the users; the files are written. */
export function secureFlag(home: string, { shown, trusted, users }: EnsembleSecurity): string {
  writeFileSync(join(home, 'shown.pem'), shown);
  writeFileSync(join(home, 'trusted.pem'), trusted);
  const known = Object.entries(users).map(
    ([user, password]) => `  user_${user}="${password.replaceAll('"', '\\"')}"`,
  );
  const module = 'org.apache.zookeeper.server.auth.DigestLoginModule';
  const jaas = join(home, 'jaas');
  writeFileSync(jaas, `Server {\n  ${module} required\n${known.join('\n')};\n};\n`);
  return `-Djava.security.auth.login.config=${jaas}`;
}
