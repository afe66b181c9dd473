/**
 * What makes a file readable, as far as a machine can tell. The length and parameters of functions, cycles
 * of imports, `any`, enums and default exports are Biome's (.biome.json).
 */
import { describe, expect, it } from 'vitest';
import { codeLines, judged, PRODUCT, SOURCES, textOf } from './sources.ts';

const MAX_FILE_LINES = 400;

describe('files', () => {
  it('have at most 400 lines: a longer one holds two concepts, to be told apart and parted', () => {
    const long = SOURCES.filter((file) => textOf(file).split('\n').length - 1 > MAX_FILE_LINES);
    expect(judged(long)).toEqual([]);
  });

  it('begin with a comment that says what they are', () => {
    expect(SOURCES.filter((file) => !/^(#![^\n]*\n)?\s*\/(\*|\/)/.test(textOf(file)))).toEqual([]);
  });

  it('have kebab-case names', () => {
    expect(SOURCES.filter((file) => !/^[a-z0-9./-]+$/.test(file))).toEqual([]);
  });
});

it('what is private has a #, so that there is one way to say it; but a constructor may be private', () => {
  const exceptions = {
    'broker/platform/node-sockets.ts': 'the base class of two sockets: what has a # is hidden from them too',
  };
  const found = SOURCES.filter((file) =>
    codeLines(file).some(
      ({ line }) => /^\s*(private|protected)\s/.test(line) && !/\bconstructor\b/.test(line),
    ),
  );
  expect(judged(found, exceptions)).toEqual([]);
});

it('tests that run in one process run in a world, which alone puts clock, disks, network and tree together', () => {
  const exceptions = {
    'test/support/world.ts': 'the world itself',
    'test/support/simulated-clock.test.ts': 'what it is made of',
    'test/support/simulated-disk.test.ts': 'what it is made of',
    'test/support/simulated-network.test.ts': 'what it is made of',
    'test/contract/local-contract.test.ts': "on the system's clock, beside real servers",
    'test/kit/agreement.ts': "on the system's clock: a part of other projects' tests",
  };
  const assembled = /\bnew (SimulatedClock|SimulatedNetwork|SimulatedDisk|LocalTree)\(/;
  const found = SOURCES.filter((file) => file.startsWith('test/') && assembled.test(textOf(file)));
  expect(judged(found, exceptions)).toEqual([]);
});

describe('handlers', () => {
  const handlers = PRODUCT.filter((file) => /^broker\/handlers\/\d\d-/.test(file));

  it.each(handlers)('%s says its API, key and versions first, and the source to compare last', (file) => {
    const text = textOf(file.replace('handlers/', 'protocol/messages/'));
    const message = text.slice(text.indexOf(' api({'));
    const declared = (field: string): string =>
      new RegExp(`^  ${field}: '?([\\w-]+)`, 'm').exec(message)?.[1] ?? '';
    const [least, most] = declared('versions').split('-');
    const versions = least === most ? `version ${least}` : `versions ${least}-${most}`;
    const header = textOf(file).slice(0, textOf(file).indexOf('*/')).split('\n * ');
    expect(header[1]).toMatch(new RegExp(`^${declared('name')} \\(${declared('key')}\\), ${versions}: `));
    expect(header.some((line) => line.startsWith('Source: '))).toBe(true);
  });
});
