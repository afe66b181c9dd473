/** The drills that come along: one file each. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { Drill } from './drill.ts';
import { parseDrill } from './drill-file.ts';

const SUFFIX = '.yaml';
/** In the package they are beside the bundle. */
export const CATALOGUE_FOLDER = 'drills';

/** Sorted by their names. Throws MalformedDrill. */
export function catalogue(): readonly Drill[] {
  const folder = folderOf();
  const files = readdirSync(folder).filter((name) => name.endsWith(SUFFIX));
  return files.sort().map((file) => drillOfFile(join(folder, file)));
}

/** The one of that name among them, undefined where there is none. Throws MalformedDrill. */
export function knownDrill(name: string): Drill | undefined {
  return catalogue().find((drill) => drill.name === name);
}

/** Of a file that somebody names. Throws MalformedDrill, or what reading it threw. */
export function drillOfFile(path: string): Drill {
  return parseDrill(readFileSync(path, 'utf8'), basename(path, SUFFIX), path);
}

function folderOf(): string {
  const sources = join(import.meta.dirname, 'catalogue');
  return existsSync(sources) ? sources : join(import.meta.dirname, CATALOGUE_FOLDER);
}
