/**
 * Texts that people or strangers have written: JAAS configs, messages of SCRAM at the client's end, credentials
 * and passwords as they lie in ZooKeeper, delegation tokens there, names in certificates. What is wrong with
 * one is said by the reader's own error, or by null.
 */
import { X509Certificate } from 'node:crypto';
import { ConfigError } from '../../../broker/config/property.ts';
import type { Random } from '../../../broker/platform/random.ts';
import { passwordEncoder } from '../../../broker/security/password-encoder.ts';
import { JaasError, parseJaas, parseJaasFile } from '../../../broker/security/sasl/jaas.ts';
import { parseScramCredential } from '../../../broker/security/sasl/scram-credential.ts';
import { parseServerFinal, parseServerFirst } from '../../../broker/security/sasl/scram-messages.ts';
import { subjectName } from '../../../broker/security/tls/certificate-name.ts';
import { tokenOf } from '../../../broker/security/tokens/token.ts';
import { delegationTokenZnode } from '../../../coordinator-client/znodes/security-znodes.ts';
import { ZnodeFormatError } from '../../../coordinator-client/znodes/znode-json.ts';
import { BROKER } from '../../unit/platform/tls-ends.ts';
import { type FuzzTarget, must, refusable, type Verdict } from '../fuzz.ts';
import { mutated, mutatedText, oneOf } from '../mutate.ts';

const JAAS_WORDS = [
  ...[
    '"',
    "'",
    '\\',
    '\\777',
    '/*',
    '*/',
    '//',
    '/',
    ';',
    '=',
    '{',
    '}',
    '};',
    '\n',
    '\r',
    '-',
    '1.5',
    '.',
    '$',
  ],
  ...['required', 'optional', 'Client {', 'user_x="y"', '\u00a0', 'é', '\0', '#'],
];
const JAAS = [
  'org.apache.kafka.common.security.plain.PlainLoginModule required username="admin" password="a;b" user_a="x\\"y";',
  "a.B optional k='v' /* c */ n=w; // end",
  'Server {\n  org.apache.zookeeper.server.auth.DigestLoginModule required\n  user_super="adminsecret";\n};\nClient { x.Y required a="b"; z.W sufficient; };',
];

export const jaas: FuzzTarget = {
  name: 'jaas',
  about: 'JAAS configs, as a property and as a file of sections',
  share: 100,
  async prepare() {
    return (random) => {
      const text = mutatedText(random, oneOf(random, JAAS), JAAS_WORDS);
      return refusable(JaasError, () => {
        if (random.int(2) === 0) parseJaas(text);
        else parseJaasFile(text);
      });
    };
  },
};

const SCRAM = [
  'r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096',
  'm=x,r=abc,s=,i=999999999,ext=1',
  'v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsUl95G4=,x=y',
  'e=other-error',
  'salt=QSXCR+Q6sek8bf92,stored_key=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsUl95G4=,server_key=6rriTRBi23Wp,iterations=8192',
];

export const scramTexts: FuzzTarget = {
  name: 'scram-texts',
  about: 'what a SCRAM server says to a client, and credentials as they lie in ZooKeeper',
  share: 50,
  async prepare() {
    return (random) => {
      const message = mutated(random, Buffer.from(oneOf(random, SCRAM)), [
        ',',
        '=',
        'm=,',
        'r=',
        'i=9',
        '==',
        'é',
      ]);
      const credential = parseScramCredential(message.toString('utf8'));
      const first = parseServerFirst(message);
      must(first === null || Number.isSafeInteger(first.iterations), 'iterations that are no number');
      const isRead = [credential, first, parseServerFinal(message)].some((one) => one !== null);
      return isRead ? 'taken' : 'refused';
    };
  },
};

export const passwords: FuzzTarget = {
  name: 'passwords',
  about: 'encrypted passwords of dynamic configs, as they lie in ZooKeeper',
  share: 20,
  async prepare() {
    const encoders = ['AES/CBC/PKCS5Padding', 'AES/GCM/NoPadding'].map((cipher) =>
      passwordEncoder('secret', {
        passwordEncoderKeyfactoryAlgorithm: null,
        passwordEncoderCipherAlgorithm: cipher,
        passwordEncoderKeyLength: 128,
        passwordEncoderIterations: 1024,
      }),
    );
    const encoded = encoders.map((encoder) => encoder?.encode('password-of-a-store') ?? '');
    return (random) => {
      const text = mutatedText(random, oneOf(random, encoded), [
        ',',
        ':',
        'iterations:1000000',
        'keyLength:256',
      ]);
      return refusable(ConfigError, () => encoders[0]?.decode(text));
    };
  },
};

export const tokenZnodes: FuzzTarget = {
  name: 'token-znodes',
  about: 'delegation tokens as they lie in ZooKeeper',
  share: 50,
  async prepare() {
    const whole = delegationTokenZnode.encode({
      tokenId: 'dG9rZW4',
      owner: 'User%3Aalice',
      tokenRequester: 'User%3Abob',
      renewers: ['User%3Acarol', 'User%3Adan%20d'],
      issueTimestampMs: 1_700_000_000_000,
      maxTimestampMs: 1_800_000_000_000,
      expiryTimestampMs: 1_750_000_000_000,
    });
    const words = ['null', '{}', '[]', '"', '%', '%zz', '1e999', '"\\u0000"', '__proto__', '-1', ':'];
    return (random) => {
      const data = mutated(random, whole, words);
      let isRead = false;
      const verdict = refusable(ZnodeFormatError, () => {
        isRead = tokenOf(delegationTokenZnode.decode('id', data)) !== null;
      });
      return isRead ? verdict : 'refused';
    };
  },
};

export const certificateNames: FuzzTarget = {
  name: 'certificate-names',
  about: 'the subject of a certificate in DER',
  share: 50,
  async prepare() {
    const { raw } = new X509Certificate(BROKER.certificate);
    return (random) => nameIn(random, raw);
  },
};

function nameIn(random: Random, certificate: Buffer): Verdict {
  const bytes = mutated(random, certificate);
  return refusable(RangeError, () => void subjectName(bytes));
}
