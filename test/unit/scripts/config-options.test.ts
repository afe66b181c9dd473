/** What `odradek configs` reads from its command line, and how it shows quotas. */
import { describe, expect, it } from 'vitest';
import { parseCommand, UsageError } from '../../../scripts/cli/arguments.ts';
import { quotaEntityText, quotaNumber } from '../../../scripts/cli/configs/client-quotas.ts';
import { changesOf } from '../../../scripts/cli/configs/config-words.ts';
import { configsCommand } from '../../../scripts/cli/configs/configs.ts';
import { entitiesOf } from '../../../scripts/cli/configs/entities.ts';

const entities = (...words: string[]) => entitiesOf(parseCommand(configsCommand, words));

describe('entities', () => {
  it.each([
    [['--entity-type', 'topics', '--entity-name', 't'], [['topics', 't']]],
    [['--entity-type', 'brokers', '--entity-default'], [['brokers', '']]],
    [['--entity-type', 'users'], [['users', null]]],
    [
      ['--entity-type', 'users', '--entity-default', '--entity-type', 'clients', '--entity-name', 'c'],
      [
        ['users', ''],
        ['clients', 'c'],
      ],
    ],
    [
      ['--user', 'u', '--client-defaults'],
      [
        ['users', 'u'],
        ['clients', ''],
      ],
    ],
    [['--broker', '3'], [['brokers', '3']]],
  ])('%j', (words, expected) => {
    expect(entities(...words).map(({ type, name }) => [type, name])).toEqual(expected);
  });

  it.each([
    [
      ['--entity-type', 'topic'],
      "--entity-type takes topics, brokers, broker-loggers, users, clients, ips, not 'topic'",
    ],
    [['--entity-name', 't'], 'needs an --entity-type'],
    [['--topic', 't', '--user', 'u'], 'only users and clients go together'],
    [['--broker', 'one'], "a broker's name is its id, an integer, not 'one'"],
    [['--entity-type', 'topics', '--entity-default'], 'topics have no defaults'],
  ])('%j is refused', (words, message) => {
    expect(() => entities(...words)).toThrow(UsageError);
    expect(() => entities(...words)).toThrow(message);
  });
});

describe('changes', () => {
  const changes = (...words: string[]) => changesOf(parseCommand(configsCommand, ['--alter', ...words]));

  it('are keys with values, in brackets those with commas', () => {
    const { added } = changes('--add-config', 'a=1,cleanup.policy=[compact,delete], b = x=y');
    expect([...added]).toEqual([
      ['a', '1'],
      ['cleanup.policy', 'compact,delete'],
      ['b', 'x=y'],
    ]);
    expect(() => changes('--add-config', 'a')).toThrow("--add-config takes KEY=VALUE,…, not 'a'");
  });

  it('must be there, and not contradict each other', () => {
    expect(() => changes()).toThrow('--alter takes --add-config, --add-config-file or --delete-config');
    expect(() => changes('--add-config', 'a=1', '--delete-config', 'a')).toThrow(
      'a is both added and deleted',
    );
    expect(() => changes('--add-config-file', '/no/such')).toThrow('--add-config-file /no/such: ENOENT');
  });
});

describe('quotas', () => {
  it("are shown as Java's doubles", () => {
    expect([1024, 0.5, 1_048_576_0, 1e7, 0].map(quotaNumber)).toEqual([
      '1024.0',
      '0.5',
      '1.048576E7',
      '1.0E7',
      '0.0',
    ]);
  });

  it('name the user first', () => {
    const entity = [
      { entityType: 'client-id', entityName: null },
      { entityType: 'user', entityName: 'u' },
    ];
    expect(quotaEntityText({ entity })).toBe("user-principal 'u', the default client-id");
  });
});
