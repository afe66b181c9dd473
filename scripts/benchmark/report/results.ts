/** What a run leaves: the table and what failed on the standard output, all of it as JSON, and the charts. */
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { BATCH_BYTES, LINGER_MS } from '../loads.ts';
import type { Choice } from '../options.ts';
import type { Outcome } from '../runner.ts';
import { commonProperties, KAFKA_FLAGS, SESSION_TIMEOUT_MS, type System } from '../systems/systems.ts';
import { chartOf } from './chart.ts';
import { tableText, tabulate } from './report.ts';

interface Circumstances {
  readonly machine: Readonly<Record<string, string | number>>;
  /** Of the clients and the coordination service. */
  readonly tools: Readonly<Record<string, string>>;
  /** By case, how many. */
  readonly records: Readonly<Record<string, number>>;
}

export function writeResults(
  choice: Choice,
  systems: readonly System[],
  outcome: Outcome,
  { machine, tools, records }: Circumstances,
): void {
  const { cases, out } = choice;
  const names = systems.map(({ name }) => name);
  const rows = tabulate(cases, names, outcome);
  process.stdout.write(`\n${tableText(rows, names)}`);
  for (const { case: name, system, round, message } of outcome.failures)
    process.stdout.write(`FAILED: ${name}, ${system}, round ${round}: ${message}\n`);
  mkdirSync(out, { recursive: true });
  for (const old of readdirSync(out)) if (/^[a-z0-9-]+\.svg$/.test(old)) rmSync(join(out, old));
  const versions = { ...Object.fromEntries(systems.map(({ name, version }) => [name, version])), ...tools };
  const { readings, failures } = outcome;
  const results = { machine, versions, settings: settingsOf(choice), records, rows, readings, failures };
  writeFileSync(join(out, 'results.json'), `${JSON.stringify(results, null, 2)}\n`);
  for (const [group, those] of Map.groupBy(rows, (row) => row.group)) {
    const chart = chartOf(group, those, names);
    if (chart !== null) writeFileSync(join(out, `${group.replaceAll(' ', '-')}.svg`), chart);
  }
  process.stdout.write(`results are in ${out}\n`);
}

function settingsOf(choice: Choice): object {
  const { rounds, percent, warmUpSeconds, records, seconds, recordSizeBytes } = choice;
  return {
    ...{ rounds, percent, warmUpSeconds, records, seconds, recordSizeBytes },
    cases: choice.cases.map(({ name }) => name),
    brokerProperties: {
      'with 1 broker': commonProperties(1, SESSION_TIMEOUT_MS),
      'with 3 brokers': commonProperties(3, SESSION_TIMEOUT_MS),
    },
    producerProperties: { 'batch.size': BATCH_BYTES, 'linger.ms': LINGER_MS },
    kafkaFlags: KAFKA_FLAGS,
  };
}
