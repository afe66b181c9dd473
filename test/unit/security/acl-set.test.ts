/** What access rules come to, as Kafka's AclAuthorizer decides. */
import { describe, expect, it } from 'vitest';
import { type Acl, ALL_OPERATIONS, ANY, PatternType, Permission } from '../../../broker/security/acl.ts';
import { AclSet, type Asker } from '../../../broker/security/acl-set.ts';
import { CLUSTER, groupNamed, Operation, topicNamed } from '../../../broker/security/operations.ts';

const TOPIC = 2;
const { READ, WRITE, DESCRIBE, ALTER_CONFIGS, DESCRIBE_CONFIGS } = Operation;
const ALICE: Asker = { principal: 'User:alice', host: '10.0.0.1' };

type Words = Partial<Acl>;

const allow = (operation: number, more: Words = {}): Acl => ({
  principal: 'User:alice',
  host: '*',
  operation,
  permission: Permission.ALLOW,
  ...more,
});
const deny = (operation: number, more: Words = {}): Acl =>
  allow(operation, { permission: Permission.DENY, ...more });

/** Rules of topics: `orders`, `*`, and those of prefixes as `ord…`. */
function rules(byName: Record<string, readonly Acl[]>): AclSet {
  const set = new AclSet();
  for (const [name, acls] of Object.entries(byName)) set.replace(pattern(name), acls);
  return set;
}

function pattern(name: string) {
  const prefix = name.endsWith('…');
  return {
    resourceType: TOPIC,
    name: prefix ? name.slice(0, -1) : name,
    patternType: prefix ? PatternType.PREFIXED : PatternType.LITERAL,
  };
}

const decide = (set: AclSet, operation: Operation, topic: string, asker = ALICE) =>
  set.decide(asker, operation, topicNamed(topic));

describe('the rules about a name', () => {
  it('are those of the name, of the wildcard and of every prefix of it', () => {
    for (const name of ['orders', '*', 'o…', 'ord…', 'orders…']) {
      expect(decide(rules({ [name]: [allow(READ)] }), READ, 'orders'), name).toBe('allowed');
    }
  });

  it('are none of longer, shorter or other names', () => {
    for (const name of ['order', 'orders2', 'orders2…', 'x…']) {
      expect(decide(rules({ [name]: [allow(READ)] }), READ, 'orders'), name).toBe('unruled');
    }
  });

  it('of one type are none of another', () => {
    const set = rules({ '*': [allow(ALL_OPERATIONS)] });
    expect(set.decide(ALICE, READ, groupNamed('g'))).toBe('unruled');
    expect(set.decide(ALICE, DESCRIBE, CLUSTER)).toBe('unruled');
  });

  it('make it ruled for everybody, also who is in none of them', () => {
    const set = rules({ orders: [allow(READ)] });
    expect(decide(set, READ, 'orders', { ...ALICE, principal: 'User:bob' })).toBe('denied');
    expect(decide(set, READ, 'others', { ...ALICE, principal: 'User:bob' })).toBe('unruled');
  });

  it('are gone when they are replaced by none', () => {
    const set = rules({ orders: [allow(READ)], 'ord…': [allow(WRITE)] });
    set.replace(pattern('orders'), []);
    expect(decide(set, READ, 'orders')).toBe('denied');
    set.replace(pattern('ord…'), []);
    expect(decide(set, READ, 'orders')).toBe('unruled');
  });
});

describe('a rule', () => {
  it('is about its principal, or about everybody as User:*', () => {
    const bob = { ...ALICE, principal: 'User:bob' };
    expect(decide(rules({ t: [allow(READ)] }), READ, 't', bob)).toBe('denied');
    expect(decide(rules({ t: [allow(READ, { principal: 'User:*' })] }), READ, 't', bob)).toBe('allowed');
    const typed = { ...ALICE, principal: 'Group:alice' };
    expect(decide(rules({ t: [allow(READ)] }), READ, 't', typed)).toBe('denied');
  });

  it('is about its host, or about every one', () => {
    const set = rules({ t: [allow(READ, { host: '10.0.0.2' })] });
    expect(decide(set, READ, 't')).toBe('denied');
    expect(decide(set, READ, 't', { ...ALICE, host: '10.0.0.2' })).toBe('allowed');
  });

  it('that denies outweighs every one that allows, whatever they are about', () => {
    for (const denied of ['orders', '*', 'ord…']) {
      for (const allowed of ['orders', '*', 'ord…', 'o…']) {
        const set = rules({ [allowed]: [allow(READ)] });
        const together = denied === allowed ? [allow(READ), deny(READ)] : [deny(READ)];
        set.replace(pattern(denied), together);
        expect(decide(set, READ, 'orders'), `${denied} ${allowed}`).toBe('denied');
      }
    }
  });

  it('about all operations is about each', () => {
    for (const operation of Object.values(Operation)) {
      expect(decide(rules({ t: [allow(ALL_OPERATIONS)] }), operation, 't')).toBe('allowed');
      expect(decide(rules({ t: [allow(operation), deny(ALL_OPERATIONS)] }), operation, 't')).toBe('denied');
    }
  });

  it('in words that nobody knows allows and denies nothing', () => {
    expect(decide(rules({ t: [allow(0), deny(0)] }), READ, 't')).toBe('denied');
    expect(decide(rules({ t: [allow(READ), deny(0)] }), READ, 't')).toBe('allowed');
    expect(decide(rules({ t: [allow(READ, { permission: 0 })] }), READ, 't')).toBe('denied');
  });
});

describe('what includes what', () => {
  const included: readonly (readonly [Operation, readonly number[]])[] = [
    [DESCRIBE, [READ, WRITE, Operation.DELETE, Operation.ALTER]],
    [DESCRIBE_CONFIGS, [ALTER_CONFIGS]],
  ];

  it.each(
    Object.values(Operation).flatMap((asked) => Object.values(Operation).map((given) => [asked, given])),
  )('operation %i with the right to %i', (asked = READ, given = READ) => {
    const includes = included.some(([less, more]) => less === asked && more.includes(given));
    const expected = asked === given || includes ? 'allowed' : 'denied';
    expect(decide(rules({ t: [allow(given)] }), asked, 't')).toBe(expected);
  });

  it('goes for what is allowed only: who may not write may still see', () => {
    expect(decide(rules({ t: [allow(READ), deny(WRITE)] }), DESCRIBE, 't')).toBe('allowed');
  });
});

describe('a right to some resource of a type', () => {
  const some = (byName: Record<string, readonly Acl[]>) => rules(byName).allowsForSome(ALICE, WRITE, 'topic');

  it.each([
    ['no rule at all', {}, false],
    ['a name', { t: [allow(WRITE)] }, true],
    ['a prefix', { 't…': [allow(WRITE)] }, true],
    ['all operations', { t: [allow(ALL_OPERATIONS)] }, true],
    ['another operation', { t: [allow(READ)] }, false],
    ['another principal', { t: [allow(WRITE, { principal: 'User:bob' })] }, false],
    ['another host', { t: [allow(WRITE, { host: '10.9.9.9' })] }, false],
    ['a name that is denied too', { t: [allow(WRITE), deny(WRITE)] }, false],
    ['a name below a denied prefix', { tea: [allow(WRITE)], 't…': [deny(WRITE)] }, false],
    ['a name beside a denied one', { tea: [allow(WRITE)], coffee: [deny(WRITE)] }, true],
    ['a prefix below a denied prefix', { 'tea…': [allow(WRITE)], 't…': [deny(WRITE)] }, false],
    ['a prefix above a denied prefix', { 't…': [allow(WRITE)], 'tea…': [deny(WRITE)] }, true],
    ['a prefix, and a name of it that is denied', { 't…': [allow(WRITE)], tea: [deny(WRITE)] }, true],
    ['everything but a prefix', { '*': [allow(WRITE)], 't…': [deny(WRITE)] }, true],
    ['something, and everything denied', { t: [allow(WRITE)], '*': [deny(WRITE)] }, false],
  ])('%s: %o', (_what, byName, expected) => {
    expect(some(byName)).toBe(expected);
  });
});

describe('the set', () => {
  it('counts its changes', () => {
    const set = new AclSet();
    const before = set.generation;
    set.replace(pattern('t'), [allow(READ)]);
    expect(set.generation).toBeGreaterThan(before);
  });

  it('becomes another at once, which is a change', () => {
    const set = rules({ tea: [allow(READ)] });
    const before = set.generation;
    set.become(rules({ coffee: [allow(READ)] }));
    expect([...set.patterns()].map(({ name }) => name)).toEqual(['coffee']);
    expect(set.generation).toBeGreaterThan(before);
  });

  it('passes over types that nobody knows', () => {
    const set = new AclSet();
    set.replace({ resourceType: 99, name: 't', patternType: PatternType.LITERAL }, [allow(READ)]);
    expect([...set.patterns()]).toEqual([]);
  });

  const every = { principal: null, host: null, operation: ANY, permission: ANY };

  it('lists what a filter means: any, one, and whatever a name falls under', () => {
    const set = rules({ tea: [allow(READ)], 't…': [allow(WRITE)], '*': [deny(READ)], coffee: [allow(READ)] });
    const listed = (resourceType: number, name: string | null, patternType: number) =>
      [...set.bindings({ ...every, resourceType, name, patternType })].map((one) => one.name).sort();
    expect(listed(ANY, null, ANY)).toEqual(['*', 'coffee', 't', 'tea']);
    expect(listed(TOPIC, 'tea', PatternType.LITERAL)).toEqual(['tea']);
    expect(listed(TOPIC, 'tea', PatternType.PREFIXED)).toEqual([]);
    expect(listed(TOPIC, 't', ANY)).toEqual(['t']);
    expect(listed(TOPIC, 'tea', PatternType.MATCH)).toEqual(['*', 't', 'tea']);
    expect(listed(TOPIC, null, PatternType.MATCH)).toEqual(['*', 'coffee', 't', 'tea']);
    expect(listed(TOPIC, null, PatternType.PREFIXED)).toEqual(['t']);
    expect(listed(3, null, ANY)).toEqual([]);
  });

  it('lists by principal, host, operation and permission', () => {
    const set = rules({ t: [allow(READ), deny(WRITE, { host: '10.0.0.1' })] });
    const listed = (more: object) =>
      [...set.bindings({ ...every, resourceType: ANY, name: null, patternType: ANY, ...more })].length;
    expect(listed({ principal: 'User:alice' })).toBe(2);
    expect(listed({ principal: 'User:bob' })).toBe(0);
    expect(listed({ host: '10.0.0.1' })).toBe(1);
    expect(listed({ operation: READ })).toBe(1);
    expect(listed({ permission: Permission.DENY })).toBe(1);
  });
});
