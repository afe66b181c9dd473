/** A thread for one piece of work: what comes of it, and that it ends by force. */
import { expect, it } from 'vitest';
import { BeyondLimits, inThread } from '../../../broker/platform/one-off-thread.ts';

const program = (work: string): URL => {
  const helper = new URL('../../../broker/platform/one-off-thread.ts', import.meta.url);
  const text = `import { doOnce } from ${JSON.stringify(helper.href)}; void doOnce(${work});`;
  return new URL(`data:text/javascript,${encodeURIComponent(text)}`);
};
const LIMITS = { timeMs: 60_000, heapMb: 256 };

it('answers what the work makes of its input', async () => {
  expect(await inThread(program('async ({ of }) => of * 2'), { of: 21 }, LIMITS)).toBe(42);
});

it('rejects with what the work throws, and when it ends without a word', async () => {
  const throwing = program('async () => { throw new Error("no good") }');
  await expect(inThread(throwing, null, LIMITS)).rejects.toThrow('no good');
  await expect(inThread(program('() => process.exit(3)'), null, LIMITS)).rejects.toThrow('has ended');
});

it('ends work that does not end', async () => {
  const endless = inThread(program('async () => { for (;;); }'), null, { ...LIMITS, timeMs: 1000 });
  await expect(endless).rejects.toThrow(new BeyondLimits('it took more than 1 s'));
});

it('ends work that fills its memory, and nothing else', async () => {
  const work = 'async () => { const kept = []; for (let n = 0; ; n++) kept.push("x".repeat(1000) + n); }';
  const filling = inThread(program(work), null, { ...LIMITS, heapMb: 32 });
  await expect(filling).rejects.toThrow(new BeyondLimits('it took more than 32 MB of memory'));
});
