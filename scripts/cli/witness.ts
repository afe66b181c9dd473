/** `odradek witness`: clients that write down all that they do and are told, for drills and for scripts of one's own. */
import { MODES } from '../torment/history/entries.ts';
import { type Arguments, type CommandSpec, UsageError } from './arguments.ts';

export const witnessCommand: CommandSpec = {
  name: 'witness',
  summary: 'Writes to topics and reads them, and writes down all that it does and is told, as JSON lines.',
  words: 'BOOTSTRAP PARTITIONS SEED DIRECTORY MODE:TOPIC…',
  options: [],
  notes: `A mode is ${MODES.join(', ')}. 'stop' on standard input ends the writers, 'drain OFFSET…' the readers. The topics must be there.`,
  outlivesOutput: true,
  run,
};

async function run({ words }: Arguments): Promise<number> {
  if (words.length < 5) throw new UsageError('witness takes BOOTSTRAP PARTITIONS SEED DIRECTORY MODE:TOPIC…');
  // kafkajs and all that it brings is loaded by those who want it.
  return (await import('../torment/clients/kafkajs-clients.ts')).runClients(words);
}
