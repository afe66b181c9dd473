/** `odradek` of a checkout: the command line, from its sources. */
import { loadQuickly } from './load-quickly.ts';

loadQuickly();
const { runCommandLine } = await import('./command-line.ts');
await runCommandLine(process.argv.slice(2));
