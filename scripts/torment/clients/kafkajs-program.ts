/** The clients of kafkajs as a program of their own. */
import { runClients } from './kafkajs-clients.ts';

process.exit(await runClients(process.argv.slice(2)));
