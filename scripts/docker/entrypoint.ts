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
    const secret = secretFromFile(process.env, containerProperties(process.env));
    if (secret !== null) overrides.push(`--override=peer.shared.secret=${secret}`);
    return isGiven('config') ? overrides : [`--config=${PROPERTIES_FILE}`, ...overrides];
  }
  if (command === 'zk' && !isGiven('zookeeper')) {
    const connect = containerProperties(process.env).get('zookeeper.connect');
    return connect === undefined ? [] : [`--zookeeper=${connect}`];
  }
  return [];
}

function isGiven(option: string): boolean {
  return given.some((word) => word === `--${option}` || word.startsWith(`--${option}=`));
}
