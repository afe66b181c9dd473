/** Regular expressions for names of topics, as Kafka's tools take them: they must match the whole name. */
import { UsageError } from './arguments.ts';

/** A comma means "or". Throws UsageError. */
export function fullTopicPattern(option: string, text: string): RegExp {
  try {
    return new RegExp(`^(?:${text.trim().replaceAll(',', '|')})$`);
  } catch {
    throw new UsageError(`--${option} takes a regular expression, not '${text}'`);
  }
}
