/** Runs one command as a program: --help, one line for wrong input (exit status 2) or a failure (1). */
import { type CommandSpec, helpFor, parseCommand, UsageError } from './arguments.ts';

export async function runCommand(spec: CommandSpec, program: string, argv: readonly string[]): Promise<void> {
  if (argv.includes('--help') || argv.includes('-h')) {
    process.stdout.write(helpFor(spec, program));
    return;
  }
  try {
    process.exitCode = await spec.run(parseCommand(spec, argv));
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    const verbose = process.env['ODRADEK_DEBUG'] !== undefined && error instanceof Error;
    process.stderr.write(`${program}: ${verbose ? error.stack : message}\n`);
    process.exitCode = error instanceof UsageError ? 2 : 1;
  }
  // Open connections of a client that did not come up must not keep a finished command alive.
  process.exit();
}
