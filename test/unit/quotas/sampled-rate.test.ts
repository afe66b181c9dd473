/** Rates, windows and buckets come out as those of Kafka's own classes, to the last digit that matters. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { SampledRate, SampledValues, throttleMs } from '../../../broker/quotas/sampled-rate.ts';
import { TokenBucket } from '../../../broker/quotas/token-bucket.ts';

type Step = [
  nowMs: number,
  value: number,
  rate: number,
  windowMs: number,
  simple: number,
  tokens: number,
  mean: number,
];
interface Run {
  readonly samples: number;
  readonly sampleMs: number;
  readonly limit: number;
  readonly steps: readonly Step[];
}

/** What Rate, SimpleRate, TokenBucket and Avg of Kafka 3.9.1 measured after each value, at random times. */
const RUNS = JSON.parse(
  readFileSync(join(import.meta.dirname, 'kafka-3.9.1-rates.json'), 'utf8'),
) as readonly Run[];

describe('as Kafka measures it', () => {
  for (const { samples, sampleMs, limit, steps } of RUNS) {
    it(`with ${samples} samples of ${sampleMs} ms`, () => {
      const window = { samples, sampleMs };
      const full = new SampledRate(window, 'full');
      const elapsed = new SampledRate(window, 'elapsed');
      const values = new SampledValues(window);
      const bucket = new TokenBucket(window);
      for (const [nowMs, value, rate, windowMs, simple, tokens, mean] of steps) {
        full.record(value, nowMs);
        elapsed.record(value, nowMs);
        values.record(value, nowMs);
        bucket.take(Math.trunc(value / 10), limit, nowMs);
        expect(full.rate(nowMs)).toBeCloseTo(rate, 6);
        expect(full.windowMs(nowMs)).toBe(windowMs);
        expect(elapsed.rate(nowMs)).toBeCloseTo(simple, 6);
        expect(bucket.tokens(limit, nowMs)).toBeCloseTo(tokens, 6);
        expect(values.average(nowMs)).toBeCloseTo(mean, 6);
      }
    });
  }
});

describe('the largest value', () => {
  it('is that of the samples that still count, and NaN when there is none', () => {
    const values = new SampledValues({ samples: 2, sampleMs: 1000 });
    expect(values.largest(0)).toBeNaN();
    for (const [nowMs, value] of [
      [0, 5],
      [999, 3],
      [1000, 4],
    ] as const)
      values.record(value, nowMs);
    expect(values.largest(2998)).toBe(5);
    expect(values.largest(2999)).toBe(4);
    values.record(-2, 3000);
    expect(values.largest(3000)).toBe(-2);
    expect(values.largest(5000)).toBeNaN();
  });
});

describe('how long a client is throttled', () => {
  const window = { samples: 11, sampleMs: 1000 };

  it('is nothing up to the limit', () => {
    const rate = new SampledRate(window, 'full');
    rate.record(10_000, 5000);
    expect(throttleMs(rate, 1000, 5000)).toBe(0);
  });

  it('is what it takes until the rate is at the limit again', () => {
    const rate = new SampledRate(window, 'full');
    rate.record(15_000, 5000);
    expect(throttleMs(rate, 1000, 5000)).toBe(5000);
  });

  it('has an end although nothing may come at all', () => {
    const rate = new SampledRate(window, 'full');
    rate.record(1, 5000);
    expect(throttleMs(rate, 0, 5000)).toBe(2 ** 31 - 1);
  });

  it('is nothing in an empty window', () => {
    expect(throttleMs(new SampledRate(window, 'full'), 1000, 5000)).toBe(0);
    expect(throttleMs(new SampledRate(window, 'full'), 0, 5000)).toBe(0);
  });
});
