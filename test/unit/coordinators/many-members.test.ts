/** Groups of very many members, all of which come at about the same time: what each costs the others. */
import { expect, it, vi } from 'vitest';
import {
  addMember,
  type Group,
  type Member,
  namesOf,
  newGroup,
  removeMember,
  selectProtocol,
  supportsProtocols,
} from '../../../broker/coordinators/group/group.ts';
import { join } from '../../../broker/coordinators/group/join.ts';
import { AT, joinedGroup, request } from './group-transitions.ts';

const MEMBERS = 1000;
const MEMBER: Omit<Member, 'memberId' | 'protocols' | 'protocolNames'> = {
  ...{ instanceId: null, clientId: 'c', clientHost: '/h', protocolType: 'consumer' },
  ...{ rebalanceTimeoutMs: 1, sessionTimeoutMs: 1, assignment: Buffer.alloc(0) },
  ...{ joinTicket: null, syncTicket: null, isNew: false },
};

const protocol = (name: string) => ({ name, metadata: Buffer.alloc(0) });

function groupOf(protocolsOf: (member: number) => readonly string[], made = protocol): Group {
  const group = newGroup('g', 0);
  group.state = 'PreparingRebalance';
  for (let member = 0; member < MEMBERS; member++) {
    const protocols = protocolsOf(member).map(made);
    addMember(group, { ...MEMBER, memberId: `m${member}`, protocols, protocolNames: namesOf(protocols) });
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

const NAMES = Array.from({ length: 100 }, (_, n) => `name-${n}`);

it.each([
  ['one many times', 'each of them', () => NAMES.map(() => 'name-0')],
  ['one many times', 'the first', (member: number) => (member > 0 ? ['name-0'] : NAMES.map(() => 'name-0'))],
  ['very many', 'each of them', () => NAMES],
])('whether another fits to them is found where %s is named by %s', (_what, _who, protocolsOf) => {
  let looked = 0;
  const group = groupOf(protocolsOf, (name) => ({
    ...protocol(name),
    get name() {
      looked++;
      return name;
    },
  }));
  looked = 0;
  removeMember(group, 'm5');
  expect(supportsProtocols(group, 'consumer', [{ name: 'name-0' }])).toBe(true);
  expect(supportsProtocols(group, 'consumer', [{ name: 'another' }])).toBe(false);
  expect(looked).toBeLessThanOrEqual(2 * MEMBERS);
});

it('who names a protocol twice supports it once', () => {
  const group = joinedGroup({ newMemberId: 'm1', protocols: ['a', 'a', 'b'].map(protocol) });
  join(group, request({ newMemberId: 'm2', protocols: [protocol('b')] }), 2, AT);
  expect(supportsProtocols(group, 'consumer', [{ name: 'a' }])).toBe(false);
  expect(supportsProtocols(group, 'consumer', [{ name: 'b' }])).toBe(true);
  expect(selectProtocol(group)).toBe('b');
});

it('what they support follows who comes, says otherwise and goes', () => {
  const group = joinedGroup({ newMemberId: 'm1', protocols: ['a', 'b'].map(protocol) });
  const supported = () =>
    ['a', 'b', 'c'].filter((name) => supportsProtocols(group, 'consumer', [{ name }])).join('');
  expect(supported()).toBe('ab');
  join(group, request({ newMemberId: 'm2', protocols: ['b', 'c'].map(protocol) }), 2, AT);
  expect(supported()).toBe('b');
  join(group, request({ memberId: 'm1', protocols: ['c', 'b', 'c'].map(protocol) }), 3, AT);
  expect(supported()).toBe('bc');
  removeMember(group, 'm2');
  join(group, request({ memberId: 'm1', protocols: ['c', 'a'].map(protocol) }), 4, AT);
  expect(supported()).toBe('ac');
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
