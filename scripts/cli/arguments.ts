/**
 * The command line of every program here: options are declared once, parsed by node:util, checked, and
 * shown by --help. Wrong input is a UsageError: one line that names the option and what is allowed,
 * exit status 2.
 */
import { parseArgs } from 'node:util';

export class UsageError extends Error {
  override readonly name = 'UsageError';
}

export interface OptionSpec {
  readonly name: string;
  readonly help: string;
  /** What stands for the value in --help; without it the option is a flag. */
  readonly value?: string;
  readonly kind?: 'text' | 'integer';
  readonly min?: number;
  readonly max?: number;
  /** The value may be left out: it is empty then. */
  readonly optionalValue?: true;
  /** May be given several times. */
  readonly repeats?: boolean;
  /** Makes sense only together with one of these options, and is refused without. */
  readonly with?: readonly string[];
  readonly required?: boolean;
  readonly fallback?: string;
}

export interface CommandSpec {
  readonly name: string;
  readonly summary: string;
  /** Words after the options, as shown in the usage line, such as `ls|get|stat PATH`. */
  readonly words?: string;
  readonly options: readonly OptionSpec[];
  /** What --help says after the options. */
  readonly notes?: string;
  /** It has to tidy up when nobody reads what it says any more, or goes on then; others are just ended. */
  readonly outlivesOutput?: true;
  run(given: Arguments): Promise<number>;
}

/** An option as it stood on the command line; a flag's value is empty. */
interface Given {
  readonly name: string;
  readonly value: string;
}

export class Arguments {
  readonly #values: ReadonlyMap<string, readonly string[]>;
  readonly words: readonly string[];
  /** All options in the order in which they were given. */
  readonly sequence: readonly Given[];

  constructor(
    values: ReadonlyMap<string, readonly string[]>,
    words: readonly string[],
    sequence: readonly Given[] = [],
  ) {
    this.#values = values;
    this.words = words;
    this.sequence = sequence;
  }

  flag(name: string): boolean {
    return this.#values.has(name);
  }

  text(name: string): string | null {
    return this.#values.get(name)?.[0] ?? null;
  }

  /** For an option that has a fallback or is required. */
  needText(name: string): string {
    const value = this.text(name);
    if (value === null) throw new UsageError(`--${name} is required`);
    return value;
  }

  integer(name: string): number | null {
    const value = this.text(name);
    return value === null ? null : Number(value);
  }

  needInteger(name: string): number {
    return Number(this.needText(name));
  }

  all(name: string): readonly string[] {
    return this.#values.get(name) ?? [];
  }
}

/** The one of these options that says what to do. */
export function oneAction<const Action extends string>(
  given: Arguments,
  command: string,
  actions: readonly Action[],
): Action {
  const chosen = actions.filter((action) => given.flag(action));
  const [action] = chosen;
  if (action === undefined || chosen.length > 1)
    throw new UsageError(`${command} takes exactly one of ${optionNames(actions)}`);
  return action;
}

/** `--a, --b`, for messages. */
export function optionNames(names: readonly string[]): string {
  return names.map((name) => `--${name}`).join(', ');
}

/** Parses and checks; throws UsageError. */
export function parseCommand(spec: CommandSpec, argv: readonly string[]): Arguments {
  const { sequence, words } = parsed(spec, argv);
  const values = new Map<string, readonly string[]>();
  for (const option of spec.options) {
    const texts = sequence.filter(({ name }) => name === option.name).map(({ value }) => value);
    if (texts.length > 1 && option.repeats !== true)
      throw new UsageError(`--${option.name} may be given once`);
    for (const text of texts) check(option, text);
    if (texts.length > 0) values.set(option.name, texts);
    else if (option.fallback !== undefined) values.set(option.name, [option.fallback]);
    else if (option.required === true)
      throw new UsageError(`--${option.name} ${option.value ?? ''} is required`);
  }
  for (const { name } of sequence) {
    const company = spec.options.find((option) => option.name === name)?.with;
    if (company?.some((other) => sequence.some((each) => each.name === other)) === false)
      throw new UsageError(`--${name} goes only with ${optionNames(company)}`);
  }
  return new Arguments(values, words, sequence);
}

interface Parsed {
  readonly sequence: readonly Given[];
  readonly words: readonly string[];
}

function parsed(spec: CommandSpec, argv: readonly string[]): Parsed {
  const options: Record<string, { type: 'string' | 'boolean'; multiple: true }> = {};
  for (const option of spec.options)
    options[option.name] = { type: option.value === undefined ? 'boolean' : 'string', multiple: true };
  try {
    const args = withValues(spec, argv);
    const allowPositionals = spec.words !== undefined;
    const { tokens, positionals } = parseArgs({
      args,
      options,
      allowPositionals,
      strict: true,
      tokens: true,
    });
    const given = tokens.filter((token) => token.kind === 'option');
    return { sequence: given.map(({ name, value }) => ({ name, value: value ?? '' })), words: positionals };
  } catch (error) {
    throw new UsageError(firstSentence(error));
  }
}

/**
 * `--name VALUE` as `--name=VALUE` where node:util would not see a value: negative numbers look like
 * options to it, and it knows no values that may be left out.
 */
function withValues(spec: CommandSpec, argv: readonly string[]): string[] {
  const args: string[] = [];
  for (let at = 0; at < argv.length; at++) {
    const word = argv[at] ?? '';
    const next = argv[at + 1];
    const option = spec.options.find(({ name, value }) => value !== undefined && word === `--${name}`);
    const isNumber = next !== undefined && /^-\d/.test(next);
    const isLeftOut = option?.optionalValue === true && (next === undefined || next.startsWith('--'));
    if (option !== undefined && isNumber) at++;
    args.push(option === undefined || !(isNumber || isLeftOut) ? word : `${word}=${isNumber ? next : ''}`);
  }
  return args;
}

function check(option: OptionSpec, text: string): void {
  if (option.kind !== 'integer') return;
  const { min = 0, max = Number.MAX_SAFE_INTEGER } = option;
  const value = /^-?\d+$/.test(text) ? Number(text) : Number.NaN;
  if (!(value >= min && value <= max)) {
    const allowed = max === Number.MAX_SAFE_INTEGER ? `at least ${min}` : `from ${min} to ${max}`;
    throw new UsageError(`--${option.name} must be an integer ${allowed}, not '${text}'`);
  }
}

function firstSentence(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return message.split(/\.\s|\n/)[0] ?? message;
}

export function helpFor(spec: CommandSpec, program: string): string {
  const rows = [...spec.options, HELP].map((option) => {
    const value = option.optionalValue === true ? `[${option.value}]` : option.value;
    const left = `--${option.name}${value === undefined ? '' : ` ${value}`}`;
    const fallback = option.fallback === undefined ? '' : ` (default ${option.fallback})`;
    return [left, `${option.help}${fallback}`] as const;
  });
  const width = Math.max(...rows.map(([left]) => left.length)) + 2;
  const lines = rows.map(([left, right]) => `  ${left.padEnd(width)}${right}`);
  const notes = spec.notes === undefined ? '' : `\n${spec.notes}\n`;
  const words = spec.words === undefined ? '' : ` ${spec.words}`;
  return `${spec.summary}\n\nUsage: ${program}${words} [options]\n\n${lines.join('\n')}\n${notes}`;
}

const HELP: OptionSpec = { name: 'help', help: 'show this' };
