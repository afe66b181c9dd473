/** All cases, in the order in which they run within their group. */

import type { BenchmarkCase } from '../case.ts';
import { aclCase } from './acl-cases.ts';
import { memoryCase, startCase } from './broker-cases.ts';
import { coldAndTailCase } from './cold-cases.ts';
import { consumersCase, producersCase } from './crowd-cases.ts';
import { failureCases } from './failure-cases.ts';
import { latencyCase, rateCase } from './latency-cases.ts';
import { coresCase, smallRequestsCase, throughputCases, tlsCases } from './throughput-cases.ts';
import { transactionCase } from './transaction-cases.ts';
import { inProcessCase, wholeCase } from './whole-cases.ts';

export const CASES: readonly BenchmarkCase[] = [
  wholeCase(1),
  wholeCase(3),
  inProcessCase(),
  ...[1, 3].flatMap((brokers) => [startCase(brokers), latencyCase(brokers), rateCase(brokers)]),
  ...throughputCases(),
  smallRequestsCase(1),
  smallRequestsCase(3),
  transactionCase(3, 100),
  transactionCase(3, 1),
  producersCase(1000),
  consumersCase(1000),
  consumersCase(4000),
  coldAndTailCase(),
  ...tlsCases(),
  aclCase(1000),
  coresCase(1),
  coresCase(2),
  memoryCase(1),
  memoryCase(3),
  ...failureCases(),
];

/** What `--self` without --cases runs. */
export const QUICK_CASES: readonly string[] = [
  ...['start-1', 'produce-1k-rf1-c', 'produce-100b-rf1-c', 'consume-1k-rf1-c', 'small-1'],
  ...['start-3', 'latency-3', 'produce-1k-rf3-c', 'memory-3'],
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
