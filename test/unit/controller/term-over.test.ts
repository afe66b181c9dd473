/**
 * A term that ends in the middle of an event: at every answer of the tree, and at every turn of the event
 * loop in between. From there on nothing leaves the term, and what it knows stays as it was.
 */
import { describe, expect, it } from 'vitest';
import {
  brokerChange,
  controlledShutdown,
  leaderAndIsrAnswered,
  logDirEvents,
} from '../../../broker/controller/broker-events.ts';
import { preferredElectionNode, runElection } from '../../../broker/controller/election-events.ts';
import { takeOffice } from '../../../broker/controller/failover.ts';
import { alterPartition, isrChanges } from '../../../broker/controller/isr-events.ts';
import { allocateProducerIds } from '../../../broker/controller/producer-ids.ts';
import { alterReassignments, legacyReassignments } from '../../../broker/controller/reassignment-events.ts';
import { Repair } from '../../../broker/controller/repair.ts';
import type { Term } from '../../../broker/controller/term.ts';
import { TermOver } from '../../../broker/controller/term-coordinator.ts';
import {
  partitionModifications,
  stopReplicaAnswered,
  topicChange,
  topicDeletion,
} from '../../../broker/controller/topic-events.ts';
import { ErrorCode } from '../../../broker/errors.ts';
import { OneTerm } from './one-term.ts';

/** Makes everything ready and answers the event, not begun yet. */
type Scenario = (office: OneTerm) => Promise<() => Promise<unknown>>;

const partitionsOf = (text: string): string => `{"version":1,"partitions":[${text}]}`;
const T0 = '{"topic":"t","partition":0}';

/** The epoch of a registered broker. */
const epochOf = (term: Term, id: number): number => term.state.brokers.get(id)?.epoch ?? -1;

const leaderOf = (term: Term, topic: string): number =>
  term.state.partition(topic, 0)?.leadership?.leader ?? -1;

/** The leader of t-0 asks for an ISR of its own id, by an old partition epoch if `stale`. */
function shrink(office: OneTerm, term: Term, stale: boolean): () => Promise<unknown> {
  const leader = leaderOf(term, 't');
  if (stale) {
    const node = office.world.tree.read('/brokers/topics/t/partitions/0/state');
    office.put('/brokers/topics/t/partitions/0/state', node?.data.toString() ?? '');
  }
  const { leaderEpoch = 0, partitionEpoch = 0 } = term.state.partition('t', 0)?.leadership ?? {};
  const item = {
    topic: 't',
    partition: 0,
    leaderEpoch,
    newIsr: [leader],
    leaderRecoveryState: 0,
    partitionEpoch,
  };
  const request = {
    type: 'AlterPartition',
    brokerId: leader,
    brokerEpoch: epochOf(term, leader),
    partitions: [item],
  } as const;
  return () =>
    alterPartition(term, request, () => {
      office.told++;
    });
}

/** Deletion of t has begun, and all of its replicas but one have answered. */
async function almostDeleted(office: OneTerm): Promise<() => Promise<unknown>> {
  const term = await office.inOffice();
  office.put('/admin/delete_topics/t', '');
  await topicDeletion(term);
  const replicas = [...(term.state.topics.get('t')?.partitions.values() ?? [])].flatMap((one) =>
    one.assignment.replicas.map((replica) => ({ replica, partition: one.partition })),
  );
  const answers = replicas.map(({ replica, partition }) => () => {
    const one = { topic: 't', partition, leaderEpoch: -2, deletePartition: true };
    const head = { controllerId: 1, controllerEpoch: 1, brokerEpoch: epochOf(term, replica) };
    return stopReplicaAnswered(
      term,
      replica,
      { type: 'StopReplica', ...head, partitions: [one] },
      { error: 0, partitions: [{ topic: 't', partition, error: 0 }] },
    );
  });
  const last = answers.pop();
  for (const answer of answers) await answer();
  return last ?? (() => Promise.reject(new Error('no replicas')));
}

const SCENARIOS: Record<string, Scenario> = {
  'taking office': async (office) => {
    await office.inOffice();
    office.remove('/feature');
    office.remove('/brokers/ids/4');
    office.put('/admin/delete_topics/u', '');
    office.put('/isr_change_notification/isr_change_0000000001', partitionsOf(T0));
    office.put('/admin/preferred_replica_election', partitionsOf(T0));
    office.put(
      '/admin/reassign_partitions',
      partitionsOf(`{"topic":"t","partition":1,"replicas":[${office.replicas()}]}`),
    );
    await office.makeTopic('new');
    const term = office.begin();
    return () => takeOffice(term, 0);
  },
  'new topics, one of them without an id': async (office) => {
    const term = await office.inOffice();
    await office.makeTopic('new');
    office.put('/brokers/topics/old', '{"version":2,"partitions":{"0":[1,2]}}');
    return () => topicChange(term);
  },
  'a topic that has grown': async (office) => {
    const term = await office.inOffice();
    const node = office.world.tree.read('/brokers/topics/t')?.data.toString() ?? '';
    office.put('/brokers/topics/t', node.replace('"partitions":{', '"partitions":{"7":[1,2],'));
    return () => partitionModifications(term, 't');
  },
  'a topic that has grown while it is deleted': async (office) => {
    const term = await office.inOffice();
    term.state.topicsToDelete.add('t');
    const node = office.world.tree.read('/brokers/topics/t')?.data.toString() ?? '';
    office.put('/brokers/topics/t', node.replace('"partitions":{', '"partitions":{"7":[1,2],'));
    return () => partitionModifications(term, 't');
  },
  'a request to delete topics': async (office) => {
    const term = await office.inOffice();
    office.put('/admin/delete_topics/t', '');
    office.put('/admin/delete_topics/unknown', '');
    return () => topicDeletion(term);
  },
  'the end of a deletion': almostDeleted,
  'a broker that is gone, one that has bounced, and one that is new': async (office) => {
    office.remove('/brokers/ids/1');
    const term = await office.inOffice();
    await office.register(1);
    office.remove('/brokers/ids/2');
    await office.register(2);
    office.remove('/brokers/ids/3');
    return () => brokerChange(term);
  },
  'a changed ISR': async (office) => shrink(office, await office.inOffice(), false),
  'an ISR that somebody else has changed': async (office) => shrink(office, await office.inOffice(), true),
  'notices of changed ISRs': async (office) => {
    const term = await office.inOffice();
    office.put('/isr_change_notification/isr_change_0000000001', partitionsOf(T0));
    return () => isrChanges(term);
  },
  'notices of changed ISRs of unknown partitions': async (office) => {
    const term = await office.inOffice();
    office.put('/isr_change_notification/isr_change_0000000001', partitionsOf('{"topic":"x","partition":0}'));
    return () => isrChanges(term);
  },
  'a notice of a failed disk': async (office) => {
    const term = await office.inOffice();
    office.put('/log_dir_event_notification/log_dir_event_0000000001', '{"version":1,"broker":2,"event":1}');
    return () => logDirEvents(term);
  },
  'a leader whose disk has failed': async (office) => {
    const term = await office.inOffice();
    const leader = leaderOf(term, 't');
    const partitions = [{ topic: 't', partition: 0, error: ErrorCode.KAFKA_STORAGE_ERROR }];
    return () => leaderAndIsrAnswered(term, leader, { error: 0, partitions });
  },
  'a broker that asks to leave, and the elections that give its partitions back': async (office) => {
    const term = await office.inOffice();
    const brokerId = leaderOf(term, 't');
    return async () => {
      await controlledShutdown(term, { type: 'ControlledShutdown', brokerId, brokerEpoch: -1 });
      term.state.shuttingDown.clear();
      await runElection(term, 'preferred', null);
    };
  },
  'elections of the legacy node': async (office) => {
    const term = await office.inOffice();
    office.put('/admin/preferred_replica_election', partitionsOf(T0));
    return () => preferredElectionNode(term);
  },
  'a reassignment that waits for its replicas, and is cancelled': async (office) => {
    const term = await office.inOffice();
    const replicas = [1, 2, 3, 4].filter((id) => id !== leaderOf(term, 't'));
    return async () => {
      await alterReassignments(term, [{ topic: 't', partition: 0, replicas }]);
      await alterReassignments(term, [{ topic: 't', partition: 0, replicas: null }]);
    };
  },
  'a reassignment that ends at once, of the legacy node': async (office) => {
    const term = await office.inOffice();
    const [, ...replicas] = term.state.partition('t', 0)?.assignment.replicas ?? [];
    const move = `{"topic":"t","partition":0,"replicas":[${replicas}]}`;
    office.put('/admin/reassign_partitions', partitionsOf(move));
    return () => legacyReassignments(term);
  },
  'producer ids': async (office) => {
    const term = await office.inOffice();
    const request = { type: 'AllocateProducerIds', brokerId: 1, brokerEpoch: epochOf(term, 1) } as const;
    return () => allocateProducerIds(term, request);
  },
  'a look at what is undone': async (office) => {
    const term = await office.inOffice();
    await office.makeTopic('missed');
    office.put('/admin/delete_topics/u', '');
    const repair = new Repair(term);
    return () => repair.run();
  },
};

async function prepared(scenario: Scenario, seed: number) {
  const office = new OneTerm(seed);
  await office.build();
  const event = await scenario(office);
  office.session.answers = 0;
  return { office, event };
}

/** Long enough for everything that could still happen: nothing here waits for more than microtasks. */
function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** How the event ended: null well. */
function outcome(event: Promise<unknown>): Promise<unknown> {
  return event.then(
    () => null,
    (error: unknown) => error,
  );
}

/** How many answers and microtasks an event takes that nobody disturbs. */
async function lengthOf(scenario: Scenario, seed: number): Promise<{ answers: number; turns: number }> {
  const { office, event } = await prepared(scenario, seed);
  const before = office.effects;
  let over = false;
  let turns = 0;
  const ended = outcome(event()).then((error) => {
    over = true;
    expect(error).toBeNull();
  });
  for (; !over; turns++) await Promise.resolve();
  await ended;
  expect(office.effects).toBeGreaterThan(before);
  return { answers: office.session.answers, turns };
}

describe.each([1, 2])('a term that ends, seed %i', (seed) => {
  it.each(Object.entries(SCENARIOS))(
    'at any answer during %s: nothing is told or changed any more',
    async (_, scenario) => {
      const { answers } = await lengthOf(scenario, seed);
      expect(answers).toBeGreaterThan(0);
      for (let last = 1; last <= answers; last++) {
        const { office, event } = await prepared(scenario, seed);
        let then: { effects: number; state: unknown } | null = null;
        office.session.beforeAnswer = () => {
          if (office.session.answers !== last) return;
          office.term.end();
          then = { effects: office.effects, state: structuredClone(office.term.state) };
        };
        expect(await outcome(event())).toBeInstanceOf(TermOver);
        await settled();
        expect({ effects: office.effects, state: structuredClone(office.term.state) }).toEqual(then);
      }
    },
  );

  it.each(Object.entries(SCENARIOS))(
    'between any two answers during %s: nothing is told or written any more',
    async (_, scenario) => {
      const { turns } = await lengthOf(scenario, seed);
      for (let last = 0; last < turns; last++) {
        const { office, event } = await prepared(scenario, seed);
        const ended = outcome(event());
        for (let turn = 0; turn < last; turn++) await Promise.resolve();
        office.term.end();
        const then = office.effects;
        const error = await ended;
        if (error !== null) expect(error).toBeInstanceOf(TermOver);
        await settled();
        expect(office.effects).toBe(then);
      }
    },
  );
});

describe('a term that is over', () => {
  it('takes up no work after a turn that was given to others', async () => {
    const office = new OneTerm(1);
    await office.build();
    const term = await office.inOffice();
    const unknown = Array.from({ length: 1500 }, (_, partition) => ({
      topic: 'x',
      partition,
      replicas: [1],
    }));
    const replicas = office.replicas().reverse();
    const ended = outcome(alterReassignments(term, [...unknown, { topic: 't', partition: 0, replicas }]));
    await settled();
    term.end();
    const then = office.effects;
    await office.world.clock.runUntil(1000);
    expect(await ended).toBeInstanceOf(TermOver);
    expect(office.effects).toBe(then);
  });

  it('gives no store that reads, writes or watches', async () => {
    const office = new OneTerm(1);
    await office.build();
    const term = await office.inOffice();
    term.end();
    const then = office.effects;
    await expect(term.store.topics.names()).rejects.toBeInstanceOf(TermOver);
    await expect(term.store.coordinator.sync()).rejects.toBeInstanceOf(TermOver);
    await expect(term.fenced.deletePreferredElection()).rejects.toBeInstanceOf(TermOver);
    expect(() => term.watch('/x', 'node', 'X', async () => {})).toThrow(TermOver);
    expect(() => term.tell([{ request: 'UpdateMetadata', to: 'all', partitions: [] }])).toThrow(TermOver);
    expect(office.effects).toBe(then);
  });
});
