/** What the JAAS file that KAFKA_OPTS names says of listeners, where their own configs say nothing. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { brokerConfig } from '../../../broker/config/broker-config.ts';
import { ListenerConfig } from '../../../broker/config/listener-config.ts';
import { withJaasFile } from '../../../broker/node/jaas-file-logins.ts';
import { nodeDisk } from '../../../broker/platform/node-disk.ts';
import { type JvmProperties, jvmProperties } from '../../../broker/security/jvm-options.ts';
import { listenerLogin } from '../../../broker/security/sasl/listener-login.ts';
import { loginParts } from './login-parts.ts';

const MODULES = 'org.apache.kafka.common.security';
const PLAIN = `${MODULES}.plain.PlainLoginModule required`;
const SCRAM = `${MODULES}.scram.ScramLoginModule required`;

let directory: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'odradek-jaas-'));
});
afterAll(() => rmSync(directory, { recursive: true }));

/** Who gets in at INSIDE by PLAIN, of those whose password is `p"\`. */
async function letIn(
  file: string,
  given: Readonly<Record<string, string>> = {},
  options = '',
): Promise<string[]> {
  writeFileSync(join(directory, 'jaas'), file);
  const jvm = jvmProperties(`-Xmx1g -Djava.security.auth.login.config=${join(directory, 'jaas')} ${options}`);
  const config = await withJaasFile(configOf(given), jvm, nodeDisk);
  const login = listenerLogin(new ListenerConfig(config.texts, 'INSIDE'), loginParts());
  return ['alice', 'bob'].filter((user) => {
    const step = login.mechanisms
      .get('PLAIN')
      ?.begin()
      .step(Buffer.from(`\0${user}\0p"\\`));
    return step !== undefined && 'kind' in step && step.kind === 'done';
  });
}

function configOf(given: Readonly<Record<string, string>>) {
  return brokerConfig(
    new Map(
      Object.entries({
        'broker.id': '1',
        'zookeeper.connect': 'zookeeper:2181',
        listeners: 'INSIDE://:1,OUTSIDE://:2',
        'listener.security.protocol.map': 'INSIDE:SASL_PLAINTEXT,OUTSIDE:PLAINTEXT',
        'inter.broker.listener.name': 'INSIDE',
        'sasl.enabled.mechanisms': 'PLAIN,SCRAM-SHA-256',
        ...given,
      }),
    ),
  );
}

const user = (name: string): string => String.raw`user_${name}="p\"\\"`;

describe('the JAAS file', () => {
  it('has the logins of listeners in its section KafkaServer, each mechanism by its module', async () => {
    const file = `KafkaServer { ${SCRAM}; ${PLAIN} username="x" password="y" ${user('alice')}; };`;
    expect(await letIn(file)).toEqual(['alice']);
  });

  it('has those of one listener before those of all', async () => {
    const ofAll = `KafkaServer { ${SCRAM}; ${PLAIN} ${user('alice')}; };`;
    expect(await letIn(`${ofAll} inside.KafkaServer { ${SCRAM}; ${PLAIN} ${user('bob')}; };`)).toEqual([
      'bob',
    ]);
    expect(await letIn(`${ofAll} outside.KafkaServer { ${SCRAM}; ${PLAIN} ${user('bob')}; };`)).toEqual([
      'alice',
    ]);
  });

  it('comes after what the configs say', async () => {
    const own = { 'listener.name.inside.plain.sasl.jaas.config': `${PLAIN} ${user('bob')};` };
    expect(await letIn(`KafkaServer { ${SCRAM}; ${PLAIN} ${user('alice')}; };`, own)).toEqual(['bob']);
  });

  it('that says nothing of a mechanism leaves its config missing', async () => {
    await expect(letIn(`KafkaServer { ${PLAIN} ${user('alice')}; };`)).rejects.toThrow(
      'Missing required configuration listener.name.inside.scram-sha-256.sasl.jaas.config',
    );
  });

  it('may name system properties that KAFKA_OPTS sets', async () => {
    const file = `KafkaServer { ${SCRAM}; ${PLAIN} user_alice="\${quote}\\\\"; };`;
    expect(await letIn(file, {}, `-Dquote='p"'`)).toEqual(['alice']);
    await expect(letIn(file)).rejects.toThrow("Value of 'user_alice' in JAAS file names a system property");
    // A config is not Java's to read.
    const own = { 'listener.name.inside.plain.sasl.jaas.config': `${PLAIN} user_bob="\${quote}\\\\";` };
    expect(await letIn(file, own, `-Dquote='p"'`)).toEqual([]);
  });

  it('may be named by system properties', async () => {
    writeFileSync(join(directory, 'jaas'), `KafkaServer { ${SCRAM}; ${PLAIN} ${user('alice')}; };`);
    const named = (path: string): JvmProperties =>
      jvmProperties(`-Dwhere=${directory} -Djava.security.auth.login.config=${path}`);
    for (const path of [`\${where}/jaas`, `file:\${where}\${/}jaas`, `=\${where}/jaas`]) {
      const { texts } = await withJaasFile(configOf({}), named(path), nodeDisk);
      expect(texts.get('listener.name.inside.plain.sasl.jaas.config'), path).toContain('user_alice');
    }
    await expect(withJaasFile(configOf({}), named(`\${nowhere}/jaas`), nodeDisk)).rejects.toThrow(
      `-Djava.security.auth.login.config=\${nowhere}/jaas: it names a system property that is not set`,
    );
  });

  it('that is broken, or not there, is named', async () => {
    await expect(letIn('KafkaServer {')).rejects.toThrow(
      `-Djava.security.auth.login.config=${join(directory, 'jaas')}: Section KafkaServer of JAAS file is not terminated by }`,
    );
    const jvm = jvmProperties('-Djava.security.auth.login.config=/nowhere/jaas');
    await expect(withJaasFile(configOf({}), jvm, nodeDisk)).rejects.toThrow('/nowhere/jaas: ENOENT');
  });

  it('is not read for listeners without a login', async () => {
    const jvm = jvmProperties('-Djava.security.auth.login.config=/nowhere/jaas');
    const open = configOf({ 'listener.security.protocol.map': 'INSIDE:PLAINTEXT,OUTSIDE:PLAINTEXT' });
    expect(await withJaasFile(open, jvm, nodeDisk)).toBe(open);
  });
});
