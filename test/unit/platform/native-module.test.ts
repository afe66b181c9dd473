/** Packages with native code: what is said of those that can't be loaded, and of which nothing is said. */
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { hearOfNativeModules, nativeModule } from '../../../broker/platform/native-module.ts';

const PACKAGES = ['@node-rs/crc32', 'lz4-napi'] as const;

const folders: string[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
});

/** Somebody's node_modules. */
class Installed {
  readonly #folder = mkdtempSync(join(tmpdir(), 'odradek-native-'));

  constructor() {
    folders.push(this.#folder);
  }

  /** A package as it is published: the loader, and no binary of any machine. */
  copy(name: string): { readonly machines: string[] } {
    const from = dirname(createRequire(import.meta.url).resolve(name));
    cpSync(from, this.#place(name), { recursive: true });
    const { optionalDependencies } = JSON.parse(readFileSync(join(from, 'package.json'), 'utf8'));
    return { machines: Object.keys(optionalDependencies) };
  }

  /** A package whose program is this. */
  write(name: string, program: string, manifest: object = {}, main = 'index.js'): void {
    mkdirSync(this.#place(name), { recursive: true });
    writeFileSync(join(this.#place(name), 'package.json'), JSON.stringify({ name, main, ...manifest }));
    writeFileSync(join(this.#place(name), main), program);
  }

  /** What comes of loading it, and what is said. */
  load(name: string): { readonly module: unknown; readonly lines: string[] } {
    const lines: string[] = [];
    hearOfNativeModules((line) => lines.push(line));
    const from = pathToFileURL(join(this.#folder, 'program.js')).href;
    return { module: nativeModule(name, 'it is done in JavaScript', from), lines };
  }

  #place(name: string): string {
    return join(this.#folder, 'node_modules', name);
  }
}

describe.each(PACKAGES)('%s', (name) => {
  it('loads on this machine, without a word', () => {
    const lines: string[] = [];
    hearOfNativeModules((line) => lines.push(line));
    expect([nativeModule(name, 'it is done in JavaScript') !== null, lines]).toEqual([true, []]);
  });

  it('is said to be broken when its binary is no program', () => {
    const installed = new Installed();
    for (const machine of installed.copy(name).machines)
      installed.write(machine, 'no program', {}, 'binary.node');
    const { module, lines } = installed.load(name);
    expect(module).toBeNull();
    expect(lines).toEqual([
      expect.stringMatching(
        new RegExp(`^${name} can't be loaded, so it is done in JavaScript, which is slower: .*binary\\.node`),
      ),
    ]);
    expect(lines[0]).not.toMatch(/\n|Cannot find/);
  });

  it('is said to be without its binary when that was left out of an installation', () => {
    const installed = new Installed();
    const { machines } = installed.copy(name);
    const { module, lines } = installed.load(name);
    expect(module).toBeNull();
    const missing = lines.map((line) => /: Cannot find module '([^']+)'$/.exec(line)?.[1]);
    expect(missing).toHaveLength(1);
    expect(machines).toContain(missing[0]);
  });

  it('is not spoken of on a machine that nobody ships a binary for', () => {
    const installed = new Installed();
    installed.copy(name);
    const from = dirname(createRequire(import.meta.url).resolve(name));
    const { optionalDependencies, ...manifest } = JSON.parse(
      readFileSync(join(from, 'package.json'), 'utf8'),
    );
    installed.write(name, readFileSync(join(from, 'index.js'), 'utf8'), manifest);
    expect(installed.load(name)).toEqual({ module: null, lines: [] });
  });

  it('is said to be missing when it is not there at all', () => {
    const { module, lines } = new Installed().load(name);
    expect(module).toBeNull();
    expect(lines).toEqual([
      `${name} can't be loaded, so it is done in JavaScript, which is slower: Cannot find module '${name}'`,
    ]);
  });
});

describe('a package with native code', () => {
  it('is not spoken of where its loader does not know the machine', () => {
    const installed = new Installed();
    const program = `throw new Error('Cannot find native binding', { cause: new Error('Unsupported OS: plan9') })`;
    installed.write('unknown-here', program);
    expect(installed.load('unknown-here')).toEqual({ module: null, lines: [] });
  });

  it('is spoken of once, however often it is tried', () => {
    const installed = new Installed();
    installed.write('spoilt', "throw new Error('torn')");
    const [first, second] = [installed.load('spoilt'), installed.load('spoilt')];
    expect(first.lines).toEqual([
      "spoilt can't be loaded, so it is done in JavaScript, which is slower: torn",
    ]);
    expect(second).toEqual({ module: null, lines: [] });
  });
});

it('a line that came before anybody listened is heard by the first who does', async () => {
  vi.resetModules();
  const fresh = await import('../../../broker/platform/native-module.ts');
  fresh.tellOfNativeModule('early');
  fresh.tellOfNativeModule('early');
  const [first, second]: string[][] = [[], []];
  fresh.hearOfNativeModules((line) => first?.push(line));
  fresh.hearOfNativeModules((line) => second?.push(line));
  fresh.tellOfNativeModule('late');
  expect([first, second]).toEqual([['early'], ['late']]);
});
