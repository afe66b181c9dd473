/** `scripts/torture` as it is typed: what is refused, what is listed, and how runs are chosen and told. */
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { parseCommand } from '../../../../scripts/cli/arguments.ts';
import { choiceOf, tortureOptions } from '../../../../scripts/torment/options.ts';
import { findingLines, resultTable } from '../../../../scripts/torment/report.ts';
import type { RoundResult } from '../../../../scripts/torment/round.ts';
import { endLines, run } from '../command-line.ts';

const PROGRAM = join(import.meta.dirname, '..', '..', '..', '..', 'scripts', 'torment', 'main.ts');
const TORTURE = `"${process.execPath}" "${PROGRAM}"`;

afterEach(endLines);

function chosen(...argv: string[]): { readonly scenarios: string[]; readonly clients: string[] } {
  const spec = { name: 'torture', summary: '', options: tortureOptions, run: () => Promise.resolve(0) };
  const { scenarios, clients } = choiceOf(parseCommand(spec, argv));
  return {
    scenarios: scenarios.map(({ name }) => name),
    clients: clients.map(({ name, mode }) => `${name}-${mode}`),
  };
}

describe('the command line', () => {
  it.each([
    [
      '--scenario fire',
      /^\.\/scripts\/torture: there is no scenario 'fire'; allowed are matrix, all, clean-shutdown-leader, .+\n$/,
    ],
    [
      '--clients perl',
      /^\.\/scripts\/torture: there is no client 'perl'; allowed are kafkajs, librdkafka, java, .+\n$/,
    ],
    ['--rounds 0', /^\.\/scripts\/torture: --rounds must be an integer from 1 to 10000, not '0'\n$/],
    ['--seed x', /^\.\/scripts\/torture: --seed must be an integer from 0 to .+, not 'x'\n$/],
  ])('refuses %s in one line that names what is allowed, with status 2', async (argv, line) => {
    const { out, err, status } = await run(`${TORTURE} ${argv}`);
    expect(err).toMatch(line);
    expect({ out, status }).toEqual({ out: '', status: 2 });
  });

  it('lists scenarios and clients', async () => {
    const { out, status } = await run(`${TORTURE} --list`);
    expect(out).toMatch(/^kill-bounces-controller +five times whoever is the controller is killed/m);
    expect(out).toMatch(/^cut-leader-one-way .+\(needs namespaces\)$/m);
    expect(out).toMatch(/^clients: kafkajs-plain, .+, java-transactional$/m);
    expect(status).toBe(0);
  });

  it('takes the matrix and all clients unless told otherwise', () => {
    const { scenarios, clients } = chosen();
    expect(scenarios).toHaveLength(8);
    expect(scenarios.every((name) => /-(leader|controller)$/.test(name))).toBe(true);
    expect(clients).toHaveLength(9);
  });

  it('takes names, patterns and groups, each scenario once', () => {
    expect(chosen('--scenario', 'pause-*,pause-leader').scenarios).toEqual([
      'pause-controller',
      'pause-leader',
    ]);
    expect(chosen('--scenario', 'all,matrix').scenarios).toHaveLength(17);
    expect(chosen('--clients', 'java-plain,kafkajs').clients).toEqual([
      ...['kafkajs-plain', 'kafkajs-idempotent', 'kafkajs-transactional', 'java-plain'],
    ]);
    expect(() => chosen('--scenario', '.*')).toThrow(/no scenario/);
  });
});

describe('what is told of a run', () => {
  const lost = {
    ...({
      kind: 'lost',
      topic: 't',
      what: 'record 4 was acknowledged at 0:2 and is not found',
      ids: [4],
    } as const),
    life: ['   0.000 s  send of 4 to partition 0: begun'],
  };
  const round = (findings: RoundResult['findings'], ofClient: RoundResult['findings']): RoundResult => ({
    ...{ round: 1, scenario: 'kill-leader', durationMs: 1, marks: [], directory: '/d', findings },
    clients: [
      { client: 'java-plain', acknowledged: 3, findings: ofClient },
      { client: 'kafkajs-plain', acknowledged: 3, findings: [] },
    ],
  });

  it('the table says of each client in each scenario how many rounds were good', () => {
    expect([...resultTable([round([], []), round([], [lost]), round([lost], [])])]).toEqual([
      'SCENARIO    CLUSTER JAVA-PLAIN KAFKAJS-PLAIN',
      'kill-leader 2/3     2/3        3/3',
    ]);
  });

  it('a broken promise is told with its kind, the life of the record, and where the histories are', () => {
    const five = Array.from({ length: 5 }, () => lost);
    expect([...findingLines(round([], five), '/kept')]).toEqual([
      ...[lost, lost, lost].flatMap(({ what, life }) => [`  java-plain: lost: ${what}`, `    ${life[0]}`]),
      '  java-plain: and 2 more',
      '  histories and logs are in /kept',
    ]);
  });
});
