/** Groups of very many members, all of which come at about the same time: what each costs the others. */
import { expect, it, vi } from 'vitest';
import {
  type Group,
  type Member,
  newGroup,
  selectProtocol,
  supportsProtocols,
} from '../../../broker/coordinators/group/group.ts';

const MEMBERS = 1000;
const MEMBER: Omit<Member, 'memberId' | 'protocols'> = {
  ...{ instanceId: null, clientId: 'c', clientHost: '/h', protocolType: 'consumer' },
  ...{ rebalanceTimeoutMs: 1, sessionTimeoutMs: 1, assignment: Buffer.alloc(0) },
  ...{ joinTicket: null, syncTicket: null, isNew: false },
};

function groupOf(protocolsOf: (member: number) => readonly string[]): Group {
  const group = newGroup('g', 0);
  group.protocolType = 'consumer';
  group.state = 'PreparingRebalance';
  for (let member = 0; member < MEMBERS; member++) {
    const protocols = protocolsOf(member).map((name) => ({ name, metadata: Buffer.alloc(0) }));
    const memberId = `m${member}`;
    group.members.set(memberId, { ...MEMBER, memberId, protocols });
  }
  return group;
}

it('whether another fits to them is found without a set of the protocols of each', () => {
  const group = groupOf(() => ['range', 'roundrobin']);
  const added = vi.spyOn(Set.prototype, 'add');
  try {
    expect(supportsProtocols(group, 'consumer', [{ name: 'roundrobin' }])).toBe(true);
    expect(added.mock.calls.length).toBeLessThan(10);
  } finally {
    added.mockRestore();
  }
});

it.each([
  ['few', []],
  ['many', Array.from({ length: 20 }, (_, n) => `own-${n}`)],
])('what all support is found where each has %s others', (_name, others) => {
  const group = groupOf((member) =>
    [...others.map((name) => `${name}-${member}`), 'all', 'even', 'odd'].filter(
      (name) => (name !== 'even' || member % 2 === 0) && (name !== 'odd' || member % 2 === 1),
    ),
  );
  expect(supportsProtocols(group, 'consumer', [{ name: 'even' }])).toBe(false);
  expect(supportsProtocols(group, 'consumer', [{ name: 'even' }, { name: 'all' }])).toBe(true);
  expect(selectProtocol(group)).toBe('all');
});
