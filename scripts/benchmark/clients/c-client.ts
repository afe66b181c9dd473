/** The client in C (load.c): librdkafka, compiled once into the cache. Machines without it do without its cases. */
import { copyFileSync, existsSync, mkdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import type { LoadClient } from '../case.ts';
import {
  BATCH_BYTES,
  type Consumed,
  type ConsumeLoad,
  clientLimitMs,
  LINGER_MS,
  type Produced,
  type ProduceLoad,
} from '../loads.ts';
import { CACHE, fingerprint, tried } from '../systems/java.ts';
import type { Workplace } from '../workplace.ts';

const SOURCE = join(import.meta.dirname, 'load.c');
const LIBRARY = '-l:librdkafka.so.1';
const COMPILE_LIMIT_MS = 60_000;
const MANY_IN_FLIGHT = 200_000;

export interface LoadProgram {
  readonly program: string;
  /** Of librdkafka. */
  readonly version: string;
}

/** Where the compiled program is, or why there is none, in words. */
export async function findLoadProgram(workplace: Workplace): Promise<LoadProgram | string> {
  const program = join(CACHE, `load-${fingerprint([SOURCE])}`);
  if (!existsSync(program)) {
    const problem = await compile(workplace, program);
    if (problem !== null) return problem;
  }
  const asked = await tried(workplace, [program, 'version'], COMPILE_LIMIT_MS);
  if (asked?.code !== 0) return 'librdkafka is not installed';
  return { program, version: asked.stdout.trim() };
}

/** Only a finished program gets into the cache. */
async function compile(workplace: Workplace, program: string): Promise<string | null> {
  const output = join(workplace.folder('compiled'), 'load');
  const argv = ['-O2', '-o', output, SOURCE, LIBRARY, '-lpthread'];
  for (const compiler of ['cc', 'gcc']) {
    const compiled = await tried(workplace, [compiler, ...argv], COMPILE_LIMIT_MS);
    if (compiled === null) continue;
    if (compiled.code !== 0) return 'librdkafka is not installed';
    mkdirSync(CACHE, { recursive: true });
    const beside = `${program}.${process.pid}`;
    copyFileSync(output, beside);
    renameSync(beside, program);
    return null;
  }
  return 'there is no C compiler';
}

interface Told {
  readonly records: number;
  readonly bytes: number;
  readonly seconds: number;
  /** Seconds since 1970. */
  readonly ended: number;
  readonly p99: number;
}

export class CClient implements LoadClient {
  readonly #workplace: Workplace;
  readonly #program: string;

  constructor(workplace: Workplace, program: string) {
    this.#workplace = workplace;
    this.#program = program;
  }

  async produce(load: ProduceLoad): Promise<Produced> {
    const { bootstrapServers, topic, records, recordSizeBytes, acks, compression } = load;
    const {
      lingerMs = LINGER_MS,
      batchBytes = BATCH_BYTES,
      connections = 1,
      maxInFlight = MANY_IN_FLIGHT,
      evenlyOver = 0,
    } = load;
    const sending = [recordSizeBytes, acks, compression, lingerMs, batchBytes];
    const settings = [...sending, connections, maxInFlight, evenlyOver];
    const argv = ['produce', bootstrapServers, topic, records, ...settings, ...configsOf(load)];
    const told = await this.#run(argv, clientLimitMs(records, recordSizeBytes));
    if (told.records !== records)
      throw new Error(`load was to send ${records} records and sent ${told.records}`);
    const recordsPerSecond = records / told.seconds;
    return { recordsPerSecond, mbPerSecond: (recordsPerSecond * recordSizeBytes) / 1e6, p99Ms: told.p99 };
  }

  async consume(load: ConsumeLoad): Promise<Consumed> {
    const { bootstrapServers, topic, records, partitions, recordSizeBytes } = load;
    const argv = ['consume', bootstrapServers, topic, records, partitions, ...configsOf(load)];
    const told = await this.#run(argv, clientLimitMs(records, recordSizeBytes));
    const bytes = records * recordSizeBytes;
    if (told.records !== records || told.bytes !== bytes)
      throw new Error(
        `load was to read ${records} records of ${bytes} B and read ${told.records} of ${told.bytes} B`,
      );
    return { mbPerSecond: bytes / 1e6 / told.seconds, endedWallMs: told.ended * 1000 };
  }

  async #run(argv: readonly (string | number)[], limitMs: number): Promise<Told> {
    const { code, signal, stdout, stderr } = await this.#workplace.run(
      [this.#program, ...argv.map(String)],
      limitMs,
    );
    if (code !== 0 || stderr !== '')
      throw new Error(`load ended with ${signal ?? `exit status ${code}`}: ${stderr.trim().split('\n')[0]}`);
    return JSON.parse(stdout);
  }
}

function configsOf({ clientConfigs = {} }: Pick<ProduceLoad, 'clientConfigs'>): string[] {
  return Object.entries(clientConfigs).map(([key, value]) => `${key}=${value}`);
}
