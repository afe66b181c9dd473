/** What the log tells of who was refused what. */
import { beforeEach, describe, expect, it } from 'vitest';
import { lineDiagnostics } from '../../../broker/platform/diagnostics.ts';
import { Denials } from '../../../broker/security/denials.ts';
import { Operation, transactionNamed } from '../../../broker/security/operations.ts';
import { World } from '../../support/world.ts';

let world: World;
let lines: string[];

function denials(level: 'info' | 'debug', maxLinesPerSecond = 2): Denials {
  const diagnostics = lineDiagnostics(world.clock, (line) => lines.push(line.slice(26)), level);
  return new Denials({ clock: world.clock, diagnostics, maxLinesPerSecond });
}

const attempt = (allowed: boolean) => ({
  principal: { type: 'User', name: 'alice' },
  host: '::1',
  api: 'DescribeTransactions',
  operation: Operation.DESCRIBE,
  resource: transactionNamed('pay'),
  allowed,
});

beforeEach(() => {
  world = new World();
  lines = [];
});

describe('a denied request', () => {
  it('is a line in Kafka’s words', () => {
    denials('info').hear(attempt(false));
    expect(lines).toEqual([
      'INFO [Authorizer] Principal = User:alice is Denied Operation = Describe from host = 0:0:0:0:0:0:0:1 on resource = TransactionalId:LITERAL:pay for request = DescribeTransactions with resourceRefCount = 1',
    ]);
  });

  it('is one of so many in a second; of the others there is the number', async () => {
    const all = denials('info');
    for (let times = 0; times < 5; times++) all.hear(attempt(false));
    expect(lines).toHaveLength(2);
    await world.clock.runFor(1000);
    all.hear(attempt(false));
    expect(lines).toHaveLength(4);
    expect(lines[2]).toBe('INFO [Authorizer] 3 more were denied something, which was not written');
  });
});

describe('an allowed one', () => {
  it('is a line only for who debugs', () => {
    expect(denials('info').hearAllowed).toBe(false);
    const all = denials('debug');
    expect(all.hearAllowed).toBe(true);
    all.hear(attempt(true));
    expect(lines[0]).toContain('is Allowed Operation = Describe');
  });
});
