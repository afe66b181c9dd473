/**
 * The ways of moving a group's offsets, by Kafka's flags: one of them is chosen, read and checked.
 * Source: kafka-consumer-groups.
 */
import type { Int64 } from '../../../broker/int64.ts';
import { toInt64 } from '../../../broker/int64.ts';
import { type Arguments, type OptionSpec, optionNames, UsageError } from '../arguments.ts';

export type ResetRule =
  | { readonly to: 'earliest' | 'latest' | 'current' }
  | { readonly to: 'offset'; readonly offset: Int64 }
  | { readonly to: 'time'; readonly timestampMs: number }
  | { readonly to: 'shifted'; readonly by: Int64 }
  | { readonly to: 'file'; readonly path: string };

export const RULES: readonly OptionSpec[] = [
  { name: 'to-earliest', help: 'to the first record' },
  { name: 'to-latest', help: 'to the end' },
  { name: 'to-current', help: 'to what is committed; where nothing is, to the end' },
  { name: 'to-offset', value: 'OFFSET', help: 'to this offset' },
  { name: 'shift-by', value: 'N', help: 'from what is committed by so many; below 0: back' },
  {
    name: 'to-datetime',
    value: 'TIME',
    help: 'to the first record of this time or later: YYYY-MM-DDTHH:mm:SS.sss, in UTC unless it names a zone',
  },
  { name: 'by-duration', value: 'PnDTnHnMnS', help: 'to the first record that is not older than this' },
  { name: 'from-file', value: 'PATH', help: 'to what a file written with --export says' },
];

const MS_PER = { day: 86_400_000, hour: 3_600_000, minute: 60_000, second: 1000 } as const;
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,3})?(Z|[+-]\d\d(?::?\d\d)?)?$/;
const DURATION = /^([+-]?)P(?:(\d+)D)?(?:T(?=\d)(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d{1,9})?)S)?)?$/i;
/** An offset as Kafka's int64 holds it. */
const INTEGER = /^[+-]?\d{1,18}$/;

/** Throws UsageError unless one rule is given and sound, with what else it needs. */
export function ruleOf(given: Arguments, nowMs: number = Date.now()): ResetRule {
  const names = RULES.map(({ name }) => name);
  const chosen = names.filter((name) => given.flag(name));
  const [name] = chosen;
  if (name === undefined || chosen.length > 1)
    throw new UsageError(`groups --reset-offsets takes exactly one of ${optionNames(names)}`);
  if (given.flag('dry-run') && given.flag('execute'))
    throw new UsageError('--dry-run does not go with --execute');
  if (given.flag('topic') && given.flag('all-topics'))
    throw new UsageError('--topic does not go with --all-topics');
  if (name !== 'from-file' && !given.flag('topic') && !given.flag('all-topics'))
    throw new UsageError(
      'groups --reset-offsets takes --topic or --all-topics, unless --from-file names them',
    );
  if (name === 'from-file' && (given.flag('topic') || given.flag('all-topics')))
    throw new UsageError('--from-file names the topics itself: no --topic or --all-topics goes with it');
  return ruleNamed(name, given.text(name) ?? '', nowMs);
}

function ruleNamed(name: string, value: string, nowMs: number): ResetRule {
  switch (name) {
    case 'to-earliest':
      return { to: 'earliest' };
    case 'to-latest':
      return { to: 'latest' };
    case 'to-offset':
      return { to: 'offset', offset: integer(name, value) };
    case 'shift-by':
      return { to: 'shifted', by: integer(name, value) };
    case 'to-datetime':
      return { to: 'time', timestampMs: timeOf(value) };
    case 'by-duration':
      return { to: 'time', timestampMs: nowMs - durationMs(value) };
    case 'from-file':
      return { to: 'file', path: value };
    default:
      return { to: 'current' };
  }
}

function integer(name: string, text: string): Int64 {
  if (!INTEGER.test(text)) throw new UsageError(`--${name} must be an integer, not '${text}'`);
  return toInt64(BigInt(text.replace('+', '')));
}

function timeOf(text: string): number {
  const found = TIME.exec(text);
  const zone = found?.[2];
  const iso =
    zone === undefined ? `${text}Z` : text.replace(/([+-]\d\d):?(\d\d)?$/, '$1:$2').replace(/:$/, ':00');
  const timestampMs = found === null ? Number.NaN : Date.parse(iso);
  if (Number.isNaN(timestampMs))
    throw new UsageError(`--to-datetime takes YYYY-MM-DDTHH:mm:SS.sss and perhaps a zone, not '${text}'`);
  return timestampMs;
}

function durationMs(text: string): number {
  const found = DURATION.exec(text);
  const parts = found?.slice(2) ?? [];
  if (found === null || parts.every((part) => part === undefined))
    throw new UsageError(`--by-duration takes PnDTnHnMnS, such as P1D or PT1H30M, not '${text}'`);
  const [days = 0, hours = 0, minutes = 0, seconds = 0] = parts.map((part) => Number(part ?? 0));
  const ms =
    days * MS_PER.day + hours * MS_PER.hour + minutes * MS_PER.minute + Math.round(seconds * MS_PER.second);
  return found[1] === '-' ? -ms : ms;
}
