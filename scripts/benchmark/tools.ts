/**
 * The clients that make the load: Kafka's own performance tools, a latency probe on Kafka's Java client
 * (Latency.java), each in a process of its own. A client that reports an error, or another count than was
 * asked for, makes its case invalid: it throws.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { LatencyClient, LoadClient } from './case.ts';
import { CACHE, type Java, KAFKA_VERSION } from './java.ts';
import {
  BATCH_BYTES,
  type Consumed,
  type ConsumeLoad,
  type Latencies,
  LINGER_MS,
  type ProduceLoad,
  type ProduceResult,
} from './loads.ts';
import type { Finished, Workplace } from './workplace.ts';

const CLIENT_FLAGS = ['-Xms256m', '-Xmx512m', '-XX:+UseG1GC', '-XX:-UsePerfData'];
const CLIENT_LIMIT_MS = 180_000;
const LATENCY_SOURCE = join(import.meta.dirname, 'Latency.java');

export class JavaTools implements LoadClient, LatencyClient {
  readonly #workplace: Workplace;
  readonly #java: Java;

  constructor(workplace: Workplace, java: Java) {
    this.#workplace = workplace;
    this.#java = java;
  }

  async produce(load: ProduceLoad): Promise<ProduceResult> {
    const properties = [
      `bootstrap.servers=${load.bootstrapServers}`,
      `acks=${load.acks}`,
      `compression.type=${load.compression}`,
      `batch.size=${load.batchBytes ?? BATCH_BYTES}`,
      `linger.ms=${load.lingerMs ?? LINGER_MS}`,
      'buffer.memory=67108864',
    ];
    const { stdout } = await this.#run('org.apache.kafka.tools.ProducerPerformance', [
      ...['--topic', load.topic, '--num-records', String(load.records), '--throughput', '-1'],
      // The tool's own payload is random letters, which no codec can make smaller.
      ...(load.compression === 'none'
        ? ['--record-size', String(load.recordSizeBytes)]
        : ['--payload-file', payloadFile(load.recordSizeBytes)]),
      ...['--producer-props', ...properties],
    ]);
    const line =
      stdout
        .trimEnd()
        .split('\n')
        .findLast((each) => each.includes('99.9th')) ?? '';
    const found = /^(\d+) records sent, ([\d.]+) records\/sec \(([\d.]+) MB\/sec\).* (\d+) ms 99th/.exec(
      line,
    );
    if (found === null || Number(found[1]) !== load.records)
      throw new Error(`ProducerPerformance was to send ${load.records} records; it said: ${line}`);
    return {
      recordsPerSecond: Number(found[2]),
      mbPerSecond: (Number(found[2]) * load.recordSizeBytes) / 1e6,
      p99Ms: Number(found[4]),
    };
  }

  /** Reads a topic from its beginning; the time to join a group is not counted. */
  async consume(o: ConsumeLoad): Promise<Consumed> {
    const { stdout } = await this.#run('org.apache.kafka.tools.ConsumerPerformance', [
      ...['--bootstrap-server', o.bootstrapServers, '--topic', o.topic],
      ...['--messages', String(o.records), '--hide-header', '--timeout', '20000'],
    ]);
    const line = stdout.trimEnd().split('\n').at(-1) ?? '';
    const columns = line.split(', ').map(Number);
    const [records, fetchMibPerSecond] = [columns[4] ?? Number.NaN, columns[8] ?? Number.NaN];
    // The last poll may bring more than was asked for.
    if (!(records >= o.records))
      throw new Error(`ConsumerPerformance was to read ${o.records} records; it said: ${line}`);
    return { mbPerSecond: fetchMibPerSecond * 1.048576 };
  }

  /** One record at a time. */
  async latency(o: {
    bootstrapServers: string;
    topic: string;
    records: number;
    acks: string;
    recordSizeBytes: number;
  }): Promise<{ ack: Latencies; endToEnd: Latencies }> {
    const classes = compiledLatency(this.#java);
    const { stdout } = await this.#run(
      'Latency',
      [o.bootstrapServers, o.topic, String(o.records), o.acks, String(o.recordSizeBytes)],
      classes,
    );
    return JSON.parse(stdout.trimEnd().split('\n').at(-1) ?? '');
  }

  async #run(main: string, argv: readonly string[], classes?: string): Promise<Finished> {
    const classpath = [...(classes === undefined ? [] : [classes]), this.#java.kafkaClasspath].join(':');
    const log4j = join(this.#workplace.directory, 'client-log4j.properties');
    if (!existsSync(log4j)) writeFileSync(log4j, CLIENT_LOG4J);
    const flags = [...CLIENT_FLAGS, `-Dlog4j.configuration=file:${log4j}`];
    const finished = await this.#workplace.run(
      ['java', ...flags, '-cp', classpath, main, ...argv],
      CLIENT_LIMIT_MS,
    );
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

const CLIENT_LOG4J = `log4j.rootLogger=ERROR, err
log4j.appender.err=org.apache.log4j.ConsoleAppender
log4j.appender.err.target=System.err
log4j.appender.err.layout=org.apache.log4j.PatternLayout
log4j.appender.err.layout.ConversionPattern=%p %m (%c)%n
`;

/** The classes of Latency.java, compiled again when the source is newer. */
function compiledLatency(java: Java): string {
  const directory = join(CACHE, `latency-${KAFKA_VERSION}`);
  const target = join(directory, 'Latency.class');
  if (existsSync(target) && statSync(target).mtimeMs > statSync(LATENCY_SOURCE).mtimeMs) return directory;
  mkdirSync(directory, { recursive: true });
  execFileSync('javac', ['-cp', java.kafkaClasspath, '-d', directory, LATENCY_SOURCE], { stdio: 'pipe' });
  return directory;
}

/** Lines that look like JSON of an application: a codec makes about a third of them. */
function payloadFile(recordSizeBytes: number): string {
  mkdirSync(CACHE, { recursive: true });
  const file = join(CACHE, `payload-${recordSizeBytes}.txt`);
  if (!existsSync(file)) {
    const lines = Array.from({ length: 1000 }, (_, index) => {
      let line = '';
      for (let field = 0; line.length < recordSizeBytes; field++) {
        const value = (index * 2_654_435_761 + field * 40_503 * (index + 1)) >>> 0;
        line += `"field${field}":${value},`;
      }
      return line.slice(0, recordSizeBytes);
    });
    writeFileSync(file, `${lines.join('\n')}\n`);
  }
  return file;
}
