/** Lines of the log: each event is one line, whatever others have put into its words. */

import { expect, it } from 'vitest';
import { lineDiagnostics } from '../../../broker/platform/diagnostics.ts';
import { World } from '../../support/world.ts';

function written(name: string, message: string, error?: unknown): string {
  const lines: string[] = [];
  lineDiagnostics(new World().clock, (line) => lines.push(line), 'info')
    .named(name)
    .warn(message, error);
  expect(lines).toHaveLength(1);
  return (lines[0] ?? '').replace(/^\[[^\]]*\] WARN /, '');
}

it.each([
  [
    'a line that somebody else has made up',
    'x\n[2026-01-01 00:00:00,000] INFO all is well',
    'x\\n[2026-01-01 00:00:00,000] INFO all is well',
  ],
  ['the start of a line', 'x\rno', 'x\\rno'],
  ['codes that steer a terminal', '\u001b[2J\u001b]0;title\u0007', '\\x1b[2J\\x1b]0;title\\x07'],
  ['their one-byte forms', '\u009b31m\u0085', '\\x9b31m\\x85'],
  ['zero, tab and delete', '\0\t\u007f', '\\x00\\t\\x7f'],
  ['separators of Unicode', 'a\u2028b\u2029c', 'a\\u2028b\\u2029c'],
  ['marks that turn the direction round', '\u202egnp\u2066\u200f\u061c', '\\u202egnp\\u2066\\u200f\\u061c'],
  ['half a character', 'a\ud800b', 'a\\ud800b'],
])('%s is written as an escape', (_what, words, expected) => {
  expect(written('x', `name '${words}'`)).toBe(`[x] name '${expected}'`);
  expect(written(words, '')).toBe(`[${expected}] `);
  expect(written('x', 'm', words)).toBe(`[x] m: ${expected}`);
  const error = new RangeError(words);
  expect(written('x', 'm', error).split('\n    at ')[0]).toBe(`[x] m: RangeError: ${expected}`);
});

it('letters of every script stay as they are', () => {
  const words = 'größe 日本 \u{1f980} العربية "quoted" back\\slash';
  expect(written('x', words)).toBe(`[x] ${words}`);
});

it('a stack stands below its error, and the words of an error are not taken for one', () => {
  const error = new Error('sent\n    at attacker (evil.js:1:1)');
  const [head, ...frames] = written('x', 'm', error).split('\n');
  expect(head).toBe('[x] m: Error: sent\\n    at attacker (evil.js:1:1)');
  expect(frames[0]).toMatch(/^ {4}at .*diagnostics\.test\.ts/);
  expect(frames.every((frame) => frame.startsWith('    at '))).toBe(true);
});

it('an error whose words have changed since is escaped as well', () => {
  const error = new Error('first\nline');
  // Node writes the stack when it is first asked for.
  expect(error.stack).toContain('first');
  error.message = 'another';
  const [head, ...frames] = written('x', 'm', error).split('\n');
  expect(head).toContain('Error: first\\nline');
  expect(frames.length).toBeGreaterThan(0);
  const bare = new Error('a\nb');
  delete bare.stack;
  expect(written('x', 'm', bare)).toBe('[x] m: Error: a\\nb');
});
