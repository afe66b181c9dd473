/** Apache's broker as a process of this machine, on the properties it is given. */
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { eventually } from '../support/eventually.ts';
import { CLIENTS } from './interop-cluster.ts';
import { javaArguments } from './java-jars.ts';

export const APACHE_VERSION = '3.9.1';

const START_TIMEOUT_MS = 60_000;

export interface ApacheBroker {
  readonly child: ChildProcess;
  /** All that it has said so far. */
  log(): string;
}

/** Resolves once it serves; rejects with its last words when it ends before that. `directory` takes its files. */
export async function startApacheProcess(options: {
  readonly brokerId: number;
  readonly directory: string;
  /** The text of its server.properties. */
  readonly properties: string;
  /** Options of its JVM besides. */
  readonly jvm?: readonly string[];
}): Promise<ApacheBroker> {
  const { brokerId, directory } = options;
  const properties = join(directory, `apache-${brokerId}.properties`);
  writeFileSync(properties, options.properties);
  const logFile = join(directory, `apache-${brokerId}.log`);
  const output = openSync(logFile, 'a');
  const log4j = [`-Dlog4j.configuration=file:${join(CLIENTS, 'broker-log4j.properties')}`];
  const argv = [
    ...javaArguments(APACHE_VERSION, [...log4j, ...(options.jvm ?? [])]),
    'kafka.Kafka',
    properties,
  ];
  const child = spawn('java', argv, { stdio: ['ignore', output, output] });
  closeSync(output);
  const log = () => readFileSync(logFile, 'utf8');
  await eventually(
    "Apache's broker has started",
    () => {
      if (child.exitCode !== null) throw new Error(`it ended: ${log().slice(-2000)}`);
      return log().includes(`[KafkaServer id=${brokerId}] started`);
    },
    START_TIMEOUT_MS,
  ).catch((error: unknown) => {
    child.kill('SIGKILL');
    throw error;
  });
  return { child, log };
}

/** A clean stop unless told otherwise; resolves when it is gone. */
export async function stopApacheProcess(
  { child }: ApacheBroker,
  signal: 'SIGTERM' | 'SIGKILL' = 'SIGTERM',
): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise((resolve) => child.once('exit', resolve));
  child.kill(signal);
  await gone;
}
