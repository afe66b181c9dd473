/**
 * The journal of a broker that is gone, from its files. What is behind a tear in one is left out, and said.
 * Changes nothing: the broker may be starting on them.
 */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { Recorded } from '../../../broker/platform/event-ring.ts';
import { firstIdOf, readPiece } from '../../../broker/platform/journal-files/segments.ts';
import { UsageError } from '../arguments.ts';

/** Of directories all journal files in them. Throws UsageError where there are none; `problem` is told of tears. */
export function eventsOfFiles(paths: readonly string[], problem: (text: string) => void): Recorded[] {
  return paths.flatMap(segmentsOf).flatMap((path) => {
    const bytes = read(() => readFileSync(path), path);
    const { events, endBytes } = readPiece(bytes, 0);
    if (endBytes < bytes.length)
      problem(
        `${path} is torn at byte ${endBytes}: the ${bytes.length - endBytes} bytes from there on are left out`,
      );
    return events;
  });
}

function segmentsOf(path: string): string[] {
  if (!read(() => statSync(path), path).isDirectory()) {
    if (firstIdOf(basename(path)) !== null) return [path];
    throw new UsageError(
      `--files takes journal files (events-….jsonl) and directories of them, not '${path}'`,
    );
  }
  const names = read(() => readdirSync(path), path).filter((name) => firstIdOf(name) !== null);
  if (names.length === 0)
    throw new UsageError(`--files: there are no journal files (events-….jsonl) in ${path}`);
  return names.sort().map((name) => join(path, name));
}

function read<Result>(run: () => Result, path: string): Result {
  try {
    return run();
  } catch (error) {
    throw new UsageError(`--files ${path}: ${error instanceof Error ? error.message : String(error)}`);
  }
}
