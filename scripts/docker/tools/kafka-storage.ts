/**
 * `kafka-storage`: an id for a cluster that is started with KRaft settings. `format` leaves the id beside
 * the container's log directory, where the broker takes it from unless CLUSTER_ID says another.
 */
import { randomBytes } from 'node:crypto';
import { existsSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type Arguments, type CommandSpec, UsageError } from '../../cli/arguments.ts';
import { print } from '../../cli/output.ts';
import { containerShape } from '../container-shape.ts';
import { FORMATTED_FILE } from '../embedded-broker.ts';

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
  const file = join(dirname(containerShape([]).properties.get('log.dirs') ?? ''), FORMATTED_FILE);
  if (existsSync(file)) {
    if (!given.flag('ignore-formatted'))
      throw new UsageError(`${file} is there already; --ignore-formatted leaves it`);
    return 0;
  }
  writeFileSync(file, `${clusterId}\n`);
  await print(`The cluster of this container has the id ${clusterId}.`);
  return 0;
}
