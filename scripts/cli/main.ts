/** `odradek` of a checkout: the command line, from its sources. */
import { enableCompileCache } from 'node:module';
import { runCommandLine } from './command-line.ts';

enableCompileCache();
await runCommandLine(process.argv.slice(2));
