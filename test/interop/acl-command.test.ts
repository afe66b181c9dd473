/**
 * `odradek acls` beside Kafka's kafka-acls, on a broker of ours that goes by access rules: what one adds the
 * other lists in the same words, and what one removes is gone for both.
 */
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LocalCluster } from '../../scripts/cluster/local-cluster.ts';
import { skipped } from './interop-cluster.ts';
import { JavaTools, jarsLack } from './java-jars.ts';

const runFile = promisify(execFile);
const MAIN = join(import.meta.dirname, '..', '..', 'scripts', 'cli', 'main.ts');
const ACL_COMMAND = 'kafka.admin.AclCommand';
const VERSION = '3.9.1';

const skip = skipped("kafka-acls beside 'odradek acls'", jarsLack(VERSION));

describe.skipIf(skip)('access rules', () => {
  let directory: string;
  let cluster: LocalCluster;
  let tools: JavaTools;
  let server: string[];

  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), 'odradek-acls-'));
    tools = new JavaTools(VERSION);
    cluster = await LocalCluster.start({
      brokers: 2,
      basePort: 0,
      directory,
      zookeeper: null,
      zookeeperPort: 0,
      sessionTimeoutMs: 6000,
      properties: {
        'authorizer.class.name': 'kafka.security.authorizer.AclAuthorizer',
        'super.users': 'User:ANONYMOUS',
      },
    });
    server = ['--bootstrap-server', `127.0.0.1:${cluster.broker(1).port}`];
  }, 120_000);

  afterAll(async () => {
    tools?.close();
    await cluster?.abandon();
    if (directory !== undefined) rmSync(directory, { recursive: true, force: true });
  });

  async function ours(line: string, where = server): Promise<string> {
    return (await runFile(process.execPath, [MAIN, 'acls', ...line.split(' '), ...where])).stdout;
  }

  async function theirs(line: string): Promise<string> {
    const result = await tools.run(ACL_COMMAND, [...server, ...line.split(' ')]);
    expect(result, line).toMatchObject({ status: 0 });
    return result.out;
  }

  /** Lines without blanks at their ends, sorted as neither side promises an order. */
  const linesOf = (text: string): string[] =>
    text
      .split('\n')
      .map((line) => line.trim())
      .filter((line) => line !== '')
      .sort();

  const ADDED = [
    '--add --allow-principal User:alice --operation Read --topic t',
    '--add --allow-principal User:alice --allow-principal User:bob --deny-principal User:eve --deny-host 10.0.0.1 --operation Read --topic t --group g',
    '--add --allow-principal User:p --producer --topic orders --transactional-id x --idempotent',
    '--add --allow-principal User:c --consumer --topic orders --group g --resource-pattern-type prefixed',
    '--add --allow-principal User:c --producer --consumer --topic both --group g',
    '--add --deny-principal User:d --cluster --operation AlterConfigs',
    '--add --allow-principal User:c --user-principal User:y --operation CreateTokens',
    '--add --allow-principal User:c --delegation-token token --operation Describe',
  ];

  it.each(ADDED)('are added by both in the same words: %s', async (line) => {
    expect(linesOf(await ours(line))).toEqual(linesOf(await theirs(line)));
  });

  it.each([
    '--list',
    '--list --topic t',
    '--list --topic nothing',
    '--list --topic orders-2 --resource-pattern-type match',
    '--list --topic orders --resource-pattern-type any',
    '--list --group g --cluster',
    '--list --principal User:alice --principal User:p',
    '--list --principal User:nobody',
  ])('are listed by both in the same words: %s', async (line) => {
    const listed = linesOf(await ours(line));
    expect(listed).toEqual(linesOf(await theirs(line)));
    if (line === '--list') expect(listed.length).toBeGreaterThan(20);
  });

  it('that one removes are gone for the other', async () => {
    await ours('--remove --topic t --allow-principal User:bob --operation Read --force');
    expect(await theirs('--list --topic t')).not.toContain('User:bob');
    await theirs('--remove --topic both --resource-pattern-type any --force');
    expect(await ours('--list --topic both')).toBe('');
    await ours('--remove --producer --topic orders --allow-principal User:p --force');
    expect(linesOf(await theirs('--list --topic orders'))).toEqual([]);
  });

  it('are changed in ZooKeeper itself, and every broker goes by them', async () => {
    const zookeeper = ['--authorizer-properties', `zookeeper.connect=${cluster.zookeeperConnect}`];
    await ours('--add --allow-principal User:z --topic direct', zookeeper);
    const other = ['--bootstrap-server', `127.0.0.1:${cluster.broker(2).port}`];
    await expect.poll(() => ours('--list --topic direct', other)).toContain('User:z');
    await ours('--remove --topic direct --force', ['--zookeeper', cluster.zookeeperConnect]);
    await expect.poll(() => ours('--list --topic direct', other)).toBe('');
  }, 90_000);

  it('are not removed unless somebody says yes', async () => {
    await ours('--add --allow-principal User:k --topic kept');
    const argv = [MAIN, 'acls', '--remove', '--topic', 'kept', ...server];
    const asked = runFile(process.execPath, argv);
    asked.child.stdin?.end('n\n');
    expect((await asked).stdout).toContain('Are you sure you want to delete all ACLs for resource filter');
    expect(await ours('--list --topic kept')).toContain('User:k');
    const again = runFile(process.execPath, argv);
    again.child.stdin?.end('y\n');
    await again;
    expect(await ours('--list --topic kept')).toBe('');
  });

  it('are listed in JSON', async () => {
    const [rule] = JSON.parse(await ours('--list --delegation-token token --json'));
    expect(rule).toEqual({
      resourceType: 'DELEGATION_TOKEN',
      name: 'token',
      patternType: 'LITERAL',
      principal: 'User:c',
      host: '*',
      operation: 'DESCRIBE',
      permissionType: 'ALLOW',
    });
  });
});
