/**
 * Nodes that others stand on, made as they are needed. Source: KafkaZkClient.makeSurePersistentPathExists.
 */
import type { Coordinator } from '../coordinator.ts';
import { NO_DATA } from '../znodes/znodes.ts';
import { commitKnown, pipelined } from './commits.ts';

/**
 * Makes the nodes with all that is above them, level by level: a path is made when the one above it is known
 * to be there. Rejects when one can't be made.
 */
export async function ensurePaths(coordinator: Coordinator, paths: readonly string[]): Promise<void> {
  const wanted = [...new Set(paths.flatMap((path) => ancestry(path)))];
  const levels = Map.groupBy(wanted, (path) => path.split('/').length);
  for (const depth of [...levels.keys()].sort((a, b) => a - b)) {
    await pipelined(levels.get(depth) ?? [], async (path) => {
      const answer = await commitKnown(coordinator, [
        { op: 'create', path, data: NO_DATA, lifetime: 'persistent' },
      ]);
      if (!answer.ok && answer.reason !== 'exists')
        throw new Error(`cannot create ${path}: ${answer.reason}`);
    });
  }
}

/** The path above; a path of one name has none. */
export function parentPath(path: string): string {
  return path.slice(0, path.lastIndexOf('/'));
}

/** `/a/b`: `/a` and `/a/b`. */
function ancestry(path: string): string[] {
  const names = path.split('/').slice(1);
  return names.map((_, index) => `/${names.slice(0, index + 1).join('/')}`);
}
