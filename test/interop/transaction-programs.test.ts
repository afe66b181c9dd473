/**
 * Transactions of programs in other languages: Java's clients of 3.9 and 4.1, librdkafka of Debian and of today, and
 * franz-go, whose steps are taken at Apache's broker as well.
 */
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { PYTHON, packageLacks, pythonWith } from '../../scripts/torment/clients/python-packages.ts';
import { type Pair, startPair } from './differential/pair.ts';
import { COMPILE_TIMEOUT_MS, goProgram, goProgramLacks } from './go-programs.ts';
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
} from './interop-cluster.ts';
import { JavaTools, jarsLack, javaArguments } from './java-jars.ts';

const COMMON = ['commits and aborts', 'sends offsets with a transaction', 'fences the producer before it'];
const JAVA = [
  ...COMMON,
  'commits many transactions one after the other',
  'goes on after an abort of a transaction that timed out',
  'is described and listed',
  'is fenced by an admin client',
  'leaves a transaction that an admin client aborts',
];
const FRANZ = [...COMMON, 'processes each record once though a process goes away'];
const FRANZ_PROGRAM = 'transactions';
const FRANZ_LACKS = goProgramLacks(FRANZ_PROGRAM);
const PROPERTIES = { 'transaction.abort.timed.out.transaction.cleanup.interval.ms': '500' };
const TIMEOUT_MS = 120_000;

interface Program {
  readonly title: string;
  readonly lacks: string | null;
  readonly steps: readonly string[];
  run(bootstrap: string, prefix: string): Promise<Steps>;
}

function java(version: string): Program {
  const program = join(CLIENTS, 'TransactionClient.java');
  return {
    title: `Java ${version}`,
    lacks: jarsLack(version),
    steps: JAVA,
    run: (bootstrap, prefix) => runSteps('java', [...javaArguments(version), program, bootstrap, prefix]),
  };
}

function confluent(title: string, lacks: string | null, python: () => string): Program {
  const program = join(CLIENTS, 'confluent_transactions.py');
  const run = (bootstrap: string, prefix: string) => runSteps(python(), [program, bootstrap, prefix]);
  return { title, lacks, steps: COMMON, run };
}

async function takeFranz(bootstrap: string, prefix: string): Promise<Steps> {
  return runSteps(await goProgram(FRANZ_PROGRAM), [bootstrap, prefix]);
}

const PROGRAMS = [
  java('3.9.1'),
  java('4.1.0'),
  confluent("Debian's confluent-kafka", commandLacks(PYTHON, ['-c', 'import confluent_kafka']), () => PYTHON),
  confluent(`confluent-kafka ${CURRENT_CONFLUENT}`, packageLacks('confluent-kafka', CURRENT_CONFLUENT), () =>
    pythonWith('confluent-kafka', CURRENT_CONFLUENT),
  ),
  { title: 'franz-go', lacks: FRANZ_LACKS, steps: FRANZ, run: takeFranz },
];

let interop: InteropCluster;
beforeAll(async () => {
  if (PROGRAMS.every(({ lacks }) => lacks !== null)) return;
  interop = await startInteropCluster({ properties: PROPERTIES });
}, TIMEOUT_MS);
afterAll(() => interop?.close());

for (const [index, { title, lacks, steps, run }] of PROGRAMS.entries()) {
  describe.skipIf(skipped(`transactions of ${title}`, lacks))(title, () => {
    let taken: Steps;
    beforeAll(async () => {
      taken = await run(interop.bootstrap, `transactions-${index}`);
    }, COMPILE_TIMEOUT_MS);

    test.each(steps)('%s', (step) => expectStep(taken, step));
  });
}

const noPair = FRANZ_LACKS ?? jarsLack('3.9.1');
describe.skipIf(skipped("transactions of franz-go at Apache's broker", noPair))(
  "franz-go at Apache's broker",
  () => {
    let pair: Pair;
    let taken: Steps;
    beforeAll(async () => {
      pair = await startPair({ properties: PROPERTIES });
      taken = await takeFranz(`127.0.0.1:${pair.kafkas.port}`, 'transactions');
    }, COMPILE_TIMEOUT_MS);
    afterAll(() => pair?.close());

    test.each(FRANZ)('%s', (step) => expectStep(taken, step));
  },
);

test.skipIf(skipped("Kafka's transaction tool", jarsLack('3.9.1')))(
  'kafka-transactions lists and describes',
  async () => {
    const tools = new JavaTools('3.9.1');
    try {
      const tool = async (...argv: string[]) => {
        const mainClass = 'org.apache.kafka.tools.TransactionsCommand';
        const result = await tools.run(mainClass, ['--bootstrap-server', interop.bootstrap, ...argv]);
        expect(result).toMatchObject({ status: 0 });
        return result.out;
      };
      const listed = await tool('list');
      expect(listed).toMatch(/transactions-0-commits\s+\d+\s+\d+\s+CompleteCommit/);
      const described = await tool('describe', '--transactional-id', 'transactions-0-commits');
      expect(described).toMatch(/CompleteCommit/);
      expect(await tool('find-hanging', '--broker-id', '1', '--max-transaction-timeout', '15')).toMatch(
        /Topic\s+Partition\s+ProducerId/,
      );
    } finally {
      tools.close();
    }
  },
  TIMEOUT_MS,
);
