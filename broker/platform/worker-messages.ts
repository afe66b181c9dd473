/** What the threads of a pool and their owner say to each other: one job at a time, and what came of it. */

export interface Order {
  readonly job: string;
  readonly input: unknown;
}

/**
 * `ready` comes once, when the thread has loaded what it runs. A `line` for the log is about the native modules of
 * the thread, and may come at any time.
 */
export type Report =
  | { readonly ready: true }
  | { readonly line: string }
  | { readonly output: unknown }
  | { readonly failure: string };
