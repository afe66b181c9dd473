/** What the broker of this container is to be, from its file, its environment and the options it is started with. */
import { readFileSync } from 'node:fs';
import { parseProperties } from '../../broker/config/java-properties.ts';
import { overrides } from '../cluster/overrides.ts';
import { environmentProperties, PROPERTIES_FILE } from './container-properties.ts';
import { type Shape, shapeOf } from './kraft-shape.ts';

/** `given`: the words after `odradek broker`. */
export function containerShape(given: readonly string[]): Shape {
  const file = parseProperties(readFileSync(optionValue(given, 'config') ?? PROPERTIES_FILE, 'utf8'));
  const said = overrides(optionValues(given, 'override'));
  return shapeOf(new Map([...environmentProperties(process.env), ...Object.entries(said)]), file);
}

/** The first value of an option of the command line. */
export function optionValue(given: readonly string[], option: string): string | undefined {
  return optionValues(given, option)[0];
}

/** The values of an option of the command line, written as `--option value` or `--option=value`. */
function optionValues(given: readonly string[], option: string): string[] {
  return given.flatMap((word, at) => {
    if (word.startsWith(`--${option}=`)) return [word.slice(option.length + 3)];
    return word === `--${option}` ? [given[at + 1] ?? ''] : [];
  });
}
