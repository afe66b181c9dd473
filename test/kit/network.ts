/** The ways between brokers, ZooKeeper and clients: cut, slowed, mended. */
import { refuseUnknown } from '../../broker/faults/known-names.ts';
import type { LinkRule } from '../../broker/platform/faulty/link-rule.ts';
import type { Member } from './member.ts';

/** A broker by its id, ZooKeeper, or all clients. */
export type Party = number | 'zookeeper' | 'clients';

export interface CutOptions {
  /**
   * `reset`: connections end and new ones are refused, which everybody notices at once. `silent`: nothing
   * comes through and nobody is told, until time-outs tell.
   */
  readonly how?: 'reset' | 'silent';
}

export function cut(
  members: readonly Member[],
  one: Party,
  other: Party,
  { how = 'reset', ...others }: CutOptions,
): void {
  refuseUnknown(Object.keys(others), ['how'], 'option of cut');
  refuseUnknown([how], ['reset', 'silent'], 'way of being cut');
  for (const rule of rulesBetween(members, one, other)) {
    rule.place(how === 'silent' ? { isSilent: true } : { isCut: true });
  }
}

/** How what slows a way is taken away: the next delay takes its place. */
const SLOWED = new WeakMap<LinkRule, () => void>();

/** Everything between them takes so much longer, each way. */
export function slow(members: readonly Member[], one: Party, other: Party, delayMs: number): void {
  if (!(delayMs >= 0)) throw new Error(`slow takes 0 ms or more, not ${delayMs}`);
  for (const rule of rulesBetween(members, one, other)) {
    SLOWED.get(rule)?.();
    SLOWED.set(rule, rule.place({ delayMs }));
  }
}

/** Of all ways, or of the one between these two. */
export function heal(members: readonly Member[], one?: Party, other?: Party): void {
  if (one !== undefined && other !== undefined)
    for (const rule of rulesBetween(members, one, other)) rule.heal();
  else for (const { links } of members) links.heal();
}

function rulesBetween(members: readonly Member[], one: Party, other: Party): readonly LinkRule[] {
  const [broker, second] = typeof one === 'number' ? [one, other] : [other, one];
  if (typeof broker !== 'number' || broker === second)
    throw new Error(
      `there is no way from ${one} to ${other}: one of them must be a broker, the other another`,
    );
  const member = memberOf(members, broker);
  if (second === 'zookeeper') return [member.links.zookeeper];
  if (second === 'clients') return [member.links.clients];
  if (typeof second !== 'number')
    throw new Error(`'${second}' is no end of a way: there are ids of brokers, 'zookeeper' and 'clients'`);
  const peer = memberOf(members, second);
  // Whoever dials, the rule is found under the address that is dialled.
  return [
    member.links.to('127.0.0.1', peer.bound.peerPort),
    peer.links.to('127.0.0.1', member.bound.peerPort),
  ];
}

/** Throws when there is no such broker. */
export function memberOf(members: readonly Member[], id: number): Member {
  const member = members.find((each) => each.id === id);
  if (member === undefined) throw new Error(`there is no broker ${id}: they are 1 to ${members.length}`);
  return member;
}
