/** Why something is as it is: the story that the journals tell, when it is asked for. */
import { useState } from 'preact/hooks';
import { ask } from './server.ts';

interface StoryProps {
  /** What it is about, as the server takes it; nothing: the controller. */
  readonly about: Readonly<Record<string, string>>;
  readonly question: string;
}

export function Story({ about, question }: StoryProps) {
  const [lines, setLines] = useState<readonly string[] | null>(null);
  const tell = (): void => {
    ask<readonly string[]>('/api/story', about).then(
      (story) => setLines(story.length === 0 ? ['The journals tell nothing of it.'] : story),
      (error: unknown) => setLines([error instanceof Error ? error.message : String(error)]),
    );
  };
  return (
    <div class="story">
      <button type="button" onClick={tell}>
        {question}
      </button>
      {lines?.map((line) => (
        <p key={line}>{line}</p>
      ))}
    </div>
  );
}
