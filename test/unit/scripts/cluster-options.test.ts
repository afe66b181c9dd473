/** What `odradek cluster` refuses before it starts anything. */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { parseCommand, UsageError } from '../../../scripts/cli/arguments.ts';
import { clusterCommand } from '../../../scripts/cli/cluster.ts';
import { ensembleLacks } from '../../support/ensemble.ts';

const run = async (line: string): Promise<number> =>
  clusterCommand.run(parseCommand(clusterCommand, line.split(' ')));

describe('odradek cluster', () => {
  const directory = mkdtempSync(join(tmpdir(), 'odradek-options-'));
  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  it.each([
    ['--zookeeper-servers 2', '--zookeeper-servers takes 1, 3 or 5, not 2'],
    ['--zookeeper-servers 7', 'must be an integer from 1 to 5'],
    ['--zookeeper-servers 3 --zookeeper localhost:2181', 'leave one of them out'],
    ['--zookeeper-servers 3 --json', '--zookeeper-servers is not for --json'],
  ])('%s is refused', async (line, message) => {
    await expect(run(line)).rejects.toThrow(UsageError);
    await expect(run(line)).rejects.toThrow(message);
  });

  it('says what the machine lacks for servers of ZooKeeper', async () => {
    const path = process.env['PATH'];
    process.env['PATH'] = directory;
    try {
      const refused = run('--zookeeper-servers 3');
      await expect(refused).rejects.toThrow(/is not installed; of Debian it needs default-jre-headless/);
      await expect(refused).rejects.toThrow(UsageError);
    } finally {
      process.env['PATH'] = path;
    }
  });

  it.skipIf(ensembleLacks() !== null)('takes data of as many servers as have kept it only', async () => {
    for (const server of [1, 2, 3])
      mkdirSync(join(directory, 'zookeeper-servers', `${server}`), { recursive: true });
    const line = `--base-port 0 --data-dir ${directory}`;
    await expect(run(`${line} --zookeeper-servers 5`)).rejects.toThrow('made with --zookeeper-servers 3');
    await expect(run(line)).rejects.toThrow('made with --zookeeper-servers 3');
  });
});
