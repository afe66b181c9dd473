/**
 * What a broker says to its operator: one line an event, in the manner of Kafka's server.log.
 * `[2026-01-31 12:00:00,123] INFO [Controller id=1] … (controller)`.
 */
import type { Clock } from './clock.ts';

export type Level = 'debug' | 'info' | 'warn' | 'error' | 'fatal';

const RANK: Record<Level, number> = { debug: 0, info: 1, warn: 2, error: 3, fatal: 4 };

export interface Diagnostics {
  debug(message: string, error?: unknown): void;
  info(message: string, error?: unknown): void;
  warn(message: string, error?: unknown): void;
  error(message: string, error?: unknown): void;
  fatal(message: string, error?: unknown): void;
  /** The same sink under another name, such as `Controller id=1`. */
  named(name: string): Diagnostics;
}

/** Lines of `threshold` and above go to `write`. */
export function lineDiagnostics(
  clock: Clock,
  write: (line: string) => void,
  threshold: Level,
  name = '',
): Diagnostics {
  const at =
    (level: Level) =>
    (message: string, error?: unknown): void => {
      if (RANK[level] < RANK[threshold]) return;
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
    named: (other) => lineDiagnostics(clock, write, threshold, other),
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
};
