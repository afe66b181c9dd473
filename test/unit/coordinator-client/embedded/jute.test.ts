/** Jute: what is written can be read, at every size, and a length is not believed before it is checked. */
import { expect, test } from 'vitest';
import { JuteError, JuteReader, JuteWriter } from '../../../../coordinator-client/embedded/jute.ts';

test('every primitive survives the writer growing right before it', () => {
  for (let fill = 230; fill <= 260; fill++) {
    const filler = 'x'.repeat(fill);
    const steps: readonly [(w: JuteWriter) => JuteWriter, (r: JuteReader) => unknown, unknown][] = [
      [(w) => w.int(-7), (r) => r.int(), -7],
      [(w) => w.long(-5n), (r) => r.long(), -5n],
      [(w) => w.safeLong(2 ** 40 + 3), (r) => r.long(), 2n ** 40n + 3n],
      [(w) => w.boolean(true), (r) => r.boolean(), true],
      [(w) => w.string('grün'), (r) => r.string(), 'grün'],
      [(w) => w.buffer(Buffer.from('ab')), (r) => r.buffer()?.toString(), 'ab'],
      [(w) => w.strings(['p', 'q']), (r) => r.strings(), ['p', 'q']],
    ];
    for (const [write, read, expected] of steps) {
      const reader = new JuteReader(write(new JuteWriter().string(filler)).done());
      expect(reader.string()).toBe(filler);
      expect(read(reader)).toEqual(expected);
      expect(reader.remaining).toBe(0);
    }
  }
});

test('a length or a count beyond what is there is refused before anything is made of it', () => {
  for (const length of [5, 0x7fffffff, -2, -0x80000000]) {
    const bytes = new JuteWriter().int(length).raw(Buffer.from('abcd')).done();
    expect(() => new JuteReader(bytes).buffer()).toThrow(JuteError);
    expect(() => new JuteReader(bytes).strings()).toThrow(JuteError);
  }
  expect(() => new JuteReader(Buffer.alloc(3)).int()).toThrow(JuteError);
});
