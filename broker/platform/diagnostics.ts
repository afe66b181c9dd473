/**
 * What a broker says to its operator, in lines in the manner of Kafka's server.log; those that tell an event
 * of the cluster are made from it (journal.ts).
 * `[2026-01-31 12:00:00,123] INFO [Controller id=1] …`. Which lines are written, loggers.ts decides.
 * Names and reasons in it come from clients, peers and ZooKeeper. Whatever could begin a line of its own,
 * steer a terminal or turn the order of reading round is written as an escape, here and nowhere else.
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
      write(`[${stamp}] ${level.toUpperCase()} ${escaped(`${who}${message}`)}${describe(error)}`);
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
  if (!(error instanceof Error)) return `: ${escaped(String(error))}`;
  return `: ${escapedStack(error)}`;
}

/** The stack on lines of its own, below what the error says, which may be anybody's words. */
function escapedStack({ name, message, stack }: Error): string {
  const said = message === '' ? name : `${name}: ${message}`;
  if (stack === undefined) return escaped(said);
  if (stack.startsWith(said))
    return escaped(said) + stack.slice(said.length).replace(UNSAFE_BUT_LINES, escapeOf);
  // Name, message or stack have been changed since: only the last lines that look like frames are frames.
  const frames = /(?:\n {4}at [^\n]*)*$/.exec(stack)?.[0] ?? '';
  const head = stack.slice(0, stack.length - frames.length);
  return escaped(head) + frames.replace(UNSAFE_BUT_LINES, escapeOf);
}

/** Control characters of ASCII and ISO 8859-1, separators of lines, marks that turn the direction round, halves of characters. */
const UNSAFE = /[\p{Cc}\u2028\u2029\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff\p{Cs}]/gu;
const UNSAFE_BUT_LINES = new RegExp(`(?!\\n)${UNSAFE.source}`, 'gu');
const SHORT: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' };

function escaped(text: string): string {
  return text.replace(UNSAFE, escapeOf);
}

function escapeOf(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  return SHORT[character] ?? (code < 256 ? `\\x${hex(code, 2)}` : `\\u${hex(code, 4)}`);
}

function hex(code: number, digits: number): string {
  return code.toString(16).padStart(digits, '0');
}

/** Says nothing. */
export const silent: Diagnostics = {
  debug() {},
  info() {},
  warn() {},
  error() {},
  fatal() {},
  named: () => silent,
  loggers: new Loggers('fatal'),
};
