/**
 * What the image runs, and what `odradek` is inside a container: the command line of scripts/cli. A broker
 * is started from the container's properties; `--config` and `--override` may still be given and win.
 */
import { environmentProperties, PROPERTIES_FILE } from './container-properties.ts';

const [command = 'broker', ...rest] = process.argv.slice(2);
const given = command === 'broker' ? [...fromContainer(rest), ...rest] : rest;
process.argv = [...process.argv.slice(0, 2), command, ...given];
await import('../cli/main.ts');

function fromContainer(words: readonly string[]): string[] {
  const named = words.some((word) => word === '--config' || word.startsWith('--config='));
  const overrides = [...environmentProperties(process.env)].map(
    ([key, value]) => `--override=${key}=${value}`,
  );
  return named ? overrides : [`--config=${PROPERTIES_FILE}`, ...overrides];
}
