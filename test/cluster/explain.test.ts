/**
 * Real processes: the controller is killed (kill -9), and the journals tell why everything is as it is then,
 * also its own, read from the files that it has left, and torn.
 */
import { appendFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AdminClient } from '../../scripts/cli/admin-client.ts';
import { Journals } from '../../scripts/cli/events/causes.ts';
import { eventsOfFiles } from '../../scripts/cli/events/journal-of-files.ts';
import { livingEndpoints } from '../../scripts/cli/events/peer-endpoints.ts';
import { aboutController, aboutPartition } from '../../scripts/cli/events/questions.ts';
import { wholeJournal } from '../../scripts/cli/events/read-events.ts';
import { standingOf } from '../../scripts/cli/events/standing.ts';
import { storyOf } from '../../scripts/cli/events/story.ts';
import { eventually } from '../support/eventually.ts';
import { Load } from '../support/load.ts';
import { activeController, type RealCluster, startRealCluster } from './real-cluster.ts';

const T0 = { topic: 't', partition: 0 };
let real: RealCluster;
let admin: AdminClient;

beforeAll(async () => {
  real = await startRealCluster({ brokers: 3 });
  admin = new AdminClient(() => real.cluster.bootstrapServers);
}, 120_000);

afterAll(async () => {
  admin.close();
  await real.close();
});

/** What the brokers that live have recorded. */
async function living() {
  const endpoints = await livingEndpoints(admin, () => {});
  const told = await Promise.all(endpoints.map((endpoint) => wholeJournal(endpoint, { details: true })));
  return told.flat().flatMap((one) => (one.what === 'event' ? [one.recorded] : []));
}

const journalOf = (broker: number): string => join(real.cluster.broker(broker).directory, 'data');

describe('the kill of the controller', () => {
  it('is told by the journals that are left, and by its own, cause by cause', async () => {
    const load = new Load({
      bootstrapServers: real.cluster.bootstrapServers,
      topic: T0.topic,
      partitions: 3,
    });
    const isWhole = async (): Promise<boolean> => (await admin.metadata([])).brokers.length === 3;
    await eventually('all brokers are known', isWhole);
    await load.createTopic(3);
    const victim = await activeController(real);
    await real.cluster.broker(victim).child.kill();
    const successor = await activeController(real, victim);
    await eventually('the successor has taken office', async () =>
      (await living()).some(
        ({ brokerId, event }) => brokerId === successor && event.kind === 'failover-finished',
      ),
    );
    const own = eventsOfFiles([journalOf(victim)], (problem) => expect.unreachable(problem));
    const journals = new Journals([...own, ...(await living())]);
    const office = storyOf(journals, aboutController(), { focus: null, most: 100 }).join('\n');
    const steps = [
      new RegExp(`Broker ${victim} was elected controller of epoch \\d+ `),
      new RegExp(`Broker ${victim} went silent\\. .* Nothing says that it was stopped`),
      new RegExp(
        `Because of \\[\\d+\\], broker ${successor} saw that /controller is gone, and with it broker ${victim}`,
      ),
      new RegExp(`Because of \\[\\d+\\], broker ${successor} was elected controller of epoch \\d+ `),
      new RegExp(`Because of \\[\\d+\\], broker ${successor} has taken office as controller of epoch \\d+ `),
    ];
    expect(steps.map((step) => office.search(step) >= 0)).toEqual(steps.map(() => true));
    const places = steps.map((step) => office.search(step));
    expect(places).toEqual(places.toSorted((a, b) => a - b));

    const partition = storyOf(journals, aboutPartition(T0), { focus: T0, most: 100 }).join('\n');
    expect(partition).toContain(`Broker ${victim} as the controller heard of the new topic t`);
    expect(partition).toContain(`Broker ${victim} went silent`);
    expect(partition).toMatch(
      new RegExp(
        `Because of \\[\\d+\\], broker ${successor} took broker ${victim} out of the in-sync replicas of t-0`,
      ),
    );
    expect(standingOf(journals.events, T0)).toMatch(
      /^t-0 now: broker \d leads it, in leader epoch \d; in sync: \d, \d; /,
    );

    // What a crash has torn is left out of the story, and cut off by the broker itself when it is back.
    const [newest = ''] = readdirSync(journalOf(victim))
      .filter((name) => name.startsWith('events-'))
      .reverse();
    appendFileSync(join(journalOf(victim), newest), '{"id":99');
    const problems: string[] = [];
    expect(eventsOfFiles([journalOf(victim)], (problem) => problems.push(problem))).toEqual(own);
    expect(problems.join()).toContain('is torn at byte');
    await real.cluster.restart(victim);
    expect(real.logOf(victim)).toContain('is torn at byte');
    const back = (await living()).filter(({ brokerId }) => brokerId === victim);
    expect(back.slice(0, own.length)).toEqual(own);
    expect(back[own.length]?.id).toBeGreaterThan(own.at(-1)?.id ?? 0);
    expect(back[own.length]?.id).toBe(1001);
  }, 120_000);
});
