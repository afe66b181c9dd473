/** JAAS configs: what Kafka's parser takes, and what it refuses, in its words. */
import { describe, expect, it } from 'vitest';
import { JaasError, parseJaas } from '../../../broker/security/sasl/jaas.ts';
import { simulatedRandom } from '../../support/simulated-random.ts';

const MODULE = 'org.apache.kafka.common.security.plain.PlainLoginModule';

function options(text: string): Record<string, string> {
  return Object.fromEntries(parseJaas(text).options);
}

describe('a JAAS config', () => {
  it('is a login module, a flag, options and a semicolon', () => {
    const entry = parseJaas(`${MODULE} required username="admin" password='a"b' user_alice=secret;`);
    expect(entry.loginModule).toBe(MODULE);
    expect(Object.fromEntries(entry.options)).toEqual({
      username: 'admin',
      password: 'a"b',
      user_alice: 'secret',
    });
  });

  it('may go over lines and hold comments of both kinds', () => {
    const text = `${MODULE} /* the users */ REQUIRED // of this listener\n  user_a="1"\n\tuser_b="2" ;\n`;
    expect(options(text)).toEqual({ user_a: '1', user_b: '2' });
  });

  it('may hold any character in quotes, escaped as in Java', () => {
    expect(options(`${MODULE} required p="a\\"b\\\\c\\n\\101 /*;*/ =é";`)).toEqual({
      p: 'a"b\\c\nA /*;*/ =é',
    });
  });

  it.each([
    ['', 'Login module not specified in JAAS config'],
    ['  // nothing', 'Login module not specified in JAAS config'],
    [MODULE, 'Login module control flag not specified in JAAS config'],
    [`${MODULE} ;`, 'Login module control flag is not available in the JAAS config'],
    [`${MODULE} needed;`, "Invalid login module control flag 'needed' in JAAS config"],
    [`${MODULE} required`, 'JAAS config entry not terminated by semi-colon'],
    [`${MODULE} required a="b"`, 'JAAS config entry not terminated by semi-colon'],
    [`${MODULE} required a;`, "Value not specified for key 'a' in JAAS config"],
    [`${MODULE} required a=;`, "Value not specified for key 'a' in JAAS config"],
    [`${MODULE} required a=12;`, "Value not specified for key 'a' in JAAS config"],
    [`${MODULE} required; ${MODULE} required;`, 'contains 2 login modules, should be 1 module'],
  ])('is refused: %s', (text, complaint) => {
    expect(() => parseJaas(text)).toThrow(JaasError);
    expect(() => parseJaas(text)).toThrow(complaint);
  });

  it('is never quoted in what is said against it: it holds passwords', () => {
    for (const text of [`${MODULE} required password="s3cret" x;`, `${MODULE} required password="s3cret"`]) {
      expect(() => parseJaas(text)).toThrow(/^((?!s3cret).)*$/s);
    }
  });

  it('of any characters is parsed or refused, in a time that its length bounds', () => {
    const random = simulatedRandom(14);
    const alphabet = `${MODULE} required a="b\\" '/*/ ;=\n\t-._$0é\u0000`;
    for (let round = 0; round < 2000; round += 1) {
      const size = random.int(200);
      let text = '';
      for (let at = 0; at < size; at += 1) text += alphabet[random.int(alphabet.length)];
      try {
        expect(parseJaas(text).loginModule).not.toBe('');
      } catch (error) {
        expect(error).toBeInstanceOf(JaasError);
      }
    }
    expect(() => parseJaas('/*'.repeat(200_000))).toThrow(JaasError);
    expect(() => parseJaas(`${MODULE} required ${'a="b" '.repeat(100_000)}`)).toThrow(JaasError);
  });
});
