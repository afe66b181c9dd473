/** The platform of a real process: the system's clock, chance, files and network. */
import { systemClock } from './clock.ts';
import { type Level, lineDiagnostics } from './diagnostics.ts';
import { createJournal } from './journal.ts';
import { createMetrics } from './metrics.ts';
import type { Labels } from './metrics-text.ts';
import { nodeDisk } from './node-disk.ts';
import type { Platform } from './platform.ts';
import { systemRandom } from './random.ts';
import { tcpSockets } from './tcp-sockets.ts';
import { webSocketChannels } from './web-socket-channels.ts';
import { WorkerPool } from './worker-pool.ts';

interface SystemPlatformOptions {
  /** Where lines of diagnostics go; standard output unless given. */
  readonly write?: (line: string) => void;
  readonly logLevel?: Level;
  /** On every metric. */
  readonly metricLabels?: Labels;
  /** After so long without a sign of life a channel between brokers is closed. */
  readonly peerSilenceLimitMs?: number;
  /** Events that the journal keeps. */
  readonly journalMaxEvents?: number;
  /** For work that would hold the event loop. */
  readonly workerThreads?: number;
  readonly workerIdleMs?: number;
}

const WORKER_THREADS = 2;
const WORKER_IDLE_MS = 10_000;

/** Everything the system's own; nothing is bound or opened yet. */
export function systemPlatform({
  write = (line) => process.stdout.write(`${line}\n`),
  logLevel = 'info',
  metricLabels = {},
  peerSilenceLimitMs,
  journalMaxEvents,
  workerThreads = WORKER_THREADS,
  workerIdleMs = WORKER_IDLE_MS,
}: SystemPlatformOptions = {}): Platform {
  const diagnostics = lineDiagnostics(systemClock, write, logLevel);
  return {
    clock: systemClock,
    random: systemRandom,
    disk: nodeDisk,
    channels: webSocketChannels(
      peerSilenceLimitMs === undefined ? {} : { silenceLimitMs: peerSilenceLimitMs },
    ),
    sockets: tcpSockets({
      onAcceptError: (error) => diagnostics.warn('A connection could not be accepted', error),
    }),
    diagnostics,
    journal: createJournal(systemClock, diagnostics, journalMaxEvents),
    metrics: createMetrics(metricLabels),
    workers: new WorkerPool({
      clock: systemClock,
      diagnostics: diagnostics.named('Workers'),
      threads: workerThreads,
      idleMs: workerIdleMs,
    }),
  };
}
