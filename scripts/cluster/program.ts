/**
 * The program that runs each process of a local cluster, and how people call it: in a checkout the command
 * line's source, in the package, where this is a part of `dist/bundle.js`, the package's command beside it.
 */
import { join, relative } from 'node:path';

const IS_PACKAGE = import.meta.filename.endsWith('.js');
const HERE = import.meta.dirname;

/** What Node is started with, before the words of a command. */
export const COMMAND_LINE = IS_PACKAGE ? join(HERE, 'cli.js') : join(HERE, '..', 'cli', 'main.ts');

/** The command line of these words, as a shell takes it. */
export function shellLine(argv: readonly string[]): string {
  const quoted = argv.map((word) =>
    /^[\w./:=,@%+-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`,
  );
  return [typed(), ...quoted].join(' ');
}

function typed(): string {
  if (IS_PACKAGE) return 'npx odradek';
  const program = join(HERE, '..', 'odradek');
  const fromHere = relative(process.cwd(), program);
  return fromHere.startsWith('..') ? program : `./${fromHere}`;
}
