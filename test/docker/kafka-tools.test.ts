/** The words of Kafka's commands in ours. What the commands then do is tested where they are. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { translated } from '../../scripts/docker/tools/flags.ts';
import { serverWords, shellWords, zookeeperWords } from '../../scripts/docker/tools/servers.ts';

const directory = mkdtempSync(join(tmpdir(), 'odradek-tools-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

function zookeeperFile(text: string): string {
  const file = join(directory, 'zookeeper.properties');
  writeFileSync(file, text);
  return file;
}

describe('a flag of Kafka', () => {
  const flags = {
    '--broker-list': '--bootstrap-server',
    '--property': { key: 'print.key', flag: '--print-key', ignored: ['print.value=true'] },
    '--consumer-property': { key: 'group.id', option: '--group' },
  };

  it('has our name, however its value is written', () => {
    expect(translated(['--broker-list', 'a:1', '--topic=t'], flags)).toEqual([
      '--bootstrap-server',
      'a:1',
      '--topic=t',
    ]);
    expect(translated(['--broker-list=a:1'], flags)).toEqual(['--bootstrap-server=a:1']);
  });

  it('that takes keys and values is our option for the key that we have', () => {
    expect(translated(['--property', 'print.key=true', '--consumer-property=group.id=g'], flags)).toEqual([
      '--print-key',
      '--group=g',
    ]);
    expect(translated(['--property', 'print.value=true', '--property', 'print.key=false'], flags)).toEqual(
      [],
    );
  });

  it('is refused with a key that we have not', () => {
    expect(() => translated(['--property', 'print.offset=true'], flags)).toThrow(
      '--property print.offset=true is not supported',
    );
  });
});

describe('zookeeper-server-start', () => {
  it('listens everywhere, on the port of the file, with its data', () => {
    const file = zookeeperFile(`clientPort=2181\ndataDir=${directory}/data\ndataLogDir=/nowhere\n`);
    expect(zookeeperWords([file])).toEqual([
      'zookeeper',
      '--host=0.0.0.0',
      '--port=2181',
      `--data-dir=${directory}/data`,
    ]);
  });

  it('refuses an ensemble, and what it does not know', () => {
    expect(() => zookeeperWords([zookeeperFile('server.1=a:2888:3888\n')])).toThrow(
      "an ensemble can't be had",
    );
    expect(() => zookeeperWords([zookeeperFile('secureClientPort=1\n')])).toThrow(
      'secureClientPort is not supported',
    );
    expect(() => zookeeperWords([])).toThrow('takes one zookeeper.properties file');
    expect(() => zookeeperWords(['/nowhere/file'])).toThrow("/nowhere/file can't be read");
  });
});

describe('kafka-server-start and zookeeper-shell', () => {
  it('are a broker from a file, and one command to the tree', () => {
    expect(serverWords(['server.properties', '--override', 'broker.id=2'])).toEqual([
      'broker',
      '--config=server.properties',
      '--override',
      'broker.id=2',
    ]);
    expect(shellWords(['localhost:2181', 'ls', '/brokers'])).toEqual([
      'zk',
      'ls',
      '/brokers',
      '--zookeeper=localhost:2181',
    ]);
    expect(() => serverWords(['-daemon', 'file'])).toThrow('-daemon is not supported');
    expect(() => shellWords(['localhost:2181'])).toThrow('there is no prompt');
  });
});
