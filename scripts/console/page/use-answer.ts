/** An answer of the server, asked for again when the question or the revision is another one. */
import { useEffect, useState } from 'preact/hooks';
import { ask, change } from './server.ts';

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

/**
 * Asks, then changes, and says how that went. `done`: what is said of a success; null: it shows elsewhere, so
 * that what was said before is taken back.
 */
export function useChange(
  done: string | null = 'done',
): readonly [
  said: string,
  act: (question: string, path: string, what: Readonly<Record<string, string>>) => void,
] {
  const [said, setSaid] = useState('');
  const act = (question: string, path: string, what: Readonly<Record<string, string>>): void => {
    if (!confirm(question)) return;
    if (done === null) setSaid('');
    change(path, what).then(
      () => {
        if (done !== null) setSaid(done);
      },
      (error: unknown) => setSaid(error instanceof Error ? error.message : String(error)),
    );
  };
  return [said, act];
}

/** Counts up every so often while the page is in sight, as a revision for what is to stay fresh. */
export function useTicks(everyMs: number): string {
  const [ticks, setTicks] = useState(0);
  useEffect(() => {
    const timer = setInterval(() => {
      if (!document.hidden) setTicks((before) => before + 1);
    }, everyMs);
    return () => clearInterval(timer);
  }, [everyMs]);
  return String(ticks);
}
