/** JAAS files as Java reads them, and JAAS configs as Kafka does: ours are read alike, and refused alike. */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { jvmProperties } from '../../broker/security/jvm-options.ts';
import { type JaasEntry, JaasError, parseJaas, parseJaasFile } from '../../broker/security/sasl/jaas.ts';
import { simulatedRandom } from '../support/simulated-random.ts';
import { CLIENTS, skipped } from './interop-cluster.ts';
import { jarsLack, javaArguments } from './java-jars.ts';

const VERSION = '3.9.1';
const skip = skipped('JAAS files of Java', jarsLack(VERSION));
const TIMEOUT_MS = 60_000;
const PROPERTIES = ['-Dset=value', '-Da.b=c"d', '-Dempty=', `-Dnested=\${set}`];

type Kind = 'file' | 'config';
type Question = readonly [kind: Kind, text: string];

const section = (options: string): string => `Section { a.Module required ${options}; };`;

const OPTIONS = [
  `a="\${set}"`,
  `a="x\${set}y\${a.b}z" b="\${nested}"`,
  `a="\${not.set}"`,
  `a="\${}"`,
  `a="\${empty}"`,
  `a="x\${empty}"`,
  'a=""',
  `a="\${{set}}" b="\${{set}} \${set}" c="\${{set} \${set}" d="\${set}\${{set}}"`,
  `a="\${set" b="$set" c="$" d="\${"`,
  `a="\${\${set}}"`,
  `a="\${/}" b="\${file.separator}\${path.separator}" c="\${user.dir}"`,
  `a="\${user.home}" b="\${user.name}"`,
  `a="\${toString}"`,
  `a="\${constructor}"`,
  `a="\${__proto__}"`,
  `"\${set}"="b"`,
  `a=\${set}`,
  "a='b'",
  "'a'=b",
  'a=b*c b=*',
  'a*=b',
  'a=-b',
  'a=1',
  'a=b-1.c_$',
  'a="b\\"\\\\\\n\\101"',
  'a="b\nc"',
  'a="b" a="c"',
  'a = "b" /* c */ // d\n e="f"',
  'a "b"',
  'a=',
  '"" = "b"',
];

const TEXTS = [
  '',
  'Section { };',
  'Section { a.Module required a="b"; }',
  'Section { a.Module needed; };',
  'Section { "a.Module" "required" a="b"; b.Module OPTIONAL; };',
  '"Section" { a.Module sufficient; };',
  `${section('a="1"')} ${section('a="2"')}`,
  `Other { a.Module required a="\${not.set}"; }; ${section('a="1"')}`,
  `Other { a.Module required; }; ${section('a="1"')} // end`,
  `Section { a.Module required a="\${set}"; }; }`,
];

const QUESTIONS: readonly Question[] = [
  ...OPTIONS.flatMap((options): Question[] => [
    ['file', section(options)],
    ['config', `a.Module required ${options};`],
  ]),
  ...TEXTS.map((text): Question => ['file', text]),
  ...randomTexts(500),
];

function* randomTexts(count: number): Generator<Question> {
  const random = simulatedRandom(39);
  const pieces = [
    `\${`,
    '}',
    '{',
    'set',
    'a.b',
    '"',
    "'",
    '=',
    ';',
    ' ',
    '\n',
    '$',
    '*',
    '-',
    '\\',
    'x',
    '//',
    '/*',
  ];
  const any = (): string => pieces[random.int(pieces.length)] ?? '';
  for (let each = 0; each < count; each++) {
    const inner = Array.from({ length: random.int(12) }, any).join('');
    const text = random.int(2) === 0 ? `a="${inner.replaceAll('"', '')}"` : inner;
    yield random.int(3) === 0 ? ['config', `a.Module required ${text};`] : ['file', section(text)];
  }
}

function ofOurs([kind, text]: Question): string {
  try {
    const entries = kind === 'config' ? [parseJaas(text)] : fileEntries(text);
    return entries.map(described).join('');
  } catch (error) {
    if (error instanceof JaasError) return 'refused';
    throw error;
  }
}

function fileEntries(text: string): readonly JaasEntry[] {
  return (
    parseJaasFile(text, jvmProperties(PROPERTIES.map((each) => `'${each}'`).join(' '))).get('Section') ?? []
  );
}

function described({ loginModule, options }: JaasEntry): string {
  const words = [...options].sort(([a], [b]) => (a < b ? -1 : 1)).flat();
  return `${[loginModule, ...words].map((word) => Buffer.from(word).toString('base64')).join(' ')};`;
}

const readable = (answer: string): string =>
  answer.replaceAll(/[A-Za-z0-9+/=]{4,}/g, (word) =>
    word === 'refused' ? word : JSON.stringify(Buffer.from(word, 'base64').toString()),
  );

describe.skipIf(skip)('beside Java and Kafka', () => {
  it(
    'a JAAS file, and a JAAS config, says what it says there',
    () => {
      const argv = [...javaArguments(VERSION, PROPERTIES), join(CLIENTS, 'JaasTexts.java')];
      const input = QUESTIONS.map(([kind, text]) => `${kind} ${Buffer.from(text).toString('base64')}\n`).join(
        '',
      );
      const answers = execFileSync('java', argv, { input, encoding: 'utf8', timeout: TIMEOUT_MS }).split(
        '\n',
      );
      expect(answers).toHaveLength(QUESTIONS.length + 1);
      const apart = QUESTIONS.flatMap((question, index) => {
        const [ours, javas = ''] = [ofOurs(question), answers[index]];
        return ours === javas ? [] : [{ question, ours: readable(ours), javas: readable(javas) }];
      });
      expect(apart).toEqual([]);
      expect(answers.filter((answer) => answer !== 'refused').length).toBeGreaterThan(50);
    },
    TIMEOUT_MS,
  );
});
