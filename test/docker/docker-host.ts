/**
 * What this machine offers of Docker, through its command line: the daemon, the images that containers
 * start from, compose. What a run makes carries the run's name, and `removeAll` removes it, with what runs
 * that died have left.
 */
import { execFile } from 'node:child_process';
import { hostname } from 'node:os';
import { promisify } from 'node:util';
import { runNames } from './run-names.ts';

const run = promisify(execFile);
const ROOT = new URL('../..', import.meta.url).pathname;
const IMAGES_SCRIPT = new URL('make-stand-in-images.sh', import.meta.url).pathname;
const BASE_IMAGES = ['zookeeper:3.9', 'node:24-slim'];
const HOW = 'it needs a Docker daemon that answers (Debian: apt-get install docker.io iptables)';
const IMAGES_TIMEOUT_MS = 90_000;
const BUILD_TIMEOUT_MS = 240_000;
const RUN_TIMEOUT_MS = 30_000;
const MAX_OUTPUT_BYTES = 16 * 1024 * 1024;
/** What npm says where containers have no way to its registry. */
const NO_NETWORK =
  /\b(ENOTFOUND|EAI_AGAIN|ETIMEDOUT|ECONNREFUSED|ECONNRESET|EHOSTUNREACH|ENETUNREACH|E407|\w*_CERT\w*)\b/;

const names = runNames(hostname());
/** The name of this run: the label of what it makes, and the compose project. */
export const RUN = names.of(process.pid);
export const LABEL = 'odradek.test';
/** The image of a broker that this run builds. */
export const BROKER_IMAGE = `${RUN}:latest`;

/** Standard output of a docker command; rejects with what it said when it fails. */
export async function docker(...words: string[]): Promise<string> {
  return (await run('docker', words, { maxBuffer: MAX_OUTPUT_BYTES })).stdout.trim();
}

/** Makes the images; resolves with what this machine lacks for that, null when they are there. */
export async function prepareImages(): Promise<string | null> {
  if (!(await succeeds('docker', ['info']))) return `no Docker daemon answers; ${HOW}`;
  await removeLeftOvers();
  const before = await standIns();
  try {
    await run(IMAGES_SCRIPT, BASE_IMAGES, {
      timeout: IMAGES_TIMEOUT_MS,
      env: { ODRADEK_NODE: process.execPath, ...process.env },
    });
  } catch (error) {
    return `${outputOf(error)}; images come from a registry or from test/docker/make-stand-in-images.sh`;
  } finally {
    madeHere.push(...(await standIns()).filter((image) => !before.includes(image)));
  }
  try {
    await run('docker', ['run', '--rm', 'node:24-slim', 'node', '-e', '0'], { timeout: RUN_TIMEOUT_MS });
  } catch (error) {
    return `containers can't be started here: ${outputOf(error)}`;
  }
  return buildBroker();
}

/** Stand-ins that this run had made; others stay. */
const madeHere: string[] = [];

async function buildBroker(): Promise<string | null> {
  const words = [
    'build',
    '--label',
    `${LABEL}=${RUN}`,
    '-t',
    BROKER_IMAGE,
    '-f',
    'scripts/docker/Dockerfile',
    '.',
  ];
  try {
    await run('docker', words, { cwd: ROOT, timeout: BUILD_TIMEOUT_MS, maxBuffer: MAX_OUTPUT_BYTES });
    return null;
  } catch (error) {
    const output = outputOf(error);
    if ((error as { killed?: boolean }).killed === true)
      return `docker build takes over ${BUILD_TIMEOUT_MS} ms`;
    const unreachable = NO_NETWORK.exec(output)?.[0];
    if (unreachable === undefined) throw new Error(`docker build failed: ${output}`);
    return `npm in a container can't reach its registry (${unreachable})`;
  }
}

/** The compose command of this machine: the plugin, or docker-compose; null when there is neither. */
export async function composeCommand(): Promise<readonly string[] | null> {
  if (await succeeds('docker', ['compose', 'version'])) return ['docker', 'compose'];
  return (await succeeds('docker-compose', ['version'])) ? ['docker-compose'] : null;
}

/** Runs compose on the project's file, with the image that this run has built. */
export async function compose(command: readonly string[], ...words: string[]): Promise<string> {
  const [program = '', ...first] = command;
  try {
    const { stdout } = await run(program, [...first, '-p', RUN, ...words], {
      cwd: ROOT,
      env: { ...process.env, ODRADEK_IMAGE: BROKER_IMAGE },
      maxBuffer: MAX_OUTPUT_BYTES,
    });
    return stdout.trim();
  } catch (error) {
    throw new Error(`${program} ${words.join(' ')}: ${outputOf(error)}`);
  }
}

/** Ids of what Docker holds of a compose project of this run. */
export async function ofProject(kind: 'container' | 'volume' | 'network'): Promise<string[]> {
  return list(kind, `com.docker.compose.project=${RUN}`);
}

/** Removes what this run has made. */
export async function removeAll(): Promise<void> {
  if (!(await succeeds('docker', ['info']))) return;
  await removeRun(RUN);
  for (const image of madeHere) await succeeds('docker', ['image', 'rm', '-f', image]);
}

/** Removes what earlier runs on this machine left when they were killed. */
async function removeLeftOvers(): Promise<void> {
  const found = await Promise.all([
    docker('ps', '-a', '--format', `{{.Label "${LABEL}"}}\n{{.Label "com.docker.compose.project"}}`),
    docker('network', 'ls', '--format', `{{.Label "${LABEL}"}}\n{{.Label "com.docker.compose.project"}}`),
    docker('image', 'ls', '--format', '{{.Repository}}'),
  ]);
  const runs = new Set(found.join('\n').split('\n'));
  for (const name of runs) if (names.isLeftOver(name)) await removeRun(name);
}

async function removeRun(name: string): Promise<void> {
  const labels = [`${LABEL}=${name}`, `com.docker.compose.project=${name}`];
  for (const kind of ['container', 'network', 'volume'] as const) {
    const ids = (await Promise.all(labels.map((label) => list(kind, label)))).flat();
    const force = kind === 'container' ? ['-f', '-v'] : [];
    if (ids.length > 0) await docker(kind, 'rm', ...force, ...ids);
  }
  // Compose builds again under the same name, which leaves the first image with its label only.
  const labelled = lines(await docker('image', 'ls', '-q', '--filter', `label=${LABEL}=${name}`));
  for (const image of [`${name}:latest`, `${name}:7.9.1`, ...labelled])
    await succeeds('docker', ['image', 'rm', '-f', image]);
}

async function list(kind: 'container' | 'volume' | 'network', label: string): Promise<string[]> {
  const all = kind === 'container' ? ['-a'] : [];
  return lines(await docker(kind, 'ls', '-q', ...all, '--filter', `label=${label}`));
}

async function standIns(): Promise<string[]> {
  const format = ['--format', '{{.Repository}}:{{.Tag}}'];
  const labelled = lines(await docker('image', 'ls', '--filter', 'label=odradek.stand-in', ...format));
  return labelled.filter((image) => BASE_IMAGES.includes(image));
}

function lines(text: string): string[] {
  return text.split('\n').filter((line) => line !== '');
}

async function succeeds(program: string, words: readonly string[]): Promise<boolean> {
  try {
    await run(program, [...words], { maxBuffer: MAX_OUTPUT_BYTES });
    return true;
  } catch {
    return false;
  }
}

function outputOf(error: unknown): string {
  const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string };
  const said = lines(`${stdout}\n${stderr}`).slice(-15).join('\n');
  return said === '' ? String(error) : said;
}
