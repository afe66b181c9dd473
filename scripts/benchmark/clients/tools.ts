/**
 * The clients that make the load: Kafka's own performance tools, each in a process of its own. A client
 * that reports an error, or another count than was asked for, makes its case invalid: it throws.
 */
import { existsSync, mkdirSync, renameSync, writeFileSync } from 'node:fs';
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
import { CACHE, type Java } from '../systems/java.ts';
import type { Finished, Workplace } from '../workplace.ts';

const CLIENT_FLAGS = ['-Xms256m', '-Xmx512m', '-XX:+UseG1GC', '-XX:-UsePerfData'];
/** Of ConsumerPerformance: no record for so long. */
const SILENCE_LIMIT_MS = 20_000;
const MIB = 1_048_576;

/** Runs Kafka's Java programs, and such as are in `classes`. */
export class JavaRunner {
  readonly #workplace: Workplace;
  readonly #java: Java;

  constructor(workplace: Workplace, java: Java) {
    this.#workplace = workplace;
    this.#java = java;
  }

  async run(
    main: string,
    argv: readonly string[],
    { limitMs, classes }: { readonly limitMs: number; readonly classes?: string },
  ): Promise<Finished> {
    const classpath = [...(classes === undefined ? [] : [classes]), this.#java.kafkaClasspath].join(':');
    const log4j = join(this.#workplace.directory, 'client-log4j.properties');
    if (!existsSync(log4j)) writeFileSync(log4j, CLIENT_LOG4J);
    const flags = [...CLIENT_FLAGS, `-Dlog4j.configuration=file:${log4j}`];
    const finished = await this.#workplace.run(['java', ...flags, '-cp', classpath, main, ...argv], limitMs);
    const { code, signal, stdout, stderr } = finished;
    const complaint = `${stderr}\n${stdout}`
      .split('\n')
      .find((line) => /Exception|^\[?(ERROR|WARN)|error code/.test(line));
    const name = main.slice(main.lastIndexOf('.') + 1);
    if (complaint !== undefined) throw new Error(`${name} reported an error: ${complaint.trim()}`);
    if (code !== 0) throw new Error(`${name} ended with ${signal ?? `exit status ${code}`}`);
    return finished;
  }
}

export class PerformanceTools implements LoadClient {
  readonly #runner: JavaRunner;

  constructor(runner: JavaRunner) {
    this.#runner = runner;
  }

  async produce(load: ProduceLoad): Promise<Produced> {
    const { records, recordSizeBytes } = load;
    const properties = [
      `bootstrap.servers=${load.bootstrapServers}`,
      `acks=${load.acks}`,
      `compression.type=${load.compression}`,
      `batch.size=${load.batchBytes ?? BATCH_BYTES}`,
      `linger.ms=${load.lingerMs ?? LINGER_MS}`,
      'buffer.memory=67108864',
    ];
    const argv = [
      ...['--topic', load.topic, '--num-records', String(records), '--throughput', '-1'],
      // The tool's own payload is random letters, which no codec can make smaller.
      ...(load.compression === 'none'
        ? ['--record-size', String(recordSizeBytes)]
        : ['--payload-file', payloadFile(recordSizeBytes)]),
      ...['--producer-props', ...properties],
    ];
    const limitMs = clientLimitMs(records, recordSizeBytes);
    const { stdout } = await this.#runner.run('org.apache.kafka.tools.ProducerPerformance', argv, {
      limitMs,
    });
    const lines = stdout.trimEnd().split('\n');
    const line = lines.findLast((each) => each.includes('99.9th')) ?? '';
    const found = /^(\d+) records sent, ([\d.]+) records\/sec \(([\d.]+) MB\/sec\).* (\d+) ms 99th/.exec(
      line,
    );
    if (found === null || Number(found[1]) !== records)
      throw new Error(`ProducerPerformance was to send ${records} records; it said: ${line}`);
    const recordsPerSecond = Number(found[2]);
    const mbPerSecond = (recordsPerSecond * recordSizeBytes) / 1e6;
    return { recordsPerSecond, mbPerSecond, p99Ms: Number(found[4]) };
  }

  async consume({ records, recordSizeBytes, ...load }: ConsumeLoad): Promise<Consumed> {
    const argv = [
      ...['--bootstrap-server', load.bootstrapServers, '--topic', load.topic],
      ...['--messages', String(records), '--hide-header', '--timeout', String(SILENCE_LIMIT_MS)],
    ];
    const limitMs = clientLimitMs(records, recordSizeBytes);
    const { stdout } = await this.#runner.run('org.apache.kafka.tools.ConsumerPerformance', argv, {
      limitMs,
    });
    return consumed(stdout.trimEnd().split('\n').at(-1) ?? '', records, recordSizeBytes);
  }
}

/**
 * The line of ConsumerPerformance. Its MB.sec divides by the whole time, in which the group comes together
 * and, for the first group of a cluster, the topic of offsets is made; its fetch.MB.sec leaves that out.
 * It is the latter that says how fast records come, however many there are, so it is taken.
 */
export function consumed(line: string, records: number, recordSizeBytes: number): Consumed {
  const columns = line.split(', ').map(Number);
  const [mib, count, fetchMibPerSecond] = [columns[2] ?? 0, columns[4] ?? 0, columns[8] ?? Number.NaN];
  const wantedMib = (records * recordSizeBytes) / MIB;
  // The topic holds just what is asked for, and the tool prints four digits after the point.
  if (count !== records || Math.abs(mib - wantedMib) > 0.001 || !(fetchMibPerSecond > 0))
    throw new Error(
      `ConsumerPerformance was to read ${records} records, ${wantedMib.toFixed(4)} MiB; it said: ${line}`,
    );
  return { mbPerSecond: (fetchMibPerSecond * MIB) / 1e6, endedWallMs: wallMs(line.split(', ')[1] ?? '') };
}

/** `2026-11-21 07:30:00:123`, in the time zone of this machine. */
function wallMs(text: string): number {
  return Date.parse(text.replace(/:(\d{3})$/, '.$1'));
}

const CLIENT_LOG4J = `log4j.rootLogger=ERROR, err
log4j.appender.err=org.apache.log4j.ConsoleAppender
log4j.appender.err.target=System.err
log4j.appender.err.layout=org.apache.log4j.PatternLayout
log4j.appender.err.layout.ConversionPattern=%p %m (%c)%n
`;

/** Lines that look like JSON of an application: a codec makes about a third of them. */
function payloadFile(recordSizeBytes: number): string {
  mkdirSync(CACHE, { recursive: true });
  const file = join(CACHE, `payload-${recordSizeBytes}.txt`);
  if (existsSync(file)) return file;
  const lines = Array.from({ length: 1000 }, (_, index) => {
    let line = '';
    for (let field = 0; line.length < recordSizeBytes; field++) {
      const value = (index * 2_654_435_761 + field * 40_503 * (index + 1)) >>> 0;
      line += `"field${field}":${value},`;
    }
    return line.slice(0, recordSizeBytes);
  });
  writeFileSync(`${file}.${process.pid}`, `${lines.join('\n')}\n`);
  renameSync(`${file}.${process.pid}`, file);
  return file;
}
