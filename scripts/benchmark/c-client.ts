/** The client in C (load.c): librdkafka, compiled once into the cache. Machines without it do without its cases. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { LoadClient } from './case.ts';
import { CACHE } from './java.ts';
import {
  BATCH_BYTES,
  type Consumed,
  type ConsumeLoad,
  LINGER_MS,
  type ProduceLoad,
  type ProduceResult,
} from './loads.ts';
import type { Workplace } from './workplace.ts';

const SOURCE = join(import.meta.dirname, 'load.c');
const PROGRAM = join(CACHE, 'load');
const LIBRARY = '-l:librdkafka.so.1';
const LIMIT_MS = 180_000;
const MANY_IN_FLIGHT = 200_000;

export interface LoadProgram {
  readonly program: string;
}

/** Where the compiled program is, or why there is none, in words. */
export function findLoadProgram(): LoadProgram | string {
  if (existsSync(PROGRAM) && statSync(PROGRAM).mtimeMs > statSync(SOURCE).mtimeMs)
    return { program: PROGRAM };
  mkdirSync(CACHE, { recursive: true });
  const compiled = spawnSync('gcc', ['-O2', '-o', PROGRAM, SOURCE, LIBRARY, '-lpthread'], {
    encoding: 'utf8',
  });
  if (compiled.status === 0) return { program: PROGRAM };
  return compiled.error === undefined ? 'librdkafka is not installed' : 'gcc is not installed';
}

export class CClient implements LoadClient {
  readonly #workplace: Workplace;
  readonly #program: string;

  constructor(workplace: Workplace, program: string) {
    this.#workplace = workplace;
    this.#program = program;
  }

  async produce(load: ProduceLoad): Promise<ProduceResult> {
    const { bootstrapServers, topic, records, recordSizeBytes, acks, compression } = load;
    const {
      lingerMs = LINGER_MS,
      batchBytes = BATCH_BYTES,
      connections = 1,
      maxInFlight = MANY_IN_FLIGHT,
    } = load;
    const settings = [recordSizeBytes, acks, compression, lingerMs, batchBytes, connections, maxInFlight];
    const told = await this.#run('produce', bootstrapServers, topic, records, ...settings);
    if (told.records !== records)
      throw new Error(`load was to send ${records} records and sent ${told.records}`);
    const recordsPerSecond = records / told.seconds;
    return { recordsPerSecond, mbPerSecond: (recordsPerSecond * recordSizeBytes) / 1e6, p99Ms: told.p99 };
  }

  async consume({
    bootstrapServers,
    topic,
    records,
    partitions,
    recordSizeBytes,
  }: ConsumeLoad): Promise<Consumed> {
    const told = await this.#run('consume', bootstrapServers, topic, records, partitions);
    if (told.records < records)
      throw new Error(`load was to read ${records} records and read ${told.records}`);
    return { mbPerSecond: (told.records * recordSizeBytes) / 1e6 / told.seconds };
  }

  async #run(
    ...argv: readonly (string | number)[]
  ): Promise<{ records: number; seconds: number; p99: number }> {
    const { code, signal, stdout, stderr } = await this.#workplace.run(
      [this.#program, ...argv.map(String)],
      LIMIT_MS,
    );
    if (code !== 0 || stderr !== '')
      throw new Error(`load ended with ${signal ?? `exit status ${code}`}: ${stderr.trim().split('\n')[0]}`);
    return JSON.parse(stdout);
  }
}
