/**
 * What the image runs, and what `odradek` is inside a container: the command line of scripts/cli. A broker
 * starts from the container's properties, and `zk` looks at the ensemble that they name; options that are
 * given win.
 */
import {
  containerProperties,
  environmentProperties,
  PROPERTIES_FILE,
  secretFromFile,
} from './container-properties.ts';

const [command = 'broker', ...given] = process.argv.slice(2);
process.argv = [...process.argv.slice(0, 2), command, ...fromContainer(), ...given];
await import('../cli/main.ts');

function fromContainer(): string[] {
  if (command === 'broker') {
    const overrides = [...environmentProperties(process.env)].map(
      ([key, value]) => `--override=${key}=${value}`,
    );
    const config = optionValue('config');
    const secret = secretFromFile(process.env, () => containerProperties(process.env, config));
    if (secret !== null) overrides.push(`--override=peer.shared.secret=${secret}`);
    return config === undefined ? [`--config=${PROPERTIES_FILE}`, ...overrides] : overrides;
  }
  if (command === 'zk' && optionValue('zookeeper') === undefined) {
    const connect = containerProperties(process.env).get('zookeeper.connect');
    return connect === undefined ? [] : [`--zookeeper=${connect}`];
  }
  return [];
}

/** The value of an option of the command line, written as `--option value` or `--option=value`. */
function optionValue(option: string): string | undefined {
  const at = given.findIndex((word) => word === `--${option}` || word.startsWith(`--${option}=`));
  if (at < 0) return undefined;
  const word = given[at] ?? '';
  return word.includes('=') ? word.slice(word.indexOf('=') + 1) : (given[at + 1] ?? '');
}
