/** The options of `odradek cluster --json`, apart from what it needs to run. */
import { type Arguments, type OptionSpec, UsageError } from '../cli/arguments.ts';

export const testClusterOptionSpecs: readonly OptionSpec[] = [
  {
    name: 'json',
    help: 'for tests in any language: all in one process, one line of JSON when ready, commands over HTTP (see test/kit/http)',
  },
  { name: 'exit-with-parent', help: 'with --json: end when the parent process does, however it dies' },
  {
    name: 'admin-port',
    value: 'PORT',
    kind: 'integer',
    min: 0,
    max: 65_535,
    help: 'with --json: port of the commands, on loopback; 0: any',
    fallback: '0',
  },
  {
    name: 'topic',
    value: 'NAME[:PARTITIONS]',
    repeats: true,
    help: 'with --json: a topic to be made; may be repeated',
  },
  {
    name: 'user',
    value: 'NAME:PASSWORD',
    repeats: true,
    help: 'with --json: who can log in, over SASL_SSL, by PLAIN and SCRAM; may be repeated',
  },
  {
    name: 'acl',
    value: 'JSON',
    repeats: true,
    help: `with --json: what a user may do, such as '{"user":"alice","allow":["Read"],"topic":"orders-*"}'; what no rule allows is denied then; may be repeated`,
  },
  { name: 'virtual-time', help: 'with --json: time of which the command advance skips as much as asked' },
];

/** Options of processes, where --json has none. */
export function refuseWithJson(given: Arguments): void {
  if (given.integer('zookeeper-servers') !== null)
    throw new UsageError('--zookeeper-servers is not for --json, whose cluster is one process');
}

/** Options that mean nothing without --json. */
const ONLY_WITH_JSON = ['exit-with-parent', 'topic', 'user', 'acl', 'virtual-time'];

export function refuseWithoutJson(given: Arguments): void {
  const name = ONLY_WITH_JSON.find((each) => given.flag(each));
  if (name !== undefined) throw new UsageError(`--${name} needs --json`);
}
