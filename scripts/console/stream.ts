/**
 * What a page is told as it happens, as server-sent events: first everything, then each change. A page that
 * does not read (its computer sleeps) is not told more than fits; it is begun anew when it reads again.
 */
import type { ServerResponse } from 'node:http';
import type { Sources } from './questions.ts';

/** Beyond that a page is taken for asleep. */
const MOST_WAITING_BYTES = 4 * 1024 * 1024;
const COMMENT_MS = 15_000;

export function streamTo(
  response: ServerResponse,
  { watched, events }: Pick<Sources, 'watched' | 'events'>,
  allowsChanges: boolean,
): void {
  let isAsleep = false;
  const tell = (event: string, data: unknown): void => {
    if (isAsleep) return;
    if (response.writableLength > MOST_WAITING_BYTES) {
      isAsleep = true;
      return;
    }
    response.write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
  };
  const begin = (): void => {
    isAsleep = false;
    const { picture, trouble } = watched;
    tell('picture', { atMs: Date.now(), picture, trouble, allowsChanges });
  };
  response.on('drain', () => {
    if (isAsleep) begin();
  });
  const deafen = events.listen((event) => tell('happened', event));
  const unlisten = watched.listen({
    changed: (change) => tell('change', change),
    progressed: (progress) => tell('progress', progress),
    troubled: (trouble) => tell('trouble', { trouble }),
  });
  // Without a word for long, what stands between may take the connection for dead.
  const timer = setInterval(() => {
    if (!isAsleep) response.write(': still here\n\n');
  }, COMMENT_MS);
  response.once('close', () => {
    clearInterval(timer);
    unlisten();
    deafen();
  });
  begin();
}
