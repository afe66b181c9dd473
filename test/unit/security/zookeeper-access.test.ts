/** What Kafka's configs of ZooKeeper's security come to, and how they are refused. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { nodeDisk } from '../../../broker/platform/node-disk.ts';
import { jvmProperties } from '../../../broker/security/jvm-options.ts';
import { javaStores } from '../../../broker/security/tls/java-stores.ts';
import { zookeeperAccess } from '../../../broker/security/zookeeper/zookeeper-access.ts';
import { AUTHORITY, BROKER } from '../platform/tls-ends.ts';

const DIGEST = 'org.apache.zookeeper.server.auth.DigestLoginModule required';
const TLS = {
  'zookeeper.ssl.client.enable': 'true',
  'zookeeper.clientCnxnSocket': 'org.apache.zookeeper.ClientCnxnSocketNetty',
};
let directory: string;

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'odradek-access-'));
  writeFileSync(join(directory, 'shown.pem'), BROKER.key + BROKER.certificate);
  writeFileSync(join(directory, 'trusted.pem'), AUTHORITY.certificate);
  writeFileSync(
    join(directory, 'jaas'),
    `// Kafka's own
KafkaServer { org.apache.kafka.common.security.plain.PlainLoginModule required user_a="b"; };
Client {
  ${DIGEST}
  username="kafka"
  password="a \\"b\\"";
};
Broken { some.Module required x="y"; };`,
  );
});
afterAll(() => rmSync(directory, { recursive: true }));

function access(given: Record<string, string>, options = '') {
  return zookeeperAccess(new Map(Object.entries(given)), jvmProperties(options), {
    disk: nodeDisk,
    javaStores,
  });
}

const jaasOption = (): string => `-Xmx1G "-Djava.security.auth.login.config=${join(directory, 'jaas')}"`;

describe('access to ZooKeeper', () => {
  it('is open unless something is configured', async () => {
    expect(await access({})).toEqual({ tls: null, credentials: null, aclOf: null, isIdentified: false });
  });

  it('logs in as the section Client of the JAAS file says', async () => {
    const sasl = { user: 'kafka', password: 'a "b"' };
    expect((await access({}, jaasOption())).credentials).toEqual({ digest: [], sasl });
    const own = { 'zookeeper.sasl.jaas.config': `${DIGEST} username=other password="p";` };
    expect((await access(own, jaasOption())).credentials?.sasl).toEqual({ user: 'other', password: 'p' });
    expect((await access({}, `${jaasOption()} -Dzookeeper.sasl.client=false`)).credentials).toBeNull();
    expect((await access({}, `${jaasOption()} -Dzookeeper.sasl.clientconfig=Nobody`)).credentials).toBeNull();
    await expect(access({}, `${jaasOption()} -Dzookeeper.sasl.clientconfig=Broken`)).rejects.toThrow(
      'section Broken of the JAAS file: login module some.Module is not supported',
    );
    await expect(access({}, '-Djava.security.auth.login.config=/nowhere')).rejects.toThrow('/nowhere');
  });

  it('secures nodes only for somebody', async () => {
    const secured = { 'zookeeper.set.acl': 'true' };
    await expect(access(secured)).rejects.toThrow('zookeeper.set.acl is true, but there is nobody');
    const { aclOf } = await access(secured, jaasOption());
    expect(aclOf?.('/config/users/a')).toHaveLength(1);
    expect(aclOf?.('/brokers')).toHaveLength(2);
    expect(aclOf?.('/consumers')).toEqual([{ permissions: 31, scheme: 'world', id: 'anyone' }]);
    const byDigest = await access({ ...secured, 'zookeeper.digest.credentials': 'a:b' });
    expect(byDigest.credentials).toEqual({ digest: ['a:b'], sasl: null });
    await expect(access({ 'zookeeper.digest.credentials': 'ab' })).rejects.toThrow('must be user:password');
  });

  it('speaks TLS 1.2 with stores whose types their names tell', async () => {
    const { tls, isIdentified } = await access({
      ...TLS,
      'zookeeper.ssl.keystore.location': join(directory, 'shown.pem'),
      'zookeeper.ssl.truststore.location': join(directory, 'trusted.pem'),
    });
    expect(tls).toMatchObject({ minVersion: 'TLSv1.2', maxVersion: 'TLSv1.2', verifiesHost: true });
    expect(tls?.identity?.kind).toBe('pem');
    expect(isIdentified).toBe(true);
    const asProperties = [
      '-Dzookeeper.client.secure=true -Dzookeeper.clientCnxnSocket=org.apache.zookeeper.ClientCnxnSocketNetty',
      `-Dzookeeper.ssl.trustStore.location=${join(directory, 'trusted.pem')}`,
      '-Dzookeeper.ssl.enabledProtocols=TLSv1.2,TLSv1.3 -Dzookeeper.ssl.hostnameVerification=false',
    ].join(' ');
    expect((await access({}, asProperties)).tls).toMatchObject({
      maxVersion: 'TLSv1.3',
      verifiesHost: false,
    });
  });

  it.each([
    [{ 'zookeeper.ssl.client.enable': 'true' }, 'zookeeper.clientCnxnSocket'],
    [{ ...TLS, 'zookeeper.ssl.keystore.location': '/nowhere.bcfks' }, 'zookeeper.ssl.keystore.type'],
    [{ ...TLS, 'zookeeper.ssl.truststore.location': '/nowhere.pem' }, 'zookeeper.ssl.truststore.location'],
    [{ ...TLS, 'zookeeper.ssl.truststore.location': '/nowhere.jks' }, 'zookeeper.ssl.truststore.location'],
    [{ ...TLS, 'zookeeper.ssl.cipher.suites': 'NONE_SUCH' }, 'zookeeper.ssl.cipher.suites'],
    [{ ...TLS, 'zookeeper.ssl.protocol': 'SSLv3' }, 'zookeeper.ssl.protocol'],
  ])('refuses what cannot be, by its name: %s', async (given, name) => {
    await expect(access(given)).rejects.toThrow(name);
  });
});
