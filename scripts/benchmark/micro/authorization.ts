/** What it costs to ask whether a sender may do something: as of every request, and when rules have changed. */
import { PatternType, Permission } from '../../../broker/security/acl.ts';
import { AclAuthorizer } from '../../../broker/security/acl-authorizer.ts';
import { AclSet } from '../../../broker/security/acl-set.ts';
import { Operation, topicNamed } from '../../../broker/security/operations.ts';
import type { Micro } from './measure.ts';

const TOPIC = 2;
const RULES = 10_000;
const PREFIXES = 100;
const ALICE = { type: 'User', name: 'alice' };
/** Under names that rules are about; the last is below a prefix too. */
const ASKED = 'topic-17';

/** With ten thousand rules about topics, and a hundred about prefixes of different lengths. */
export function authorization(): Micro[] {
  const acls = ruled();
  const remembering = { acls, superUsers: new Set<string>(), allowsUnruled: false, maxRemembered: 500 };
  const rights = new AclAuthorizer(remembering).rightsOf(ALICE, '10.0.0.1');
  const asker = { principal: 'User:alice', host: '10.0.0.1' };
  const topic = topicNamed(ASKED);
  return [
    { name: 'may: remembered', sizeBytes: 0, run: () => rights.may(Operation.WRITE, topic) },
    {
      name: 'may: remembered, another object',
      sizeBytes: 0,
      run: () => rights.may(Operation.READ, topicNamed(ASKED)),
    },
    {
      name: `may: decided by ${RULES} rules`,
      sizeBytes: 0,
      run: () => acls.decide(asker, Operation.WRITE, topic),
    },
  ];
}

function ruled(): AclSet {
  const acls = new AclSet();
  const rule = {
    principal: 'User:alice',
    host: '*',
    operation: Operation.WRITE,
    permission: Permission.ALLOW,
  };
  for (let index = 0; index < RULES; index++) {
    acls.replace({ resourceType: TOPIC, name: `topic-${index}`, patternType: PatternType.LITERAL }, [rule]);
  }
  for (let length = 1; length <= PREFIXES; length++) {
    const name = 'topic-'.padEnd(length, 'x').slice(0, length);
    acls.replace({ resourceType: TOPIC, name, patternType: PatternType.PREFIXED }, [
      { ...rule, principal: 'User:bob' },
    ]);
  }
  return acls;
}
