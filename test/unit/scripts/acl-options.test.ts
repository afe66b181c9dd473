/** What `odradek acls` reads from its command line, and how it writes rules. */
import { describe, expect, it } from 'vitest';
import { aclText, patternText } from '../../../scripts/cli/acls/acl-words.ts';
import { aclsCommand } from '../../../scripts/cli/acls/acls.ts';
import { namedPatterns, wantedAcls } from '../../../scripts/cli/acls/wanted-acls.ts';
import { parseCommand, UsageError } from '../../../scripts/cli/arguments.ts';

const given = (line: string) => parseCommand(aclsCommand, line.split(' '));
const wanted = (line: string) => {
  const action = line.startsWith('--add') ? 'add' : 'remove';
  return wantedAcls(given(line), action).flatMap(({ pattern, acls }) => {
    const { resourceType, name, patternType } = pattern;
    const words = acls.map((acl) => aclText(acl).replaceAll(/\w+=|[(),]/g, ''));
    return [`${resourceType}:${name}:${patternType}`, ...words];
  });
};

describe('rules', () => {
  it.each([
    ['--add --allow-principal User:a --topic t', ['2:t:3', 'User:a * ALL ALLOW']],
    [
      '--add --allow-principal User:a --deny-principal User:b --deny-host 10.0.0.1 --operation read --topic t',
      ['2:t:3', 'User:a * READ ALLOW', 'User:b 10.0.0.1 READ DENY'],
    ],
    [
      '--add --allow-principal User:a --operation DescribeConfigs --operation ALTER_CONFIGS --cluster',
      ['4:kafka-cluster:3', 'User:a * DESCRIBE_CONFIGS ALLOW', 'User:a * ALTER_CONFIGS ALLOW'],
    ],
    [
      '--add --allow-principal User:a --producer --idempotent --topic t --transactional-id x',
      [
        ...['2:t:3', 'User:a * WRITE ALLOW', 'User:a * DESCRIBE ALLOW', 'User:a * CREATE ALLOW'],
        ...['5:x:3', 'User:a * WRITE ALLOW', 'User:a * DESCRIBE ALLOW'],
        ...['4:kafka-cluster:3', 'User:a * IDEMPOTENT_WRITE ALLOW'],
      ],
    ],
    [
      '--add --allow-principal User:a --consumer --topic t --group g --resource-pattern-type prefixed',
      ['2:t:4', 'User:a * READ ALLOW', 'User:a * DESCRIBE ALLOW', '3:g:4', 'User:a * READ ALLOW'],
    ],
    ['--remove --topic t --resource-pattern-type match', ['2:t:2']],
    [
      '--add --allow-principal User:a --user-principal User:x --operation CreateTokens',
      ['7:User:x:3', 'User:a * CREATE_TOKENS ALLOW'],
    ],
  ])('%s', (line, expected) => {
    expect(wanted(line)).toEqual(expected);
  });

  it.each([
    ['--add --topic t', 'one of: --allow-principal, --deny-principal'],
    ['--add --allow-principal User:a', 'at least one resource'],
    ['--add --allow-principal a --topic t', "as Type:name, such as User:alice, not 'a'"],
    ['--add --allow-principal User:a --topic t --operation Bogus', 'DescribeConfigs'],
    [
      '--add --allow-principal User:a --topic t --operation ClusterAction',
      'ResourceType TOPIC only supports operations Read',
    ],
    ['--add --allow-principal User:a --topic t --resource-pattern-type any', 'literal or prefixed'],
    [
      '--add --allow-principal User:a --topic t --resource-pattern-type some',
      "any, match, literal, prefixed, not 'some'",
    ],
    ['--add --allow-principal User:a --topic t --producer --operation Read', 'does not go with --producer'],
    ['--add --deny-principal User:a --topic t --producer', '--deny-principal does not go with --producer'],
    ['--add --allow-principal User:a --producer --group g', 'With --producer you must specify a --topic'],
    ['--add --allow-principal User:a --consumer --topic t', 'With --consumer you must specify a --group'],
    [
      '--add --allow-principal User:a --consumer --topic t --group g --cluster',
      '--cluster does not go with --consumer',
    ],
    ['--add --allow-principal User:a --topic t --idempotent', '--idempotent goes only with --producer'],
    ['--list --allow-principal User:a', '--allow-principal goes only with --add, --remove'],
    ['--add --allow-principal User:a --topic t --principal User:b', '--principal goes only with --list'],
  ])('%s is refused', (line, message) => {
    expect(() => wanted(line)).toThrow(UsageError);
    expect(() => wanted(line)).toThrow(message);
  });

  it('are written as Kafka writes them', () => {
    const [pattern] = namedPatterns(given('--list --transactional-id x --resource-pattern-type prefixed'));
    expect(pattern && patternText(pattern)).toBe(
      'ResourcePattern(resourceType=TRANSACTIONAL_ID, name=x, patternType=PREFIXED)',
    );
    expect(aclText({ principal: 'User:a', host: '*', operation: 12, permission: 2 })).toBe(
      '(principal=User:a, host=*, operation=IDEMPOTENT_WRITE, permissionType=DENY)',
    );
  });
});
