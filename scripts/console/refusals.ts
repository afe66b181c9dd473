/** Why the console's server does not do what it is asked: each becomes one line, and a status of HTTP. */

/** What was asked for is not there. */
export class NotFound extends Error {
  override readonly name = 'NotFound';
}

/** The question is wrong; the message says what is allowed. */
export class BadQuestion extends Error {
  override readonly name = 'BadQuestion';
}

/** It would change something, and the console was started without --allow-changes. */
export class ReadOnly extends Error {
  override readonly name = 'ReadOnly';

  constructor() {
    super('this console only shows: start it with --allow-changes');
  }
}

export function statusOf(error: unknown): number {
  if (error instanceof NotFound) return 404;
  if (error instanceof BadQuestion) return 400;
  if (error instanceof ReadOnly) return 403;
  return 502;
}
