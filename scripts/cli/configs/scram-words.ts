/** A credential of SCRAM as Kafka's commands take it: `MECHANISM=[name=USER,iterations=N,password=TEXT]`. */
import {
  MAX_SCRAM_ITERATIONS,
  MIN_SCRAM_ITERATIONS,
  SCRAM_MECHANISMS,
} from '../../../broker/security/sasl/scram-formula.ts';
import { UsageError } from '../arguments.ts';

interface ScramWords {
  readonly mechanism: (typeof SCRAM_MECHANISMS)[number];
  readonly iterations: number;
  readonly password: string;
}

const WORDS = /^([^=]+)=\[(?:iterations=(\d{1,9}),)?password=(.+)\]$/s;
const NAMED = /^([^=]+)=\[(.*)\]$/s;

/** Without a name. Throws UsageError, which names the option. */
export function scramWords(
  text: string,
  option: string,
  shape = 'MECHANISM=[iterations=N,password=TEXT]',
): ScramWords {
  const [, name = '', count, password = ''] = WORDS.exec(text) ?? [];
  const mechanism = SCRAM_MECHANISMS.find((each) => each === name);
  if (mechanism === undefined || password === '')
    throw new UsageError(`${option} takes ${shape}, with ${SCRAM_MECHANISMS.join(' or ')}`);
  const iterations = Number(count ?? MIN_SCRAM_ITERATIONS);
  if (iterations < MIN_SCRAM_ITERATIONS || iterations > MAX_SCRAM_ITERATIONS)
    throw new UsageError(`iterations must be from ${MIN_SCRAM_ITERATIONS} to ${MAX_SCRAM_ITERATIONS}`);
  return { mechanism, iterations, password };
}

/**
 * With the name of the user among them, in any order, with or without quotation marks. Throws UsageError, which
 * names the option. (Kafka's ScramParser.)
 */
export function namedScramWords(text: string, option: string): ScramWords & { readonly user: string } {
  const [, mechanism = '', inside = ''] = NAMED.exec(text) ?? [];
  const words = new Map(inside.split(',').map(namedWord));
  const [user = '', iterations, password = ''] = ['name', 'iterations', 'password'].map((key) =>
    words.get(key),
  );
  const isKnown = [...words.keys()].every((key) => ['name', 'iterations', 'password'].includes(key));
  const count = iterations === undefined ? '' : `iterations=${iterations},`;
  const shown = isKnown && user !== '' ? `${mechanism}=[${count}password=${password}]` : '';
  const shape = 'MECHANISM=[name=USER,iterations=N,password=TEXT]';
  return { ...scramWords(shown, option, shape), user };
}

function namedWord(word: string): [string, string] {
  const at = word.indexOf('=');
  const value = word.slice(at + 1).trim();
  return [word.slice(0, Math.max(0, at)).trim(), /^".*"$/s.test(value) ? value.slice(1, -1) : value];
}
