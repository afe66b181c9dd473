/** What controllers record, and what led to what: journeys as transcripts of the journal. */
import { afterEach, describe, expect, it } from 'vitest';
import type { ClusterEvent } from '../../../broker/platform/cluster-events.ts';
import type { Recorded } from '../../../broker/platform/event-ring.ts';
import { type Member, TestCluster } from './cluster.ts';

let cluster: TestCluster;
afterEach(() => cluster.stop());

/** `id←cause what`, without the times that differ from run to run. */
function transcript(recorded: readonly Recorded[]): string[] {
  return recorded.map(({ id, causeId, event }) => `${id}←${causeId ?? 'nothing'} ${words(event)}`);
}

function words(event: ClusterEvent): string {
  switch (event.kind) {
    case 'controller-elected':
    case 'failover-finished':
      return `${event.kind} at epoch ${event.epoch}`;
    case 'controller-changed':
      return `${event.kind} to ${event.controllerId}`;
    case 'brokers-changed':
      return `${event.kind}: +${event.joined} ~${event.bounced} -${event.left}`;
    case 'leader-moved': {
      const { topic, partition, from, to, leaderEpoch, reason } = event;
      return `${event.kind}: ${topic}-${partition} ${from}→${to} in epoch ${leaderEpoch}, ${reason}`;
    }
    case 'isr-shrunk':
    case 'isr-expanded':
      return `${event.kind}: ${event.topic}-${event.partition} ${event.from}→${event.to}, ${event.reason}`;
    case 'lost-leaders-replaced':
      return `${event.kind}: ${event.moved} of ${event.led} of ${event.brokers}`;
    case 'topics-created':
      return `${event.kind}: ${event.topics}`;
    case 'controller-resigned':
      return `${event.kind} from ${event.epoch}: ${event.reason}`;
    default:
      return event.kind;
  }
}

async function successorOf(dead: number): Promise<Member> {
  await cluster.kill(dead);
  await cluster.until(() => cluster.active() !== undefined);
  await cluster.settle();
  return cluster.member(cluster.controller().controllerId);
}

describe('the journal of a controller', () => {
  it('tells a failover: the election, what was moved because of it, and that it is over', async () => {
    cluster = new TestCluster();
    await cluster.start(1);
    await cluster.until(() => cluster.active() !== undefined);
    await cluster.start(2);
    await cluster.until(() => cluster.events('brokers-changed').length > 0);
    await cluster.createTopic('t', [1, 2], [2, 1]);
    const two = cluster.member(2).journal;
    const { lastId } = two;
    await successorOf(1);
    expect(
      two
        .since(0)
        .slice(0, lastId)
        .map(({ event }) => words(event)),
    ).toEqual(['controller-changed to 1']);
    await two.first('failover-finished', () => true, { timeoutMs: 3000 });
    expect(transcript(two.since(lastId))).toEqual([
      '2←nothing controller-gone',
      '3←2 controller-elected at epoch 2',
      '4←3 controller-changed to 2',
      '5←3 leader-moved: t-0 1→2 in epoch 1, failover',
      '6←3 isr-shrunk: t-0 1,2→2, failover',
      '7←3 isr-shrunk: t-1 2,1→2, failover',
      '8←3 failover-finished at epoch 2',
    ]);
  });

  it('tells what becomes of brokers that come and go, and of topics', async () => {
    cluster = new TestCluster();
    const one = await cluster.start(1);
    await cluster.until(() => cluster.active() !== undefined);
    await cluster.start(2);
    await cluster.until(() => cluster.events('brokers-changed').length > 0);
    await cluster.createTopic('t', [2, 1]);
    await cluster.kill(2);
    await cluster.until(() => cluster.events('lost-leaders-replaced').length > 0);
    expect(transcript(one.journal.since(0))).toEqual([
      '1←nothing controller-elected at epoch 1',
      '2←1 controller-changed to 1',
      '3←1 failover-finished at epoch 1',
      '4←nothing brokers-changed: +2 ~ -',
      '5←nothing topics-created: t',
      '6←5 leader-moved: t-0 -1→2 in epoch 0, new-partition',
      '7←nothing brokers-changed: + ~ -2',
      '8←7 leader-moved: t-0 2→1 in epoch 1, broker-lost',
      '9←7 isr-shrunk: t-0 2,1→1, broker-lost',
      '10←7 lost-leaders-replaced: 1 of 1 of 2',
    ]);
  });

  it('tells why an office ended', async () => {
    cluster = new TestCluster();
    const one = await cluster.start(1);
    await cluster.until(() => cluster.active() !== undefined);
    const { lastId } = one.journal;
    const causeId = one.journal.record({ kind: 'session-lost', sessionId: '0x1' });
    one.controller.onSessionLost(causeId);
    expect(transcript(one.journal.since(lastId))).toEqual([
      `${causeId}←nothing session-lost`,
      `${causeId + 1}←${causeId} controller-resigned from 1: the session is lost`,
      `${causeId + 2}←${causeId} controller-changed to -1`,
    ]);
  });
});
