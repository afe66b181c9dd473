/** --command-config: Kafka's client configs, and what is refused of them, in one line. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { Arguments, UsageError } from '../../../scripts/cli/arguments.ts';
import { clientSecurity, PLAINTEXT } from '../../../scripts/cli/client-security.ts';
import { AUTHORITY } from '../platform/tls-ends.ts';

const directory = mkdtempSync(join(tmpdir(), 'odradek-command-config-'));
afterAll(() => rmSync(directory, { recursive: true }));
const MODULE = 'org.apache.kafka.common.security.scram.ScramLoginModule required';

function securityOf(text: string) {
  const file = join(directory, 'client.properties');
  writeFileSync(file, text);
  return clientSecurity(new Arguments(new Map([['command-config', [file]]]), []));
}

describe('--command-config', () => {
  it('left out, or saying nothing of security, is PLAINTEXT', async () => {
    expect(await clientSecurity(new Arguments(new Map(), []))).toEqual(PLAINTEXT);
    expect(await securityOf('bootstrap.servers=x:1\nacks=all\n')).toEqual(PLAINTEXT);
  });

  it('names user and password of a login, and whom to believe', async () => {
    writeFileSync(join(directory, 'ca.pem'), AUTHORITY.certificate);
    const security = await securityOf(
      `security.protocol=SASL_SSL\nsasl.mechanism=SCRAM-SHA-256\nsasl.jaas.config=${MODULE} username="a" password="b";\n` +
        `ssl.truststore.type=PEM\nssl.truststore.location=${join(directory, 'ca.pem')}\n`,
    );
    expect(security.login).toEqual({ mechanism: 'SCRAM-SHA-256', user: 'a', password: 'b' });
    expect(security.sasl?.mechanism).toBe('SCRAM-SHA-256');
    expect(security.tls).toMatchObject({ verifiesHost: true, identity: null });
    expect(security.tls?.trusted).toHaveLength(1);
  });

  it.each([
    ['security.protocol=TLS', 'allowed are PLAINTEXT, SSL, SASL_PLAINTEXT, SASL_SSL'],
    ['security.protocol=SASL_SSL', 'sasl.mechanism is GSSAPI: allowed are PLAIN'],
    ['security.protocol=SASL_PLAINTEXT\nsasl.mechanism=PLAIN', 'sasl.jaas.config is missing'],
    [
      `security.protocol=SASL_PLAINTEXT\nsasl.mechanism=PLAIN\nsasl.jaas.config=${MODULE} password="s3cret";`,
      'username',
    ],
    [
      `security.protocol=SASL_PLAINTEXT\nsasl.mechanism=PLAIN\nsasl.jaas.config=${MODULE} password="s3cret"`,
      'semi-colon',
    ],
    ['security.protocol=SSL\nssl.truststore.location=/nowhere\nssl.truststore.password=s3cret', 'ENOENT'],
  ])('is refused: %j', async (text, complaint) => {
    await expect(securityOf(text)).rejects.toThrow(UsageError);
    await expect(securityOf(text)).rejects.toThrow(complaint);
    await expect(securityOf(text)).rejects.toThrow(/^((?!s3cret).)*$/s);
  });

  it('must be a file that can be read', async () => {
    const given = new Arguments(new Map([['command-config', [join(directory, 'none')]]]), []);
    await expect(clientSecurity(given)).rejects.toThrow('--command-config');
  });
});
