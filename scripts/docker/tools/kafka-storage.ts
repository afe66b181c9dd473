/**
 * `kafka-storage`: an id for a cluster that is started with KRaft settings, and its first users. `format` leaves
 * them beside the container's log directory, where the broker takes them from: the id unless CLUSTER_ID says
 * another.
 */
import { randomBytes } from 'node:crypto';
import { systemRandom } from '../../../broker/platform/random.ts';
import { newScramCredential, scramCredentialText } from '../../../broker/security/sasl/scram-credential.ts';
import { SCRAM_MECHANISMS } from '../../../broker/security/sasl/scram-formula.ts';
import { type Arguments, type CommandSpec, UsageError } from '../../cli/arguments.ts';
import { namedScramWords } from '../../cli/configs/scram-words.ts';
import { print } from '../../cli/output.ts';
import { containerShape } from '../container-shape.ts';
import { type FormattedUsers, formattedHome, isFormatted, writeFormatted } from './formatted.ts';

const UUID_BYTES = 16;

export const storageCommand: CommandSpec = {
  name: 'kafka-storage',
  summary: "Makes an id for a cluster, or gives this container's cluster one.",
  words: 'random-uuid|format',
  options: [
    { name: 'cluster-id', value: 'ID', help: 'format: the id; also -t' },
    {
      name: 'config',
      value: 'FILE',
      help: "format: taken for Kafka's sake; the container has its own; also -c",
    },
    {
      name: 'add-scram',
      value: 'MECHANISM=[name=USER,iterations=N,password=TEXT]',
      help: `format: a user who can log in from the beginning, by ${SCRAM_MECHANISMS.join(' or ')}; may be given several times; also -S`,
      repeats: true,
    },
    { name: 'ignore-formatted', help: 'format: an id that is there already stays; also -g' },
  ],
  run,
};

async function run(given: Arguments): Promise<number> {
  const [action, ...rest] = given.words;
  if (action === 'random-uuid' && rest.length === 0) {
    await print(randomBytes(UUID_BYTES).toString('base64url'));
    return 0;
  }
  if (action !== 'format' || rest.length > 0) throw new UsageError('takes random-uuid or format');
  const clusterId = given.needText('cluster-id');
  const users = await usersOf(given.all('add-scram'));
  const home = formattedHome(containerShape([]).properties);
  if (isFormatted(home)) {
    if (!given.flag('ignore-formatted'))
      throw new UsageError(`${home} is formatted already; --ignore-formatted leaves it as it is`);
    return 0;
  }
  writeFormatted(home, clusterId, users);
  await print(`The cluster of this container has the id ${clusterId}.`);
  return 0;
}

async function usersOf(words: readonly string[]): Promise<FormattedUsers> {
  const users: Record<string, Record<string, string>> = {};
  for (const word of words) {
    const { user, mechanism, iterations, password } = namedScramWords(word, '--add-scram');
    const credential = await newScramCredential(mechanism, password, iterations, systemRandom);
    users[user] = { ...users[user], [mechanism]: scramCredentialText(credential) };
  }
  return users;
}
