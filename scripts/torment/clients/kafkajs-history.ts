/** How kafkajs' programs write down what they do, and the options that their writers and readers share. */
import { closeSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { Kafka, logLevel } from 'kafkajs';
import type { EntryType, Mode } from '../history/entries.ts';

export interface JobOptions {
  readonly bootstrapServers: string;
  readonly partitions: number;
  readonly seed: number;
  readonly directory: string;
  readonly mode: Mode;
  readonly topic: string;
}

const REQUEST_TIMEOUT_MS = 3000;
const CONNECT_TIMEOUT_MS = 2000;

export function clientOf({ bootstrapServers, topic }: JobOptions): Kafka {
  return new Kafka({
    clientId: topic,
    brokers: bootstrapServers.split(','),
    logLevel: logLevel.WARN,
    connectionTimeout: CONNECT_TIMEOUT_MS,
    requestTimeout: REQUEST_TIMEOUT_MS,
  });
}

export class HistoryFile {
  readonly #file: number;

  constructor({ directory, topic }: JobOptions, role: 'writer' | 'reader') {
    this.#file = openSync(join(directory, `${topic}.${role}.jsonl`), 'w');
  }

  write(type: EntryType, deed: string, fields: object): void {
    const at = Math.round((performance.timeOrigin + performance.now()) * 1000) / 1000;
    writeSync(this.#file, `${JSON.stringify({ at, type, do: deed, ...fields })}\n`);
  }

  close(): void {
    closeSync(this.#file);
  }
}

/** The innermost error's name, as Kafka has it where it is one of Kafka's. */
export function nameOf(error: unknown): string {
  const { cause, type, name } = error as { cause?: unknown; type?: string; name?: string };
  return cause === undefined || cause === null ? (type ?? name ?? String(error)) : nameOf(cause);
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
