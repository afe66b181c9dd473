/**
 * Python's clients: confluent-kafka (librdkafka) and kafka-python as Debian has them, and a current
 * confluent-kafka, whose librdkafka is years younger and asks in later versions.
 */
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { PYTHON, packageLacks, pythonWith } from '../../scripts/torment/clients/python-packages.ts';
import {
  CLIENTS,
  CURRENT_CONFLUENT,
  commandLacks,
  expectStep,
  type InteropCluster,
  runSteps,
  type Steps,
  skipped,
  startInteropCluster,
  storedAs,
} from './interop-cluster.ts';

const COMMON = [
  'creates and describes a topic',
  'produces and consumes none',
  'produces and consumes gzip',
  'keeps keys, headers and null values',
  'finds offsets by time',
  'describes and alters configs',
  'grows a topic, deletes topics',
];
const CONFLUENT = {
  module: 'confluent_kafka',
  program: 'confluent_client.py',
  codecs: ['none', 'gzip', 'snappy', 'lz4', 'zstd'],
  steps: [
    ...COMMON,
    'produces and consumes snappy',
    'produces and consumes lz4',
    'produces and consumes zstd',
    'shares a group with a second member and commits',
    'subscribes to a pattern of topics',
    'rejoins as a static member',
  ],
};
const SUITES = [
  { ...CONFLUENT, name: 'confluent-kafka', prefix: 'debian', python: PYTHON },
  {
    ...CONFLUENT,
    name: `confluent-kafka ${CURRENT_CONFLUENT}`,
    prefix: 'current',
    python: pythonWith('confluent-kafka', CURRENT_CONFLUENT),
    lacks: packageLacks('confluent-kafka', CURRENT_CONFLUENT),
  },
  {
    name: 'kafka-python',
    prefix: 'kafka',
    python: PYTHON,
    module: 'kafka',
    program: 'kafka_python_client.py',
    codecs: ['none', 'gzip'],
    steps: [
      ...COMMON,
      'shares a group with a second member, commits, describes and deletes it',
      'talks as to a broker 0.8.2',
      'talks as to a broker 0.9',
      'talks as to a broker 0.10.0',
      'talks as to a broker 0.11',
    ],
  },
].map((suite) => ({
  ...suite,
  skip: skipped(
    suite.name,
    ('lacks' in suite ? suite.lacks : null) ?? commandLacks(suite.python, ['-c', `import ${suite.module}`]),
  ),
}));

let interop: InteropCluster;
beforeAll(async () => {
  if (SUITES.some(({ skip }) => !skip)) interop = await startInteropCluster();
});
afterAll(() => interop?.close());

describe.each(SUITES)('$name', ({ prefix, python, program, codecs, steps, skip }) => {
  let taken: Steps;
  beforeAll(async () => {
    if (!skip) taken = await runSteps(python, [join(CLIENTS, program), interop.bootstrap, prefix]);
  }, 120_000);

  test.skipIf(skip).each(steps)('%s', (step) => expectStep(taken, step));

  test.skipIf(skip).each(codecs)('%s is stored as it came', async (codec) => {
    expect(await storedAs(interop, `${prefix}-codec-${codec}`)).toEqual({ magic: 2, codec });
  });
});
