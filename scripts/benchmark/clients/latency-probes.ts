/** The latency probes on Kafka's Java client (Latency.java, AtRate.java, Transactions.java), compiled once into the cache. */
import { existsSync, mkdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import type { LatencyClient } from '../case.ts';
import {
  type AtRate,
  clientLimitMs,
  type Latencies,
  type LatencyLoad,
  type Transacted,
  type TransactionLoad,
} from '../loads.ts';
import { CACHE, fingerprint, type Java, KAFKA_VERSION, tried } from '../systems/java.ts';
import type { Workplace } from '../workplace.ts';
import type { JavaRunner } from './tools.ts';

const SOURCES = ['Latency.java', 'AtRate.java', 'Transactions.java'].map((name) =>
  join(import.meta.dirname, name),
);
const COMPILE_LIMIT_MS = 60_000;
/** One at a time, a record may take so long. */
const SLOWEST_RECORD_MS = 30;

interface Told {
  readonly records: number;
}

interface ToldLatencies extends Told {
  readonly ack: Latencies;
  readonly endToEnd: Latencies;
}

/** The directory of the classes, which are made once; or why there is none, in words. */
export async function findLatencyProbes(
  workplace: Workplace,
  java: Java,
): Promise<{ readonly classes: string } | string> {
  const classes = join(CACHE, `latency-${KAFKA_VERSION}-${fingerprint(SOURCES)}`);
  if (existsSync(classes)) return { classes };
  mkdirSync(CACHE, { recursive: true });
  const output = workplace.folderIn(CACHE);
  const argv = ['-cp', java.kafkaClasspath, '-d', output, ...SOURCES];
  const compiled = await tried(workplace, ['javac', ...argv], COMPILE_LIMIT_MS);
  if (compiled === null) return 'javac is not installed';
  workplace.checkOpen();
  if (compiled.code !== 0) return `javac could not compile: ${compiled.stderr.split('\n')[0]}`;
  if (!existsSync(classes)) renameSync(output, classes);
  return { classes };
}

export class LatencyProbes implements LatencyClient {
  readonly #runner: JavaRunner;
  readonly #classes: string;

  constructor(runner: JavaRunner, classes: string) {
    this.#runner = runner;
    this.#classes = classes;
  }

  latency(load: LatencyLoad): Promise<ToldLatencies> {
    return this.#probe('Latency', load, [], load.records * SLOWEST_RECORD_MS);
  }

  atRate(load: LatencyLoad & AtRate): Promise<ToldLatencies> {
    const { recordsPerSecond, warmUpRecords, records } = load;
    const durationMs = ((records + warmUpRecords) / recordsPerSecond) * 1000;
    return this.#probe('AtRate', load, [recordsPerSecond, warmUpRecords], durationMs);
  }

  transactions(load: TransactionLoad): Promise<Told & Transacted> {
    const { records, recordsPerTransaction, partitions, warmUpTransactions } = load;
    const more = [recordsPerTransaction, partitions, warmUpTransactions];
    return this.#probe('Transactions', load, more, (records + warmUpTransactions) * SLOWEST_RECORD_MS);
  }

  async #probe<T extends Told>(
    main: string,
    load: LatencyLoad,
    more: readonly number[],
    durationMs: number,
  ): Promise<T> {
    const { bootstrapServers, topic, records, acks, recordSizeBytes } = load;
    const argv = [bootstrapServers, topic, records, acks, recordSizeBytes, ...more].map(String);
    const limitMs = clientLimitMs(records, recordSizeBytes) + durationMs;
    const { stdout } = await this.#runner.run(main, argv, { limitMs, classes: this.#classes });
    const told = JSON.parse(stdout.trimEnd().split('\n').at(-1) ?? '') as T;
    if (told.records !== records)
      throw new Error(`${main} was to count ${records} and counted ${told.records}`);
    return told;
  }
}
