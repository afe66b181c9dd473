/** An answer of the server, asked for again when the question or the revision is another one. */
import { useEffect, useState } from 'preact/hooks';
import { ask } from './server.ts';

/** Null while there is none yet; the second is why there is none. What was answered before stays until then. */
export function useAnswer<Answer>(
  path: string,
  question: Readonly<Record<string, string>> = {},
  revision = '',
): readonly [answer: Answer | null, problem: string | null] {
  const [answer, setAnswer] = useState<Answer | null>(null);
  const [problem, setProblem] = useState<string | null>(null);
  const words = JSON.stringify(question);
  useEffect(() => {
    let isWanted = true;
    ask<Answer>(path, JSON.parse(words) as Record<string, string>).then(
      (found) => {
        if (!isWanted) return;
        setAnswer(found);
        setProblem(null);
      },
      (error: unknown) => {
        if (isWanted) setProblem(error instanceof Error ? error.message : String(error));
      },
    );
    return () => {
      isWanted = false;
    };
  }, [path, words, revision]);
  return [answer, problem];
}

/** Counts up every so often, as a revision for what is to stay fresh. */
export function useTicks(everyMs: number): string {
  const [ticks, setTicks] = useState(0);
  useEffect(() => {
    const timer = setInterval(() => setTicks((before) => before + 1), everyMs);
    return () => clearInterval(timer);
  }, [everyMs]);
  return String(ticks);
}
