/** Times one small piece of code: runs it until the time is up, several times over, and takes the median. */

export interface Micro {
  readonly name: string;
  /** Bytes that one call deals with, for a rate; 0 when a rate makes no sense. */
  readonly sizeBytes: number;
  readonly run: () => unknown;
}

const SAMPLES = 7;
const SAMPLE_MS = 60;
/** So many calls between two looks at the clock. */
const CALLS = 50;

/** A line: nanoseconds a call (median, and how far the samples lie apart) and megabytes a second. */
export function measured({ name, sizeBytes, run }: Micro): string {
  sample(run);
  const samples = Array.from({ length: SAMPLES }, () => sample(run)).sort((a, b) => a - b);
  const middle = samples[Math.floor(SAMPLES / 2)] ?? Number.NaN;
  const spread = ((samples.at(-1) ?? 0) - (samples[0] ?? 0)) / middle;
  const rate = sizeBytes === 0 ? '' : `${((sizeBytes / middle) * 1000).toFixed(0)} MB/s`;
  const cells = [
    name.padEnd(44),
    `${middle.toFixed(0)} ns`.padStart(12),
    `± ${(spread * 50).toFixed(0)} %`.padStart(8),
  ];
  return `${cells.join('')}${rate.padStart(12)}`.trimEnd();
}

/** What the calls return is added up, so that none can be left out. */
let kept = 0;

/** Read by nobody but V8, which can not know that. */
export function keptCalls(): number {
  return kept;
}

function sample(run: () => unknown): number {
  const startMs = performance.now();
  let calls = 0;
  while (performance.now() - startMs < SAMPLE_MS) {
    for (let index = 0; index < CALLS; index++) kept += run() === undefined ? 0 : 1;
    calls += CALLS;
  }
  return ((performance.now() - startMs) * 1e6) / calls;
}
