/** The page's line to its server: questions, changes, and what happens as it happens. */
import type { ClusterPicture, PictureChange, Recording } from '../picture.ts';
import type { EventView } from '../views.ts';
import type { Action, ProgressByPartition } from './state.ts';

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
}

/** Tells from now on; reconnects by itself, and then begins anew. The answer ends it. */
export function follow(tell: (action: Action) => void): () => void {
  const source = new EventSource('/api/stream');
  const on = <Data>(event: string, take: (data: Data) => void): void => {
    source.addEventListener(event, ({ data }: MessageEvent<string>) => take(JSON.parse(data) as Data));
  };
  on<Begun>('picture', ({ picture, trouble, allowsChanges }) => {
    tell({ kind: 'begun', picture, trouble, allowsChanges });
    Promise.all([ask<Recording>('/api/recording'), ask<readonly EventView[]>('/api/events')]).then(
      ([recording, events]) => tell({ kind: 'recalled', recording, events }),
      () => tell({ kind: 'disconnected' }),
    );
  });
  on<PictureChange>('change', (each) => tell({ kind: 'changed', change: each }));
  on<ProgressByPartition>('progress', (progress) => tell({ kind: 'progressed', progress, atMs: Date.now() }));
  on<EventView>('happened', (event) => tell({ kind: 'happened', event }));
  on<{ trouble: string | null }>('trouble', ({ trouble }) => tell({ kind: 'troubled', trouble }));
  source.addEventListener('error', () => tell({ kind: 'disconnected' }));
  return () => source.close();
}
