/** Why a cluster could not be started, in one line that says what to do. */
import type { KitOptions } from './options.ts';

/** The error itself where there is nothing to be added. */
export function plainly(error: unknown, { directory }: KitOptions): unknown {
  const { code, message, port } = error as NodeJS.ErrnoException & { port?: number };
  const where = directory === undefined ? 'the temporary directory' : directory;
  switch (code) {
    case 'EADDRINUSE':
      return new Error(`port ${port ?? ''} is in use: leave ports out, and free ones are taken`, {
        cause: error,
      });
    case 'ENOSPC':
      return new Error(`there is no space left for a cluster in ${where}`, { cause: error });
    case 'EACCES':
      return new Error(`${where} can't be written to: ${message}`, { cause: error });
    default:
      return error;
  }
}
