/** Diagnostics that tell a test what was said, under whichever name. */
import type { Diagnostics, Level } from '../../broker/platform/diagnostics.ts';
import { Loggers } from '../../broker/platform/loggers.ts';

export function recordingDiagnostics(
  say: (level: Level, message: string, error: unknown) => void,
): Diagnostics {
  const at = (level: Level) => (message: string, error?: unknown) => say(level, message, error);
  return {
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    fatal: at('fatal'),
    named: () => recordingDiagnostics(say),
    loggers: new Loggers('info'),
  };
}
