/**
 * `odradek cluster --json`: the test kit's cluster, for programs that are not in Node. All of it is in this
 * process; one line of JSON says that it is ready and where, and the kit's commands are asked for over HTTP.
 */
import { type AclRule, type KitOptions, startCluster } from '../../test/kit/cluster.ts';
import { serveKit } from '../../test/kit/http/server.ts';
import { checkSecurity } from '../../test/kit/security-options.ts';
import { type Arguments, UsageError } from '../cli/arguments.ts';
import { print } from '../cli/output.ts';
import { untilSignalled } from './ending.ts';
import { overrides } from './overrides.ts';
import { untilParentIsGone } from './parent.ts';

/** Resolves with the exit status, when nothing of the cluster is left. */
export async function runTestCluster(given: Arguments): Promise<number> {
  const ended = Promise.race([
    untilSignalled(),
    ...(given.flag('exit-with-parent') ? [untilParentIsGone()] : []),
  ]);
  const cluster = await startCluster(optionsOf(given));
  try {
    const server = await serveKit(cluster, given.needInteger('admin-port'));
    try {
      const { bootstrapServers, zookeeper, security } = cluster;
      const where = { bootstrapServers, zookeeper, adminUrl: server.url, pid: process.pid };
      await print(JSON.stringify({ ...where, ...(security === null ? {} : { security }) }));
      await ended;
    } finally {
      server.close();
    }
  } finally {
    await cluster.close();
  }
  return 0;
}

function optionsOf(given: Arguments): KitOptions {
  const brokers = given.needInteger('brokers');
  const basePort = given.integer('base-port') ?? 0;
  const zookeeper = given.text('zookeeper');
  const directory = given.text('data-dir');
  return {
    brokers,
    topics: given.all('topic').map(topicOf),
    properties: {
      'zookeeper.session.timeout.ms': given.needText('session-timeout-ms'),
      ...overrides(given.all('override')),
    },
    virtualTime: given.flag('virtual-time'),
    ...securityOf(given),
    ...(zookeeper === null ? { zookeeperPort: given.needInteger('zookeeper-port') } : { zookeeper }),
    ...(basePort === 0 ? {} : { ports: Array.from({ length: brokers }, (_, index) => basePort + index) }),
    ...(directory === null ? {} : { directory }),
  };
}

function securityOf(given: Arguments): Pick<KitOptions, 'security'> {
  const users = Object.fromEntries(given.all('user').map(userOf));
  const acls = given.all('acl').map(aclOf);
  if (!given.flag('user') && acls.length === 0) return {};
  const security = { users, ...(acls.length === 0 ? {} : { acls }) };
  try {
    checkSecurity(security);
  } catch (error) {
    throw new UsageError(`--user, --acl: ${error instanceof Error ? error.message : error}`);
  }
  return { security };
}

function userOf(word: string): [name: string, password: string] {
  const at = word.indexOf(':');
  if (at < 1) throw new UsageError(`--user takes NAME:PASSWORD, not '${word}'`);
  return [word.slice(0, at), word.slice(at + 1)];
}

function aclOf(text: string): AclRule {
  try {
    const rule: unknown = JSON.parse(text);
    if (typeof rule === 'object' && rule !== null) return rule as AclRule;
  } catch {
    // Told below, as what is no object is.
  }
  throw new UsageError(`--acl takes a rule as JSON, not '${text}'`);
}

function topicOf(word: string): { name: string; partitions: number } {
  const found = /^([^:]+)(?::(\d+))?$/.exec(word);
  if (found?.[1] === undefined) throw new UsageError(`--topic takes NAME or NAME:PARTITIONS, not '${word}'`);
  return { name: found[1], partitions: Number(found[2] ?? 1) };
}
