/** Rights by rules: super users, names without rules, and answers that are remembered until a rule changes. */
import { describe, expect, it } from 'vitest';
import { PatternType, Permission } from '../../../broker/security/acl.ts';
import { AclAuthorizer } from '../../../broker/security/acl-authorizer.ts';
import { AclSet } from '../../../broker/security/acl-set.ts';
import { javaAddress } from '../../../broker/security/java-address.ts';
import { Operation, topicNamed } from '../../../broker/security/operations.ts';

const ALICE = { type: 'User', name: 'alice' };
const { READ, WRITE } = Operation;

const pattern = (name: string) => ({ resourceType: 2, name, patternType: PatternType.LITERAL });
const rule = (operation: number, more = {}) => ({
  principal: 'User:alice',
  host: '*',
  operation,
  permission: Permission.ALLOW,
  ...more,
});

function authorizer(acls: AclSet, more = {}) {
  return new AclAuthorizer({
    acls,
    superUsers: new Set(),
    allowsUnruled: false,
    maxRemembered: 3,
    ...more,
  });
}

describe('somebody’s rights', () => {
  it('are what the rules allow, as they are at that moment', () => {
    const acls = new AclSet();
    const rights = authorizer(acls).rightsOf(ALICE, '10.0.0.1');
    expect(rights.may(READ, topicNamed('t'))).toBe(false);
    expect(rights.mayForSome(READ, 'topic')).toBe(false);
    acls.replace(pattern('t'), [rule(READ)]);
    expect(rights.may(READ, topicNamed('t'))).toBe(true);
    expect(rights.may(WRITE, topicNamed('t'))).toBe(false);
    expect(rights.mayForSome(READ, 'topic')).toBe(true);
    acls.replace(pattern('t'), []);
    expect(rights.may(READ, topicNamed('t'))).toBe(false);
    expect(rights.mayForSome(READ, 'topic')).toBe(false);
  });

  it('are decided once for a resource and operation while no rule changes', () => {
    const acls = new AclSet();
    acls.replace(pattern('t'), [rule(READ)]);
    let decided = 0;
    const counting = Object.assign(Object.create(acls) as AclSet, {
      decide: (...question: Parameters<AclSet['decide']>) => {
        decided++;
        return acls.decide(...question);
      },
    });
    Object.defineProperty(counting, 'generation', { get: () => acls.generation });
    const rights = authorizer(counting).rightsOf(ALICE, '10.0.0.1');
    for (let times = 0; times < 3; times++) {
      expect(rights.may(READ, topicNamed('t'))).toBe(true);
      expect(rights.may(WRITE, topicNamed('t'))).toBe(false);
    }
    expect(decided).toBe(2);
    acls.replace(pattern('other'), [rule(READ)]);
    rights.may(READ, topicNamed('t'));
    expect(decided).toBe(3);
  });

  it('are remembered for so many resources and right for all of them', () => {
    const acls = new AclSet();
    for (const name of ['a', 'c', 'e']) acls.replace(pattern(name), [rule(READ)]);
    const rights = authorizer(acls).rightsOf(ALICE, '10.0.0.1');
    for (let times = 0; times < 2; times++) {
      const readable = ['a', 'b', 'c', 'd', 'e'].filter((name) => rights.may(READ, topicNamed(name)));
      expect(readable).toEqual(['a', 'c', 'e']);
    }
  });

  it('are all there are for a super user, whatever denies them', () => {
    const acls = new AclSet();
    acls.replace(pattern('t'), [rule(READ, { permission: Permission.DENY })]);
    const rights = authorizer(acls, { superUsers: new Set(['User:alice']) }).rightsOf(ALICE, '10.0.0.1');
    expect(rights.may(READ, topicNamed('t'))).toBe(true);
    expect(rights.mayForSome(WRITE, 'topic')).toBe(true);
  });

  it('include what no rule is about, where everybody is allowed that', () => {
    const acls = new AclSet();
    const rights = authorizer(acls, { allowsUnruled: true }).rightsOf(ALICE, '10.0.0.1');
    expect(rights.may(READ, topicNamed('t'))).toBe(true);
    acls.replace(pattern('t'), [rule(READ, { principal: 'User:bob' })]);
    expect(rights.may(READ, topicNamed('t'))).toBe(false);
    expect(rights.may(READ, topicNamed('u'))).toBe(true);
    expect(rights.mayForSome(WRITE, 'topic')).toBe(true);
    acls.replace(pattern('*'), [rule(WRITE, { permission: Permission.DENY })]);
    expect(rights.mayForSome(WRITE, 'topic')).toBe(false);
  });

  it('go by the address as Java would print it', () => {
    const acls = new AclSet();
    acls.replace(pattern('t'), [rule(READ, { host: '0:0:0:0:0:0:0:1' }), rule(WRITE, { host: '127.0.0.1' })]);
    const mayRead = (host: string) => authorizer(acls).rightsOf(ALICE, host).may(READ, topicNamed('t'));
    expect([mayRead('::1'), mayRead('127.0.0.1')]).toEqual([true, false]);
    expect(authorizer(acls).rightsOf(ALICE, '::ffff:127.0.0.1').may(WRITE, topicNamed('t'))).toBe(true);
  });
});

describe('an address as Java prints it', () => {
  it.each([
    ['127.0.0.1', '127.0.0.1'],
    ['::ffff:10.1.2.3', '10.1.2.3'],
    ['::1', '0:0:0:0:0:0:0:1'],
    ['::', '0:0:0:0:0:0:0:0'],
    ['fe80::1%eth0', 'fe80:0:0:0:0:0:0:1%eth0'],
    ['2001:db8::8:800:200C:417A', '2001:db8:0:0:8:800:200c:417a'],
    ['1:2:3:4:5:6:7:0008', '1:2:3:4:5:6:7:8'],
    ['', ''],
  ])('%s is %s', (given, expected) => {
    expect(javaAddress(given)).toBe(expected);
  });
});
