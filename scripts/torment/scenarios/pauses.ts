/** Brokers that stand still longer than their session and come back as zombies; and restarts in turn. */

import { unsettled } from '../cluster/settled.ts';
import { SESSION_TIMEOUT_MS } from '../cluster/tormented-cluster.ts';
import { about, expectSoon, type Scenario, type Stage, wait } from './scenario.ts';

/** A zombie is awake for so long before it is looked at. */
const AWAKE_MS = 2000;

export const PAUSES: readonly Scenario[] = [
  {
    name: 'pause-controller',
    title: 'the controller stands still (SIGSTOP) until another one is elected, and comes back as a zombie',
    run: (stage) => pause(stage, 'controller'),
  },
  {
    name: 'pause-leader',
    title: 'the leader stands still (SIGSTOP) until another one is elected, and comes back as a zombie',
    run: (stage) => pause(stage, 'leader'),
  },
  {
    name: 'rolling-restart',
    title: 'every broker ends in order and is started again, in turn',
    run: rollingRestart,
  },
];

async function pause(stage: Stage, role: 'leader' | 'controller'): Promise<void> {
  const { cluster } = stage;
  const victim = await stage[role]();
  stage.mark(`broker ${victim}, the ${role}, stands still`);
  cluster.broker(victim).pause();
  await wait(about(SESSION_TIMEOUT_MS, stage.random));
  await expectSoon(`another ${role} than broker ${victim}`, async () => (await stage[role]()) !== victim);
  await stage.everyoneGoesOn();
  stage.mark(`broker ${victim} goes on`);
  cluster.broker(victim).resume();
  await wait(AWAKE_MS);
}

async function rollingRestart(stage: Stage): Promise<void> {
  const { cluster } = stage;
  for (const broker of cluster.brokers) {
    stage.mark(`an orderly end of broker ${broker.id}`);
    await broker.stop();
    stage.mark(`broker ${broker.id} is started again`);
    broker.start();
    await expectSoon(
      `all replicas in sync after the restart of broker ${broker.id}`,
      async () => (await unsettled(cluster)).length === 0,
    );
  }
}
