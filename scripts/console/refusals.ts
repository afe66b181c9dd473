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

/** He may not, whoever he is. */
export class Forbidden extends Error {
  override readonly name = 'Forbidden';
}

/** Nobody is logged in. */
export class LoginNeeded extends Error {
  override readonly name = 'LoginNeeded';

  constructor() {
    super('log in first');
  }
}

/** The cluster does not take this user with this password; the message is the broker's. */
export class LoginRefused extends Error {
  override readonly name = 'LoginRefused';
}

/** There is room for no more of it at this moment. */
export class TooMany extends Error {
  override readonly name = 'TooMany';
}

export function statusOf(error: unknown): number {
  if (error instanceof NotFound) return 404;
  if (error instanceof BadQuestion) return 400;
  if (error instanceof ReadOnly || error instanceof Forbidden) return 403;
  if (error instanceof LoginNeeded || error instanceof LoginRefused) return 401;
  if (error instanceof TooMany) return 429;
  return 502;
}
