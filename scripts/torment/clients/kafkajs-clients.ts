/**
 * Producers and readers of kafkajs: for each topic a writer and a reader, which write down all they do as
 * README.md tells, until standard input says otherwise.
 */
import { createInterface } from 'node:readline';
import { MODES } from '../history/entries.ts';
import { Reader } from './kafkajs-reader.ts';
import { Writer } from './kafkajs-writer.ts';

/** Arguments: bootstrap servers, partitions, seed, directory of the histories, and for each topic MODE:TOPIC. */
export async function runClients(argv: readonly string[]): Promise<number> {
  const [bootstrapServers = '', partitionCount = '', seed = '', directory = '', ...jobs] = argv;
  const partitions = Number(partitionCount);
  const clients = jobs.map((job, index) => {
    const [word, topic = ''] = job.split(':');
    const mode = MODES.find((each) => each === word);
    if (mode === undefined) throw new Error(`there is no mode '${word}'`);
    const options = { bootstrapServers, partitions, seed: Number(seed) + index, directory, mode, topic };
    return { writer: new Writer(options), reader: new Reader(options) };
  });
  const writers = clients.map(({ writer }) => writer.run());
  const readers = clients.map(({ reader }) => reader.run());
  for await (const line of createInterface({ input: process.stdin })) {
    const [command, ...numbers] = line.split(' ');
    if (command === 'stop') {
      for (const { writer } of clients) writer.stop();
      await Promise.all(writers);
      process.stdout.write('stopped\n');
    }
    if (command === 'drain') {
      for (const [index, { reader }] of clients.entries())
        reader.drain(numbers.slice(index * partitions, (index + 1) * partitions).map(Number));
      await Promise.all(readers);
      return 0;
    }
  }
  // Whoever wanted this program is gone.
  return 1;
}
