/** The page's line to its server: questions, changes, and what happens as it happens. */
import type { ClusterPicture, PictureChange, Recording } from '../picture.ts';
import type { EventView } from '../views.ts';
import type { Action, ProgressByPartition, State } from './state.ts';

/** Throws with the server's own words. */
export async function ask<Answer>(
  path: string,
  question: Readonly<Record<string, string>> = {},
): Promise<Answer> {
  return answerOf(await fetch(`${path}?${new URLSearchParams(question)}`));
}

/** Throws with the server's own words. */
export async function change(path: string, what: Readonly<Record<string, string>>): Promise<void> {
  const headers = { 'content-type': 'application/json', 'x-odradek-console': 'page' };
  await answerOf(await fetch(path, { method: 'POST', headers, body: JSON.stringify(what) }));
}

async function answerOf<Answer>(response: Response): Promise<Answer> {
  const body: unknown = await response.json();
  if (!response.ok) throw new Error((body as { readonly error?: string }).error ?? response.statusText);
  return body as Answer;
}

interface Begun {
  readonly picture: ClusterPicture;
  readonly trouble: string | null;
  readonly allowsChanges: boolean;
  readonly may: State['may'];
  readonly user: string | null;
}

const TRY_AGAIN_MS = 3000;
/** The server is never silent for half as long (stream.ts). */
const SILENCE_MS = 45_000;
/** Who wakes is not shown for long what was before. */
const LISTEN_MS = 1000;

/**
 * Tells from now on; reconnects by itself, and then begins anew. `refused`: the server is there and does not let
 * the page in. The answer ends it.
 */
export function follow(tell: (action: Action) => void, refused: () => void): () => void {
  let source: EventSource;
  let timer = 0;
  let heardMs = 0;
  const hear = (): void => {
    heardMs = Date.now();
  };
  const open = (): void => {
    hear();
    source = sourceOf(tell, hear);
    source.addEventListener('error', () => {
      tell({ kind: 'disconnected' });
      // What was cut the browser opens again; what was refused it does not.
      if (source.readyState !== EventSource.CLOSED) return;
      refused();
      timer = setTimeout(open, TRY_AGAIN_MS);
    });
  };
  open();
  // Who has slept for an hour may hold a line with nobody at its other end, and is never told so.
  const listening = setInterval(() => {
    if (Date.now() - heardMs < SILENCE_MS) return;
    tell({ kind: 'disconnected' });
    clearTimeout(timer);
    source.close();
    open();
  }, LISTEN_MS);
  return () => {
    clearInterval(listening);
    clearTimeout(timer);
    source.close();
  };
}

function sourceOf(tell: (action: Action) => void, hear: () => void): EventSource {
  const source = new EventSource('/api/stream');
  const on = <Data>(event: string, take: (data: Data) => void): void => {
    source.addEventListener(event, ({ data }: MessageEvent<string>) => {
      hear();
      take(JSON.parse(data) as Data);
    });
  };
  on<Begun>('picture', (begun) => {
    tell({ kind: 'begun', ...begun });
    const events = begun.may.describe ? ask<readonly EventView[]>('/api/events') : [];
    Promise.all([ask<Recording>('/api/recording'), events]).then(
      ([recording, known]) => tell({ kind: 'recalled', recording, events: known }),
      () => tell({ kind: 'disconnected' }),
    );
  });
  on<PictureChange>('change', (each) => tell({ kind: 'changed', change: each }));
  on<ProgressByPartition>('progress', (progress) => tell({ kind: 'progressed', progress, atMs: Date.now() }));
  on<EventView>('happened', (event) => tell({ kind: 'happened', event }));
  on<{ trouble: string | null }>('trouble', ({ trouble }) => tell({ kind: 'troubled', trouble }));
  on('alive', () => {});
  return source;
}
