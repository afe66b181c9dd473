/** `scripts/bench`: Odradek beside Apache Kafka, or beside another commit of itself. */
import { runCommand } from '../cli/run.ts';
import { benchCommand } from './command.ts';
import { withRevision } from './options.ts';

await runCommand(benchCommand, 'bench', withRevision(process.argv.slice(2)));
