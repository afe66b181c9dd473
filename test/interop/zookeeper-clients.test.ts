/** Clients of ZooKeeper that know nothing of us, against the embedded server: kazoo, zkCli, node-zookeeper-client. */
import { execFile, execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { promisify } from 'node:util';
import zookeeper from 'node-zookeeper-client';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type EmbeddedServer, startEmbeddedServer } from '../../coordinator-client/embedded/server.ts';
import { PYTHON } from '../../scripts/benchmark/systems/python.ts';
import { ensembleLacks } from '../support/ensemble.ts';

const run = promisify(execFile);
const CLASSPATH = '/usr/share/java/zookeeper.jar:/usr/share/java/slf4j-simple.jar';
const SMOKE = new URL('kazoo_smoke.py', import.meta.url).pathname;

const withoutKazoo = kazooLacks();
const withoutJava = ensembleLacks();
if (withoutKazoo !== null) console.log(`skipped: kazoo against the embedded server: ${withoutKazoo}`);
if (withoutJava !== null) console.log(`skipped: zkCli against the embedded server: ${withoutJava}`);

let server: EmbeddedServer;
beforeAll(async () => {
  server = await startEmbeddedServer({ host: '127.0.0.1', port: 0, tickMs: 500 });
});
afterAll(() => server.close());

test.skipIf(withoutKazoo !== null)('kazoo: nodes, transactions, watches, rights, recipes', async () => {
  const { stdout } = await run(PYTHON, [SMOKE, `127.0.0.1:${server.port}`], { timeout: 60_000 });
  expect(stdout.trim().split('\n')).toEqual([
    'version True',
    'nodes',
    'transactions',
    'watches',
    'rights',
    'recipes',
    'done',
  ]);
});

describe.skipIf(withoutJava !== null)('zkCli', () => {
  test('a session with every command that has an opcode of its own', async () => {
    const out = await zkCli([
      'create /cli one',
      'create /cli/s- x',
      'create -s /cli/s- x',
      'create -e /cli-e eph',
      'create -c /cli-c box',
      'create -t 60000 /cli-t brief',
      'ls -R /cli',
      'set -v 0 /cli two',
      'set -v 0 /cli three',
      'get -s /cli',
      'addauth digest bob:pw',
      'setAcl /cli auth:bob:pw:cdrwa',
      'getAcl /cli',
      'getEphemerals',
      'getAllChildrenNumber /cli',
      'addWatch /cli',
      'create /cli/watched',
      'removewatches /cli',
      'sync /cli',
      'whoami',
      'stat /missing',
      'delete /cli',
      'deleteall /cli',
      'ls /',
    ]);
    for (const line of [
      '/cli/s-0000000001',
      'dataVersion = 1',
      "'digest,'bob:ikIaKsbtGweaHnb/jKn7OHqbunM=",
      '[/cli-e]',
      'type:NodeCreated path:/cli/watched',
      'digest: bob',
      'Sync is OK',
      'version No is not valid : /cli',
      'Node does not exist: /missing',
      'Node not empty: /cli',
      '[cli-c, cli-e, cli-t, zookeeper]',
    ]) {
      expect(out).toContain(line);
    }
  });
});

test('node-zookeeper-client as it comes: nodes, a transaction, a watch', async () => {
  const client = zookeeper.createClient(`127.0.0.1:${server.port}`, { sessionTimeout: 4000 });
  client.connect();
  await new Promise<void>((resolve) => client.once('connected', resolve));
  const changed = new Promise<number>((resolve) => {
    client.exists(
      '/node',
      (event) => resolve(event.getType()),
      () => {},
    );
  });
  const path = await new Promise((resolve, reject) =>
    client.create('/node', Buffer.from('x'), (error: unknown, created: string) =>
      error ? reject(error) : resolve(created),
    ),
  );
  expect([path, await changed]).toEqual(['/node', zookeeper.Event.NODE_CREATED]);
  const transaction = client.transaction().setData('/node', Buffer.from('y'), -1).remove('/node', -1);
  const results = await new Promise<unknown>((resolve, reject) =>
    transaction.commit((error, done) => (error ? reject(error) : resolve(done))),
  );
  expect(results).toHaveLength(2);
  client.close();
});

async function zkCli(commands: readonly string[]): Promise<string> {
  const main = ['-Xmx64m', '-XX:TieredStopAtLevel=1', '-cp', CLASSPATH, 'org.apache.zookeeper.ZooKeeperMain'];
  const child = run('java', [...main, '-server', `127.0.0.1:${server.port}`], { timeout: 60_000 });
  child.child.stdin?.end(`${[...commands, 'quit'].join('\n')}\n`);
  const { stdout, stderr } = await child;
  return stdout + stderr;
}

function kazooLacks(): string | null {
  if (!existsSync(PYTHON)) return `${PYTHON} is not there`;
  try {
    execFileSync(PYTHON, ['-c', 'import kazoo'], { stdio: 'ignore' });
    return null;
  } catch {
    return 'python3-kazoo is not installed';
  }
}
