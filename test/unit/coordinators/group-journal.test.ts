/** Rebalances as the journal tells them: who came, who failed, and no more than it can bear. */
import { describe, expect, it } from 'vitest';
import { newGroup } from '../../../broker/coordinators/group/group.ts';
import { GroupJournal } from '../../../broker/coordinators/group/group-journal.ts';
import { World } from '../../support/world.ts';
import { GROUP, settle, setUp, stableMember } from './group-bench.ts';

describe('the journal of a coordinator', () => {
  it('tells the generations of a group, and that the last follows from a member that failed', async () => {
    const bench = setUp();
    const memberId = await stableMember(bench);
    await bench.clock.runFor(11_000);
    await settle();
    const events = bench.journal.since(0).filter(({ event }) => event.kind.startsWith('group-'));
    const failed = events[1]?.id;
    expect(events.map(({ causeId, event }) => [causeId, event])).toEqual([
      [null, { kind: 'group-rebalanced', groupId: GROUP, generationId: 1, members: 1, joined: 1, left: 0 }],
      [null, { kind: 'group-member-failed', groupId: GROUP, memberId }],
      [failed, { kind: 'group-rebalanced', groupId: GROUP, generationId: 2, members: 0, joined: 0, left: 1 }],
    ]);
  });

  it('tells of one second no more than its limit, however often clients come and go', async () => {
    const world = new World();
    const { journal } = world.platform();
    const groups = new GroupJournal(journal, world.clock);
    const group = newGroup(GROUP, 0);
    for (let count = 0; count < 1000; count++) groups.rebalanced(group);
    expect(journal.lastId).toBe(50);
    await world.clock.runFor(1000);
    groups.rebalanced(group);
    expect(journal.lastId).toBe(51);
  });
});
