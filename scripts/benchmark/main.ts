/** `scripts/bench`: Odradek beside Apache Kafka, or beside another commit of itself. */
import { runCommand } from '../cli/run.ts';
import { benchCommand } from './command.ts';

await runCommand(benchCommand, 'bench', process.argv.slice(2));
