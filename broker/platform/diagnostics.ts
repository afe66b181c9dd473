/**
 * What a broker says to its operator: one line an event, in the manner of Kafka's server.log.
 * `[2026-01-31 12:00:00,123] INFO [Controller id=1] …`. Which lines are written, loggers.ts decides.
 */
import type { Clock } from './clock.ts';
import { type Level, type Logger, Loggers } from './loggers.ts';

export type { Level } from './loggers.ts';

export interface Diagnostics {
  debug(message: string, error?: unknown): void;
  info(message: string, error?: unknown): void;
  warn(message: string, error?: unknown): void;
  error(message: string, error?: unknown): void;
  fatal(message: string, error?: unknown): void;
  /** The same sink under another name, such as `Controller id=1`, and so with another logger. */
  named(name: string): Diagnostics;
  /** The levels of this sink, which may change while it is used. */
  readonly loggers: Loggers;
}

/** Lines of `rootLevel` and above go to `write`, until other levels are set. */
export function lineDiagnostics(
  clock: Clock,
  write: (line: string) => void,
  rootLevel: Level,
  name = '',
): Diagnostics {
  return speaker({ clock, write, loggers: new Loggers(rootLevel) }, name);
}

interface Sink {
  readonly clock: Clock;
  readonly write: (line: string) => void;
  readonly loggers: Loggers;
}

function speaker(sink: Sink, name: string): Diagnostics {
  const { clock, write, loggers } = sink;
  const logger: Logger = loggers.of(name);
  const at =
    (level: Exclude<Level, 'trace'>) =>
    (message: string, error?: unknown): void => {
      if (!logger.allows(level)) return;
      const stamp = new Date(clock.wallMs()).toISOString().replace('T', ' ').replace('.', ',').slice(0, 23);
      const who = name === '' ? '' : `[${name}] `;
      write(`[${stamp}] ${level.toUpperCase()} ${who}${message}${describe(error)}`);
    };
  return {
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    fatal: at('fatal'),
    named: (other) => speaker(sink, other),
    loggers,
  };
}

function describe(error: unknown): string {
  if (error === undefined) return '';
  if (error instanceof Error) return `: ${error.stack ?? error.message}`;
  return `: ${String(error)}`;
}

export const silent: Diagnostics = {
  debug() {},
  info() {},
  warn() {},
  error() {},
  fatal() {},
  named: () => silent,
  loggers: new Loggers('fatal'),
};
