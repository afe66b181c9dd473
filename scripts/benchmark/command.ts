/** One run of `scripts/bench`, from its options to the results; whatever ends it, nothing of it stays. */

import { join } from 'node:path';
import type { Arguments, CommandSpec } from '../cli/arguments.ts';
import { UsageError } from '../cli/arguments.ts';
import { CASES } from './cases/cases.ts';
import { ableCases, clientsOf, type Equipment, findEquipment } from './equipment.ts';
import { runMicro } from './micro/cases.ts';
import { benchOptions, type Choice, chosen } from './options.ts';
import { Plan } from './plan.ts';
import { checkoutVersion, machineFacts } from './report/machine.ts';
import { profileChildren, profileText } from './report/profile.ts';
import { writeResults } from './report/results.ts';
import { runCases } from './runner.ts';
import { checkOut } from './systems/other-checkout.ts';
import { apacheKafka, odradek, type System } from './systems/systems.ts';
import { startEmbedded, startZooKeeper } from './systems/zookeeper-server.ts';
import { Workplace } from './workplace.ts';

export const benchCommand: CommandSpec = {
  name: 'bench',
  summary: 'Measures Odradek beside Apache Kafka with the same foreign clients.',
  options: benchOptions,
  run,
};

const ROOT = join(import.meta.dirname, '..', '..');
/** As a shell says it: 128 and the number of the signal. */
const SIGNALS = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 } as const;

async function run(given: Arguments): Promise<number> {
  if (given.flag('list')) {
    const width = Math.max(...CASES.map(({ name }) => name.length)) + 2;
    for (const { name, title, onRequest } of CASES) {
      const note = onRequest === true ? ' (only when named)' : '';
      process.stdout.write(`${name.padEnd(width)}${title}${note}\n`);
    }
    return 0;
  }
  const choice = chosen(given);
  const workplace = new Workplace();
  const interrupted = new Promise<number>((resolve) => {
    for (const [signal, code] of Object.entries(SIGNALS)) {
      process.on(signal, () => {
        process.stderr.write('interrupted; stopping everything\n');
        resolve(code);
      });
    }
  });
  const work = given.flag('micro') ? micro(workplace) : measure(choice, workplace);
  try {
    return await Promise.race([interrupted, work]);
  } finally {
    await workplace.close();
  }
}

async function micro(workplace: Workplace): Promise<number> {
  await runMicro(workplace.folder('micro'), (line) => {
    workplace.checkOpen();
    process.stdout.write(`${line}\n`);
  });
  return 0;
}

async function measure(choice: Choice, workplace: Workplace): Promise<number> {
  const machine = machineFacts();
  const progress = (message: string): void => {
    if (!workplace.closed) process.stderr.write(`${message}\n`);
  };
  const equipment = await findEquipment(workplace, progress);
  const { able, left } = ableCases(choice.cases, equipment);
  for (const line of left) progress(line);
  if (able.length === 0) throw new UsageError('none of these cases can run here');
  const systems = await systemsFor(choice, workplace, equipment, progress);
  // Only what is started from here on; the clients are not Node's.
  if (choice.profiles !== null) profileChildren(choice.profiles);
  const { java, load } = equipment;
  const { rounds, warmUpSeconds, records, seconds, recordSizeBytes, percent } = choice;
  const plan = new Plan({ share: percent / 100, records, seconds, recordSizeBytes });
  const outcome = await runCases(able, systems, {
    ...{ rounds, warmUpSeconds, workplace, progress },
    ...clientsOf(workplace, equipment),
    plan,
    zookeeper: () =>
      typeof java === 'string' ? startEmbedded(workplace, ROOT) : startZooKeeper(workplace, java),
  });
  workplace.checkOpen();
  const tools = {
    ...(typeof load === 'string' ? {} : { librdkafka: load.version }),
    zookeeper: typeof java === 'string' ? "Odradek's embedded server" : java.zookeeperClasspath,
  };
  writeResults({ ...choice, cases: able }, systems, outcome, { machine, tools, records: plan.moved });
  if (choice.profiles !== null) process.stdout.write(`\n${profileText(choice.profiles)}`);
  return outcome.failures.length === 0 ? 0 : 1;
}

/** The first is the one whose ratios are shown. */
async function systemsFor(
  { only, revision }: Choice,
  workplace: Workplace,
  { java }: Equipment,
  progress: (message: string) => void,
): Promise<System[]> {
  const ours = odradek(workplace, 'odradek', checkoutVersion(), ROOT);
  if (revision !== null) {
    const { version, path, otherPackages } = await checkOut(ROOT, revision, workplace);
    progress(`beside ${version}${otherPackages ? ", with this checkout's packages and not its own" : ''}`);
    return [ours, odradek(workplace, 'before', version, path)];
  }
  if (typeof java === 'string') {
    if (only === 'kafka') throw new UsageError(`--only kafka: ${java}`);
    if (only === null) progress(`Odradek alone, without Apache Kafka: ${java}`);
    return [ours];
  }
  return [ours, apacheKafka(workplace, java)].filter(({ name }) => only === null || name === only);
}
