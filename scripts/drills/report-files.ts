/** What a drill leaves in a directory: its result for programs, and the post-mortem as Markdown and as a page. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { postMortem } from './post-mortem.ts';
import { postMortemPage } from './post-mortem-page.ts';
import type { DrillResult } from './run-drill.ts';

export const RESULT_FILE = 'result.json';

export interface ReportFiles {
  readonly directory: string;
  /** The page with the picture. */
  readonly page: string;
  readonly markdown: string;
}

/** In `out`/NAME, over what an earlier run has left there. */
export function writeReport(result: DrillResult, out: string): ReportFiles {
  const directory = join(out, result.drill.name);
  mkdirSync(directory, { recursive: true });
  const files = {
    directory,
    page: join(directory, 'post-mortem.html'),
    markdown: join(directory, 'post-mortem.md'),
  };
  writeFileSync(join(directory, RESULT_FILE), JSON.stringify(result));
  writeFileSync(files.markdown, postMortem(result));
  writeFileSync(files.page, postMortemPage(result));
  return files;
}
