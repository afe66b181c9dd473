/**
 * Faults of the disk, below the broker: it meets them as a system's errors, and does what it does then. A log
 * directory that has failed stays offline until the broker is started again, as Kafka's do: healing gives the
 * disk back, not the directory.
 */
import { isAbsolute, resolve, sep } from 'node:path';
import type { DiskEffect, DiskOperation } from '../platform/faulty/disk-rules.ts';
import {
  defineFault,
  type FaultPoints,
  FaultRefused,
  type FaultRequest,
  optional,
  required,
  type StruckFault,
} from './fault-kind.ts';

const LONGEST_DELAY_MS = 10_000;

const PATH = optional(
  'path',
  'string',
  'a path below a log directory with all that is in it, or a pattern with * and **; all log directories unless given',
);
const TIMES = optional('times', 'integer', 'operations that it strikes; any number unless given', { min: 1 });
const SHARE = optional('probability', 'number', 'share of the operations; all unless given', {
  min: 0.0001,
  max: 1,
});
const OPERATIONS = ['read', 'write', 'sync'];

export const DISK_FAULTS = [
  defineFault({
    name: 'disk-full',
    summary: 'Writes fail with ENOSPC, at once or when so many more bytes have been written',
    parameters: [PATH, optional('afterBytes', 'integer', 'room that is left; none unless given', { min: 0 })],
    strike: (points, request) =>
      place(points, request, {
        operations: ['write'],
        errorCode: 'ENOSPC',
        afterBytes: Number(request.body['afterBytes'] ?? 0),
      }),
  }),
  defineFault({
    name: 'disk-slow',
    summary:
      'Operations take so much longer; reads, writes and syncs that are waited for stop the whole broker',
    parameters: [
      PATH,
      optional('operation', 'string', 'sync unless given', { oneOf: OPERATIONS }),
      required('delayMs', 'integer', 'so much longer', { min: 1, max: LONGEST_DELAY_MS }),
      TIMES,
      SHARE,
    ],
    strike: (points, request) =>
      place(points, request, {
        operations: [(request.body['operation'] ?? 'sync') as DiskOperation],
        delayMs: Number(request.body['delayMs']),
      }),
  }),
  defineFault({
    name: 'disk-fail',
    summary: 'Reads, writes or syncs fail',
    parameters: [
      PATH,
      required('operation', 'string', 'which of them', { oneOf: OPERATIONS }),
      optional('error', 'string', 'EIO unless given', { oneOf: ['EIO', 'ENOSPC', 'EROFS', 'EACCES'] }),
      TIMES,
      SHARE,
    ],
    strike: (points, request) =>
      place(points, request, {
        operations: [request.body['operation'] as DiskOperation],
        errorCode: (request.body['error'] ?? 'EIO') as 'EIO',
      }),
  }),
  defineFault({
    name: 'disk-gone',
    summary: 'Everything under the path fails with EIO, as when a disk is pulled out',
    parameters: [PATH],
    strike: (points, request) => place(points, request, { errorCode: 'EIO' }),
  }),
] as const;

function place(
  points: FaultPoints,
  { body, spent }: FaultRequest,
  effect: Omit<DiskEffect, 'paths'>,
): StruckFault {
  const { logDirs } = points.broker.config;
  const paths = body['path'] === undefined ? logDirs : [placeIn(logDirs, String(body['path']))];
  const { times, probability } = body as { times?: number; probability?: number };
  const placed = points.world.disk.place(
    {
      ...effect,
      paths,
      ...(times === undefined ? {} : { times }),
      ...(probability === undefined ? {} : { probability }),
    },
    spent,
  );
  return { heal: () => placed.remove(), struck: () => placed.struck };
}

/** Only the broker's own files: what is before the first wildcard must lie in a log directory. */
function placeIn(logDirs: readonly string[], path: string): string {
  const fixed = resolve(path.split(/[*?]/)[0] ?? '');
  const isIn = (directory: string): boolean =>
    fixed === resolve(directory) || fixed.startsWith(resolve(directory) + sep);
  if (!isAbsolute(path) || !logDirs.some(isIn))
    throw new FaultRefused(`path must be absolute and in a log directory: ${logDirs.join(', ')}`);
  return path;
}
