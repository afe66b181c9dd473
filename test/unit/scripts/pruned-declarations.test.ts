/** Of declarations only what users get to is left: the public entries' exports, and what these name. */
import { describe, expect, it } from 'vitest';
import { prunedDeclarations } from '../../../scripts/package/pruned-declarations.ts';

/** Lines after bars, and `~` for this folder: so nobody takes them for what this file imports and exports. */
function lines(text: string): string {
  const found = [...text.matchAll(/^ *\|(.*)$/gm)].map(([, line = '']) => `${line}\n`);
  return found.join('').replaceAll('~/', './');
}

function pruned(files: Record<string, string>, sealed: string[] = []): Record<string, string> {
  const read = (file: string): string => {
    const text = files[file];
    if (text === undefined) throw new Error(`there is no ${file}`);
    return lines(text);
  };
  return Object.fromEntries(prunedDeclarations(read, ['entry.d.ts'], new Set(sealed)));
}

describe('of declarations', () => {
  it('what nobody gets to is left out, with the imports and the files that only that needs', () => {
    const left = pruned({
      'entry.d.ts': `
        |/** The entry. */
        |import type { Options, Unused } from '~/deep/options.ts';
        |import type { Socket } from 'node:net';
        |import { Writable } from 'node:stream';
        |/** Starts it. */
        |export declare function start(options?: Options): Promise<Socket>;
        |declare const left: Unused | Writable;`,
      'deep/options.d.ts': `
        |import type { Level } from '~/../level.ts';
        |export interface Options {
        |    readonly level?: Level;
        |}
        |export interface Unused {
        |    readonly all: import('~/../everything.ts').Everything;
        |}`,
      'level.d.ts': `
        |/** How much. */
        |export type Level = 
        |/** Nothing. */
        |'low'
        | | High;
        |type High = 'high';
        |export declare class Machine {
        |    #private;
        |}`,
    });
    const wanted = {
      'entry.d.ts': `
        |import { Options } from '~/deep/options.js';
        |import { Socket } from 'node:net';
        |/** Starts it. */
        |export declare function start(options?: Options): Promise<Socket>;`,
      'deep/options.d.ts': `
        |import { Level } from '~/../level.js';
        |export interface Options {
        |    readonly level?: Level;
        |}`,
      'level.d.ts': `
        |/** How much. */
        |export type Level = 
        |/** Nothing. */
        |'low'
        | | High;
        |type High = 'high';`,
    };
    expect(left).toEqual(
      Object.fromEntries(Object.entries(wanted).map(([file, text]) => [file, lines(text)])),
    );
  });

  it('re-exports, other names, defaults, whole modules and imports in place are followed', () => {
    const files = {
      'entry.d.ts': `
        |import start from '~/start.ts';
        |export type { Inner as Outer } from '~/inner.ts';
        |export default start;`,
      'start.d.ts': `
        |import { Far as Near } from '~/far.ts';
        |export default function start(): Near;`,
      'far.d.ts': `
        |export type Far = 1;
        |export type Farther = 2;`,
      'inner.d.ts': `
        |import type * as all from '~/all.ts';
        |import type { Given } from '~/given.ts';
        |export interface Inner extends Given {
        |    readonly all: all.One;
        |}`,
      'given.d.ts': "|export type { Two as Given } from '~/two.ts';",
      'all.d.ts': `
        |export interface One {
        |    readonly two: import("~/two.ts").Two;
        |}`,
      'two.d.ts': `
        |export type Two = 2;
        |type Three = 3;`,
    };
    const left = pruned(files);
    expect(Object.keys(left).sort()).toEqual(Object.keys(files).sort());
    expect(left).toMatchObject({
      'entry.d.ts': lines(files['entry.d.ts'].replaceAll(".ts'", ".js'")),
      'start.d.ts': lines(files['start.d.ts'].replace('.ts', '.js')),
      'far.d.ts': lines('|export type Far = 1;'),
      'two.d.ts': lines('|export type Two = 2;'),
    });
  });

  it('a sealed name is told of, and no more', () => {
    const files = {
      'entry.d.ts': `
        |import type { Sealed } from '~/sealed.ts';
        |export type Given = Sealed;`,
      'sealed.d.ts': `
        |import type { World } from '~/world.ts';
        |export interface Sealed extends World {
        |}`,
    };
    expect(pruned(files, ['Sealed'])['sealed.d.ts']).toBe(lines('|export type Sealed = unknown;'));
  });

  it('a name that is not there is no silent gap', () => {
    const files = {
      'entry.d.ts': `
        |import type { Gone } from '~/other.ts';
        |export type Given = Gone;`,
      'other.d.ts': '|export type Here = 1;',
    };
    expect(() => pruned(files)).toThrow('other.d.ts declares no Gone');
  });
});
