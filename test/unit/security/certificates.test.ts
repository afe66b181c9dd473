/** Names in certificates as Java writes them, the rules that make users of them, and names of ciphers. */
import { X509Certificate } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { ConfigError } from '../../../broker/config/property.ts';
import { subjectName } from '../../../broker/security/tls/certificate-name.ts';
import { opensslCipher } from '../../../broker/security/tls/cipher-names.ts';
import { principalMapping } from '../../../broker/security/tls/principal-mapping.ts';
import { simulatedRandom } from '../../support/simulated-random.ts';

/** Of openssl req, with parts of all kinds. */
const STRANGE = `-----BEGIN CERTIFICATE-----
MIICzDCCAnGgAwIBAgIUPAkwj9FuukoIxq1yupaWsxVEUVYwCgYIKoZIzj0EAwIw
gbkxCzAJBgNVBAYTAkRFMQwwCgYDVQQIDANOUlcxDjAMBgNVBAcMBUvDtmxuMRIw
EAYDVQQKDAkgT2RyYWRlayAxEDAOBgNVBAsMB1ImRCA8eD4xLzAPBgoJkiaJk/Is
ZAEBDAE3MBwGA1UEAwwVYWxpY2UsIHRoZSAiZmlyc3QiICt4MRQwEgYJKoZIhvcN
AQkBFgVhQGIuYzEKMAgGA1UEBRMBNTETMBEGCgmSJomT8ixkARkWA29yZzAgFw0y
NjExMjkwNjMyMzlaGA8yMTI2MTEwNTA2MzIzOVowgbkxCzAJBgNVBAYTAkRFMQww
CgYDVQQIDANOUlcxDjAMBgNVBAcMBUvDtmxuMRIwEAYDVQQKDAkgT2RyYWRlayAx
EDAOBgNVBAsMB1ImRCA8eD4xLzAPBgoJkiaJk/IsZAEBDAE3MBwGA1UEAwwVYWxp
Y2UsIHRoZSAiZmlyc3QiICt4MRQwEgYJKoZIhvcNAQkBFgVhQGIuYzEKMAgGA1UE
BRMBNTETMBEGCgmSJomT8ixkARkWA29yZzBZMBMGByqGSM49AgEGCCqGSM49AwEH
A0IABKhwm+kxyAZ2pmcyfgeIQYxvIK/kL5UkfmGWi6kGHK5p1ewxZLzujy7l5jRL
y95Dbs+IHzbN3yFUunZOTGNkJg+jUzBRMB0GA1UdDgQWBBRimn0vGYhrXCsgCOr8
NWO2Hysb3DAfBgNVHSMEGDAWgBRimn0vGYhrXCsgCOr8NWO2Hysb3DAPBgNVHRMB
Af8EBTADAQH/MAoGCCqGSM49BAMCA0kAMEYCIQC43ntpYglSPcLxwg1X85ZM8QxL
+aBIIqz/asczgTOS5AIhANYXQRPTzElOsJhxaKARR0QSdUK2IBYsjgfZ4+4WD7JA
-----END CERTIFICATE-----`;

describe('the name in a certificate', () => {
  const { raw } = new X509Certificate(STRANGE);

  it('is what Java 17 makes of it', () => {
    expect(subjectName(raw)).toBe(
      String.raw`DC=org,2.5.4.5=#130135,1.2.840.113549.1.9.1=#16056140622e63,UID=7+CN=alice\, the \"first\" \+x,OU=R&D \<x\>,O=\ Odradek\ ,L=Köln,ST=NRW,C=DE`,
    );
  });

  it('is looked for in any bytes without end or fault', () => {
    const random = simulatedRandom(5280);
    for (let round = 0; round < 3000; round += 1) {
      const bytes = Buffer.from(raw.subarray(0, random.int(raw.length)));
      for (let change = random.int(4); change > 0 && bytes.length > 0; change -= 1) {
        bytes[random.int(bytes.length)] = random.int(256);
      }
      try {
        expect(subjectName(bytes)).toBeTypeOf('string');
      } catch (error) {
        expect(error).toBeInstanceOf(RangeError);
      }
    }
  });
});

describe('the rules of ssl.principal.mapping.rules', () => {
  const DN = 'CN=Alice,OU=ServiceUsers,O=Org,C=DE';

  it.each([
    ['DEFAULT', DN],
    ['RULE:^CN=(.*?),OU=ServiceUsers.*$/$1/', 'Alice'],
    ['RULE:^CN=(.*?),OU=ServiceUsers.*$/$1/L', 'alice'],
    ['RULE:^CN=(.*?),OU=ServiceUsers.*$/$1/U, DEFAULT', 'ALICE'],
    ['RULE:^cn=none$/x/,RULE:CN=([^,]+),.*C=(..)/$1@$2/', 'Alice@DE'],
    ['RULE:^CN=Alice$/x/, DEFAULT', DN],
    [String.raw`RULE:CN=(.*?),.*/a\/$1\$/`, 'a/Alice$'],
    ['RULE:(.*)/$0/', DN],
  ])('%s', (rules, name) => {
    expect(principalMapping(rules)(DN)).toBe(name);
  });

  it('may fit nobody', () => {
    expect(principalMapping('RULE:^CN=Bob$/bob/')(DN)).toBeNull();
  });

  it.each(['', 'RULE:', 'RULE:a/b', 'RULE:a/b/X', 'DEFAULT DEFAULT', 'RULE:(/x/', 'default'])(
    'are refused as a whole: %s',
    (rules) => {
      expect(() => principalMapping(rules)).toThrow(ConfigError);
    },
  );
});

describe('names of cipher suites', () => {
  it.each([
    ['TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256', 'ECDHE-RSA-AES128-GCM-SHA256'],
    ['TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384', 'ECDHE-ECDSA-AES256-GCM-SHA384'],
    ['TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256', 'ECDHE-RSA-CHACHA20-POLY1305'],
    ['TLS_DHE_RSA_WITH_AES_128_CBC_SHA256', 'DHE-RSA-AES128-SHA256'],
    ['TLS_RSA_WITH_AES_256_CBC_SHA', 'AES256-SHA'],
    ['TLS_AES_256_GCM_SHA384', 'TLS_AES_256_GCM_SHA384'],
    ['ECDHE-RSA-AES128-GCM-SHA256', 'ECDHE-RSA-AES128-GCM-SHA256'],
  ])('%s is %s', (java, openssl) => {
    expect(opensslCipher(java)).toBe(openssl);
  });
});
