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
  /** May be given several times. */
  readonly repeats?: boolean;
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

export class Arguments {
  readonly #values: ReadonlyMap<string, readonly string[]>;
  readonly words: readonly string[];

  constructor(values: ReadonlyMap<string, readonly string[]>, words: readonly string[]) {
    this.#values = values;
    this.words = words;
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

/** Parses and checks; throws UsageError. */
export function parseCommand(spec: CommandSpec, argv: readonly string[]): Arguments {
  const options: Record<string, { type: 'string' | 'boolean'; multiple: true }> = {};
  for (const option of spec.options) {
    options[option.name] = { type: option.value === undefined ? 'boolean' : 'string', multiple: true };
  }
  let parsed: ReturnType<typeof parseArgs>;
  try {
    parsed = parseArgs({
      args: [...argv],
      options,
      allowPositionals: spec.words !== undefined,
      strict: true,
    });
  } catch (error) {
    throw new UsageError(firstSentence(error));
  }
  const values = new Map<string, readonly string[]>();
  for (const option of spec.options) {
    const given = parsed.values[option.name];
    const texts = Array.isArray(given) ? given.map(String) : [];
    if (texts.length > 1 && option.repeats !== true)
      throw new UsageError(`--${option.name} may be given once`);
    for (const text of texts) check(option, text);
    if (texts.length > 0) values.set(option.name, texts);
    else if (option.fallback !== undefined) values.set(option.name, [option.fallback]);
    else if (option.required === true)
      throw new UsageError(`--${option.name} ${option.value ?? ''} is required`);
  }
  return new Arguments(values, parsed.positionals);
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
    const left = `--${option.name}${option.value === undefined ? '' : ` ${option.value}`}`;
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
