/**
 * Runs one command as a program: --help, one line for wrong input (exit status 2) or a failure (1), a
 * quiet end when nobody reads what it says (141, as a shell reports SIGPIPE).
 */
import { type CommandSpec, helpFor, parseCommand, UsageError } from './arguments.ts';
import {
  attendOutput,
  CLOSED_OUTPUT_STATUS,
  OutputClosed,
  outputTaken,
  print,
  untilOutputFails,
} from './output.ts';

export async function runCommand(spec: CommandSpec, program: string, argv: readonly string[]): Promise<void> {
  attendOutput();
  try {
    process.exitCode = await statusOf(spec, program, argv);
  } catch (error) {
    process.exitCode =
      error instanceof UsageError ? 2 : error instanceof OutputClosed ? CLOSED_OUTPUT_STATUS : 1;
    const message = error instanceof Error ? error.message : String(error);
    const verbose = process.env['ODRADEK_DEBUG'] !== undefined && error instanceof Error;
    if (!(error instanceof OutputClosed))
      process.stderr.write(`${program}: ${verbose ? error.stack : message}\n`);
  }
  await outputTaken();
  // Open connections of a client that did not come up must not keep a finished command alive.
  process.exit();
}

async function statusOf(spec: CommandSpec, program: string, argv: readonly string[]): Promise<number> {
  if (!argv.includes('--help') && !argv.includes('-h')) {
    const status = spec.run(parseCommand(spec, argv));
    return spec.outlivesOutput === true ? status : Promise.race([status, untilOutputFails()]);
  }
  await print(helpFor(spec, program).trimEnd());
  return 0;
}
