/**
 * What a page is told as it happens, as server-sent events: first everything, then each change. A page that
 * does not read (its computer sleeps) is not told more than fits; it is begun anew when it reads again.
 */
import type { ServerResponse } from 'node:http';
import type { Reader } from './reader.ts';

/** Beyond that a page is taken for asleep. */
const MOST_WAITING_BYTES = 4 * 1024 * 1024;
const ALIVE_MS = 15_000;

export function streamTo(
  response: ServerResponse,
  { watched, events, rights, user, ended }: Pick<Reader, 'watched' | 'events' | 'rights' | 'user' | 'ended'>,
  allowsChanges: boolean,
): void {
  let isAsleep = false;
  const tell = (event: string, data: unknown): void => {
    if (isAsleep || response.writableEnded) return;
    if (response.writableLength > MOST_WAITING_BYTES) {
      isAsleep = true;
      return;
    }
    response.write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
  };
  const trouble = (): string | null => watched.trouble ?? (rights.known('DESCRIBE') ? events.trouble : null);
  const tellTrouble = (): void => tell('trouble', { trouble: trouble() });
  const begin = (): void => {
    isAsleep = false;
    const { picture } = watched;
    const may = { describe: rights.known('DESCRIBE'), alter: rights.known('ALTER') };
    tell('picture', { atMs: Date.now(), picture, trouble: trouble(), allowsChanges, may, user });
  };
  response.on('drain', () => {
    if (isAsleep) begin();
  });
  const deafen = events.listen((event) => {
    if (rights.known('DESCRIBE')) tell('happened', event);
  });
  const end = (): void => void response.end();
  ended.addEventListener('abort', end, { once: true });
  const unlisten = watched.listen({
    changed: (change) => tell('change', change),
    progressed: (progress) => tell('progress', progress),
    troubled: tellTrouble,
  });
  const untroubled = events.onTrouble(tellTrouble);
  // Without a word for long, the page and what stands between take the connection for dead.
  const timer = setInterval(() => tell('alive', {}), ALIVE_MS);
  response.once('close', () => {
    clearInterval(timer);
    unlisten();
    deafen();
    untroubled();
    ended.removeEventListener('abort', end);
  });
  begin();
}
