/**
 * Who was refused what, one line each, in the words of Kafka's kafka.authorizer.logger; what was allowed
 * is said on the level of debugging. Anybody can make himself be refused as often as he likes, therefore only
 * so many lines are written in a second, and then how many were left out.
 * Source: AclAuthorizer.logAuditMessage.
 */
import type { Clock } from '../platform/clock.ts';
import type { Diagnostics } from '../platform/diagnostics.ts';
import type { Logger } from '../platform/loggers.ts';
import { operationName, resourceTypeName } from './acl.ts';
import { javaAddress } from './java-address.ts';
import type { Operation, Resource } from './operations.ts';
import { type Principal, principalText } from './principal.ts';

/** What was asked for, by whom. */
interface Attempt {
  readonly principal: Principal;
  readonly host: string;
  /** The request that needed it: `Produce`. */
  readonly api: string;
  readonly operation: Operation;
  readonly resource: Resource;
  readonly allowed: boolean;
}

interface DenialsOptions {
  readonly clock: Clock;
  readonly diagnostics: Diagnostics;
  /** authorizer.log.max.lines.per.second */
  readonly maxLinesPerSecond: number;
}

const SECOND_MS = 1000;

export class Denials {
  readonly #clock: Clock;
  readonly #diagnostics: Diagnostics;
  readonly #logger: Logger;
  readonly #maxLinesPerSecond: number;
  #secondBeganMs = Number.NEGATIVE_INFINITY;
  /** In the second that began then. */
  #lines = 0;
  #leftOut = 0;

  constructor({ clock, diagnostics, maxLinesPerSecond }: DenialsOptions) {
    this.#clock = clock;
    this.#diagnostics = diagnostics.named('Authorizer');
    this.#logger = diagnostics.loggers.of('Authorizer');
    this.#maxLinesPerSecond = maxLinesPerSecond;
  }

  /** Whether it wants to hear also of what was allowed. */
  get hearAllowed(): boolean {
    return this.#logger.allows('debug');
  }

  hear(attempt: Attempt): void {
    if (attempt.allowed) this.#diagnostics.debug(lineOf(attempt));
    else if (this.#logger.allows('info')) this.#hearDenied(attempt);
  }

  #hearDenied(attempt: Attempt): void {
    const nowMs = this.#clock.nowMs();
    if (nowMs - this.#secondBeganMs >= SECOND_MS) this.#nextSecond(nowMs);
    if (this.#lines >= this.#maxLinesPerSecond) {
      this.#leftOut++;
      return;
    }
    this.#lines++;
    this.#diagnostics.info(lineOf(attempt));
  }

  #nextSecond(nowMs: number): void {
    if (this.#leftOut > 0) {
      this.#diagnostics.info(`${this.#leftOut} more were denied something, which was not written`);
    }
    this.#secondBeganMs = nowMs;
    this.#lines = 0;
    this.#leftOut = 0;
  }
}

/** Handlers ask once for a resource however often a request names it, hence the count of references. */
function lineOf({ principal, host, api, operation, resource, allowed }: Attempt): string {
  const result = allowed ? 'Allowed' : 'Denied';
  const what = `${resourceTypeName(resource.type)}:LITERAL:${resource.name}`;
  return (
    `Principal = ${principalText(principal)} is ${result} Operation = ${operationName(operation)} ` +
    `from host = ${javaAddress(host)} on resource = ${what} for request = ${api} with resourceRefCount = 1`
  );
}
