/**
 * The matrix of Kafka's replication tests: the leader or the controller ends in order, is killed, and does
 * either five times in a row, whoever is it by then.
 * Source: tests/kafkatest/tests/core/replication_test.py.
 */
import { about, expectSoon, type Scenario, type Stage, wait } from './scenario.ts';

const BOUNCES = 5;
const DOWN_MS = 500;

const ROLES = ['leader', 'controller'] as const;
type Role = (typeof ROLES)[number];

const HOW = {
  stop: 'an orderly end',
  kill: 'kill -9',
} as const;
type Way = keyof typeof HOW;

export const MATRIX: readonly Scenario[] = ROLES.flatMap((role): Scenario[] => [
  {
    name: `clean-shutdown-${role}`,
    title: `the ${role} ends in order, and is started again once everybody goes on without it`,
    run: (stage) => once(stage, role, 'stop'),
  },
  {
    name: `kill-${role}`,
    title: `the ${role} is killed (-9), and is started again once everybody goes on without it`,
    run: (stage) => once(stage, role, 'kill'),
  },
  {
    name: `clean-bounces-${role}`,
    title: `five times whoever is the ${role} ends in order and is started again at once`,
    run: (stage) => bounces(stage, role, 'stop'),
  },
  {
    name: `kill-bounces-${role}`,
    title: `five times whoever is the ${role} is killed (-9), replaced, and started again`,
    run: (stage) => bounces(stage, role, 'kill'),
  },
]);

async function once(stage: Stage, role: Role, way: Way): Promise<void> {
  const victim = await strike(stage, role, way);
  await replaced(stage, role, victim);
  await stage.everyoneGoesOn();
  startAgain(stage, victim);
}

async function bounces(stage: Stage, role: Role, way: Way): Promise<void> {
  for (let count = 1; count <= BOUNCES; count++) {
    const victim = await strike(stage, role, way);
    if (way === 'kill') await replaced(stage, role, victim);
    await wait(about(DOWN_MS, stage.random));
    startAgain(stage, victim);
    await answers(stage, victim);
  }
}

async function strike(stage: Stage, role: Role, way: Way): Promise<number> {
  const victim = await stage[role]();
  stage.mark(`${HOW[way]} of broker ${victim}, the ${role}`);
  await stage.cluster.broker(victim)[way]();
  return victim;
}

async function replaced(stage: Stage, role: Role, victim: number): Promise<void> {
  await expectSoon(`another ${role} than broker ${victim}`, async () => {
    const now = await stage[role]();
    return now !== victim && now > 0;
  });
}

function startAgain(stage: Stage, victim: number): void {
  stage.mark(`broker ${victim} is started again`);
  stage.cluster.broker(victim).start();
}

/** The next victim is chosen among all. */
async function answers({ cluster }: Stage, id: number): Promise<void> {
  await expectSoon(`broker ${id} to answer and to be known`, async () => {
    const seen = await cluster.seenBy(id, []);
    return seen !== null && seen.brokers.length === cluster.brokers.length;
  });
}
