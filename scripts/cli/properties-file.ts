/** A file of properties that an option names. */
import { readFileSync } from 'node:fs';
import { parseProperties } from '../../broker/config/java-properties.ts';
import { UsageError } from './arguments.ts';

/** Throws UsageError, which names the option and the file. */
export function propertiesOf(option: string, file: string): Map<string, string> {
  try {
    return parseProperties(readFileSync(file, 'utf8'));
  } catch (error) {
    throw new UsageError(`--${option} ${file}: ${error instanceof Error ? error.message : error}`);
  }
}
