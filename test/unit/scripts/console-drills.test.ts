/** Drills as the console runs them: one at a time, called off when asked to, told as they go. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { DrillDesk } from '../../../scripts/console/drill-desk.ts';
import type { DrillEnd, startDrill } from '../../../scripts/drills/api.ts';

const directory = mkdtempSync(join(tmpdir(), 'odradek-console-drills-'));
afterAll(() => rmSync(directory, { recursive: true }));

function drill(name: string, lacks: string | null) {
  const words = { title: name, steadyState: '', hypothesis: '', hint: '', explanation: '' };
  return { name, ...words, takesMs: 1000, lacks };
}

/** A desk whose drills end when the test says so, or are called off. */
function world() {
  const started: { name: string; say: (line: string, atMs: number) => void; end: (end: DrillEnd) => void }[] =
    [];
  const start: typeof startDrill = (named, { signal, onProgress }) =>
    new Promise((resolve) => {
      started.push({ name: String(named), say: onProgress, end: resolve });
      signal.addEventListener('abort', () => resolve({ how: 'called off' }));
    });
  const list = () => [drill('a', null), drill('b', null), drill('c', 'no Java is installed')];
  return { started, desk: new DrillDesk({ out: directory, nowMs: () => 7, list, start }) };
}

const latency = (p99Ms: number | null) => ({ count: 1, p50Ms: 1, p99Ms });
function held(page: string): DrillEnd {
  const score = { acknowledged: 5, lost: 1, duplicated: 0, reordered: 0, unavailableMs: [3, 9] };
  return {
    how: 'did not hold',
    score: { ...score, before: latency(1), during: latency(null), after: latency(2) },
    verdicts: [{ held: false, words: 'nothing is lost' }],
    report: { directory, page, markdown: '' },
  } as unknown as DrillEnd;
}

describe('the desk of drills', () => {
  it('tells what a drill says, and how it ended, with its report', async () => {
    const { desk, started } = world();
    expect(desk.view()).toBeNull();
    expect(() => desk.report()).toThrow('no drill has left a report');
    desk.start('a');
    started[0]?.say('the controller is killed', 1200);
    expect(desk.view()).toMatchObject({
      name: 'a',
      startedMs: 7,
      end: null,
      lines: [{ atMs: 1200, line: 'the controller is killed' }],
    });
    const page = join(directory, 'page.html');
    writeFileSync(page, '<p>lost</p>');
    started[0]?.end(held(page));
    await new Promise(setImmediate);
    expect(desk.view()?.end).toEqual({
      how: 'did not hold',
      reason: null,
      verdicts: [{ held: false, words: 'nothing is lost' }],
      score: expect.arrayContaining([
        ['lost', '1'],
        ['longest without an acknowledgement', '9 ms'],
        ['p99 before, during, after', '1, –, 2'],
      ]),
      report: directory,
    });
    expect(desk.report()).toBe('<p>lost</p>');
  });

  it('runs one at a time, and only what there is and can be run', () => {
    const { desk } = world();
    expect(() => desk.start('x')).toThrow("there is no drill 'x'");
    expect(() => desk.start('c')).toThrow("c can't be run here: no Java is installed");
    desk.start('a');
    expect(() => desk.start('b')).toThrow('the drill a runs: one at a time');
  });

  it('calls one off, and then another can be run', async () => {
    const { desk, started } = world();
    await desk.callOff();
    desk.start('a');
    await desk.callOff();
    expect(desk.view()).toMatchObject({ isCalledOff: true, end: { how: 'called off' } });
    desk.start('b');
    expect(started.map(({ name }) => name)).toEqual(['a', 'b']);
  });

  it('keeps the newest of very many lines', () => {
    const { desk, started } = world();
    desk.start('a');
    for (let at = 0; at < 600; at++) started[0]?.say(`line ${at}`, at);
    expect(desk.view()?.lines).toHaveLength(500);
    expect(desk.view()?.lines.at(-1)?.line).toBe('line 599');
  });
});
