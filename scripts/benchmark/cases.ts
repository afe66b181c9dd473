/** All cases, in the order in which they run within their group. */
import { latencyCase, memoryCase, startCase } from './broker-cases.ts';
import type { BenchmarkCase } from './case.ts';
import { failureCases } from './failure-cases.ts';
import { smallRequestsCase, throughputCases } from './throughput-cases.ts';

export const CASES: readonly BenchmarkCase[] = [
  startCase(1),
  latencyCase(1),
  startCase(3),
  latencyCase(3),
  ...throughputCases(),
  smallRequestsCase(1),
  smallRequestsCase(3),
  memoryCase(1),
  memoryCase(3),
  ...failureCases(),
];

/** `produce-1k*`: a star stands for anything. */
export function casesNamed(patterns: readonly string[]): BenchmarkCase[] | string {
  const unknown = patterns.find((pattern) => !CASES.some(({ name }) => matches(pattern, name)));
  if (unknown !== undefined) return `there is no case '${unknown}'; --list shows all`;
  return CASES.filter(({ name }) => patterns.some((pattern) => matches(pattern, name)));
}

function matches(pattern: string, name: string): boolean {
  const quoted = pattern.split('*').map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(`^${quoted.join('.*')}$`).test(name);
}
