/**
 * The changes that --add-config, --add-config-file and --delete-config ask for. A value in brackets may
 * hold commas: `cleanup.policy=[compact,delete]`. Source: kafka-configs.
 */
import { type Arguments, type OptionSpec, UsageError } from '../arguments.ts';
import { propertiesOf } from '../properties-file.ts';

export interface ConfigChanges {
  readonly added: ReadonlyMap<string, string>;
  readonly deleted: readonly string[];
}

const ALTER = ['alter'];
/** A comma that no bracket is open at. */
const COMMA = /,(?=[^\]]*(?:\[|$))/;

export const changeOptions: readonly OptionSpec[] = [
  { name: 'add-config', value: 'KEY=VALUE,…', help: 'set these; [a,b] for a value with commas', with: ALTER },
  { name: 'add-config-file', value: 'PATH', help: 'set what this properties file says', with: ALTER },
  { name: 'delete-config', value: 'KEY,…', help: 'take these away', with: ALTER },
];

/** Throws UsageError, also when there is nothing to change. */
export function changesOf(given: Arguments): ConfigChanges {
  const path = given.text('add-config-file');
  const fromFile = path === null ? [] : [...propertiesOf('add-config-file', path)];
  const added = new Map([...fromFile, ...addedBy(given.text('add-config') ?? '')]);
  const deleted = (given.text('delete-config') ?? '').split(',').map((word) => word.trim());
  const changes = { added, deleted: deleted.filter((word) => word !== '') };
  if (added.size === 0 && changes.deleted.length === 0)
    throw new UsageError('--alter takes --add-config, --add-config-file or --delete-config');
  const both = changes.deleted.find((name) => added.has(name));
  if (both !== undefined) throw new UsageError(`${both} is both added and deleted`);
  return changes;
}

function addedBy(text: string): [string, string][] {
  const words = text.split(COMMA).map((word) => word.trim());
  return words
    .filter((word) => word !== '')
    .map((word) => {
      const end = word.indexOf('=');
      if (end <= 0) throw new UsageError(`--add-config takes KEY=VALUE,…, not '${word}'`);
      return [
        word.slice(0, end).trim(),
        word
          .slice(end + 1)
          .replaceAll(/[[\]]/g, '')
          .trim(),
      ];
    });
}
