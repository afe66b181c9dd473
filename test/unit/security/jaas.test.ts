/** JAAS configs: what Kafka's parser takes, and what it refuses, in its words; and JAAS files, as Java takes them. */
import { describe, expect, it } from 'vitest';
import { JaasError, parseJaas, parseJaasFile } from '../../../broker/security/sasl/jaas.ts';
import { type ProcessUser, withProperties } from '../../../broker/security/sasl/system-properties.ts';
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

/** What the options of the only entry of a file are, with these system properties. */
function fileOptions(text: string, properties: Readonly<Record<string, string>> = {}) {
  const file = `Section { ${MODULE} required ${text}; };`;
  const [entry] = parseJaasFile(file, new Map(Object.entries(properties))).get('Section') ?? [];
  return Object.fromEntries(entry?.options ?? []);
}

describe('a JAAS file', () => {
  it('has the values of system properties where it names them, and a config does not', () => {
    const properties = { 'the.password': 's3cret', nested: `\${the.password}`, empty: '' };
    const text = `a="\${the.password}" b="<\${the.password}\${nested}>" "\${the.password}"="c" d="x\${empty}"`;
    expect(fileOptions(text, properties)).toEqual({
      a: 's3cret',
      b: `<s3cret\${the.password}>`,
      [`\${the.password}`]: 'c',
      d: 'x',
    });
    expect(options(`${MODULE} required ${text};`)).toMatchObject({ a: `\${the.password}`, d: `x\${empty}` });
  });

  it('has what stands in double braces, or in braces without an end, as it is', () => {
    const text = `a="\${{x}} \${x}" b="\${{x} \${x}" c="\${x" d="$x" e="\${x}\${{x}" f=""`;
    expect(fileOptions(text, { x: '1' })).toEqual({
      a: `\${{x}} 1`,
      b: `\${{x} \${x}`,
      c: `\${x`,
      d: '$x',
      e: `1\${{x}`,
      f: '',
    });
  });

  it('knows the properties that every JVM has', () => {
    expect(fileOptions(`a="\${/}\${file.separator}" b="\${user.dir}"`)).toEqual({
      a: '//',
      b: process.cwd(),
    });
    expect(fileOptions(`a="\${user.home}"`, { 'user.home': '/elsewhere' })).toEqual({ a: '/elsewhere' });
  });

  it('has the home and the name that the list of users has, and knows somebody who is not in it', () => {
    const put = (user: ProcessUser) => withProperties(`\${user.name} \${user.home}`, new Map(), user);
    const unheard = (): never => {
      throw new Error('no such user');
    };
    const listed = (home: string) => () => ({ username: 'kafka', homedir: home });
    const byVariable = () => '/by/variable';
    expect(put({ userInfo: listed('/listed'), homedir: byVariable })).toBe('kafka /listed');
    expect(put({ userInfo: listed('/'), homedir: byVariable })).toBe('kafka /by/variable');
    expect(put({ userInfo: unheard, homedir: byVariable })).toBe('? /by/variable');
    expect(put({ userInfo: unheard, homedir: unheard })).toBe('? ?');
  });

  it.each([
    ...['toString', 'constructor', '__proto__', 'hasOwnProperty'].map((name) => [
      `p="s3cret\${${name}}"`,
      "Value of 'p' in JAAS file names a system property that is not set",
    ]),
    [`p="s3cret\${not.set}"`, "Value of 'p' in JAAS file names a system property that is not set"],
    [`p="\${}"`, "Value of 'p' in JAAS file names a system property that is not set"],
    [`p="\${empty}"`, "Value of 'p' in JAAS file is empty"],
    ["p='s3cret'", "Value not specified for key 'p'"],
    ['p=s3cret*x p=1', "Value not specified for key 'p'"],
  ])('is refused, and not quoted: %s', (text, complaint) => {
    expect(() => fileOptions(text, { empty: '' })).toThrow(complaint);
    expect(() => fileOptions(text, { empty: '' })).toThrow(/^((?!s3cret|not\.set).)*$/s);
  });

  it('is refused as a whole, and where a section stands twice', () => {
    const section = (value: string) => `{ ${MODULE} required a="${value}"; };`;
    expect(() => parseJaasFile(`One ${section('1')} Two ${section(`\${x}`)}`)).toThrow(JaasError);
    expect(() => parseJaasFile(`One ${section('1')} One ${section('2')}`)).toThrow('more than once');
  });
});
