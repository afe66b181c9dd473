/**
 * The package as its users have it: packed, and installed into an empty folder with the test runners that
 * it must work under, and with the oldest and the newest Node. What this checkout has in the same version
 * is linked instead of fetched again.
 */
import { type ExecFileOptions, execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const ROOT = join(import.meta.dirname, '..', '..');
const PACK_TIMEOUT_MS = 300_000;
const INSTALL_TIMEOUT_MS = 240_000;
const PROGRAM_TIMEOUT_MS = 120_000;
const MAX_OUTPUT_BYTES = 16 * 1024 * 1024;

const RUNNERS = ['jest@30.5.2', '@babel/plugin-transform-modules-commonjs@7', 'mocha@12.0.3'];
const OLDEST = '22.15.0';
const NODES = [`oldest@npm:node@${OLDEST}`, 'newest@npm:node@latest'];
const LINKED = ['vitest', 'typescript', 'kafkajs', '@types/node'];
/** What npm says where it can't reach a registry. */
const NO_NETWORK = /\b(ENOTFOUND|EAI_AGAIN|ETIMEDOUT|ECONNREFUSED|ECONNRESET|EHOSTUNREACH|ENETUNREACH)\b/;

interface Outcome {
  readonly status: number;
  /** Both streams. */
  readonly output: string;
}

export class InstalledPackage {
  readonly directory = mkdtempSync(join(tmpdir(), 'odradek-package-'));
  /** What npm says of the tarball. */
  tarball = { unpackedSize: 0, files: [] as { path: string; size: number }[] };

  /** Resolves with what this machine lacks, null when the package is there. */
  async install(): Promise<string | null> {
    const packed = await run('npm', ['pack', '--json', '--pack-destination', this.directory], {
      cwd: ROOT,
      timeout: PACK_TIMEOUT_MS,
      maxBuffer: MAX_OUTPUT_BYTES,
    });
    // What is said while building comes before it.
    [this.tarball] = JSON.parse(packed.stdout.slice(packed.stdout.indexOf('[')));
    const [file] = readdirSync(this.directory);
    this.write('package.json', '{ "private": true }\n');
    try {
      await run(
        'npm',
        ['install', '--prefer-offline', '--no-audit', '--no-fund', `./${file}`, ...RUNNERS, ...NODES],
        {
          cwd: this.directory,
          timeout: INSTALL_TIMEOUT_MS,
          maxBuffer: MAX_OUTPUT_BYTES,
        },
      );
    } catch (error) {
      const { stderr = '', killed } = error as { stderr?: string; killed?: boolean };
      if (killed === true) return `npm install takes over ${INSTALL_TIMEOUT_MS} ms`;
      const why = NO_NETWORK.exec(stderr)?.[0];
      if (why === undefined) throw error;
      return `npm can't reach its registry (${why})`;
    }
    for (const name of LINKED) this.#link(name);
    return null;
  }

  remove(): void {
    rmSync(this.directory, { recursive: true, force: true });
  }

  write(file: string, text: string): void {
    const path = join(this.directory, file);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
  }

  /** Runs a program in the folder. */
  async run(program: string, words: readonly string[], options: ExecFileOptions = {}): Promise<Outcome> {
    try {
      const { stdout, stderr } = await run(program, [...words], {
        cwd: this.directory,
        timeout: PROGRAM_TIMEOUT_MS,
        maxBuffer: MAX_OUTPUT_BYTES,
        // What the command keeps of itself is not to lie in the home of whoever runs the tests.
        env: { ...process.env, XDG_CACHE_HOME: join(this.directory, 'user-cache') },
        ...options,
      });
      return { status: 0, output: `${stdout}${stderr}` };
    } catch (error) {
      const { code, stdout = '', stderr = '' } = error as { code?: number; stdout?: string; stderr?: string };
      return { status: typeof code === 'number' ? code : -1, output: `${stdout}${stderr}` };
    }
  }

  /** A script of an installed package, under the Node of this run. */
  tool(path: string, ...words: string[]): Promise<Outcome> {
    return this.run(process.execPath, [join('node_modules', path), ...words]);
  }

  /** The Node that was installed under this name; null when it does not run here. */
  async node(name: 'oldest' | 'newest'): Promise<string | null> {
    const program = join(this.directory, 'node_modules', name, 'bin', 'node');
    return (await this.run(program, ['--version'])).status === 0 ? program : null;
  }

  #link(name: string): void {
    const link = join(this.directory, 'node_modules', name);
    mkdirSync(dirname(link), { recursive: true });
    rmSync(link, { recursive: true, force: true });
    symlinkSync(join(ROOT, 'node_modules', name), link);
  }
}
