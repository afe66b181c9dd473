/**
 * What is to be stopped, in the order it was made; it ends in reverse, after a start that failed as in a
 * clean stop. One list, so that a part that is made can't be forgotten by either.
 * Source: KafkaServer.shutdown, which swallows and logs what a part throws and goes on with the next.
 */
import type { Diagnostics } from '../platform/diagnostics.ts';

interface Stoppable {
  /** What it is, for the log, as the object of a sentence. */
  readonly name: string;
  /** `clean`: the broker served, and those it serves get time to end. False after a start that failed. */
  stop(clean: boolean): void | Promise<void>;
}

export class StopList {
  readonly #diagnostics: Diagnostics;
  /** What is still to be stopped, the last made at the end. */
  readonly #parts: Stoppable[] = [];

  constructor(diagnostics: Diagnostics) {
    this.#diagnostics = diagnostics;
  }

  /** Before the part opens anything that it would leave open when it fails. */
  push(part: Stoppable): void {
    this.#parts.push(part);
  }

  /**
   * Stops everything, the last first, each once. Never rejects: what could not be stopped is said as an
   * error, and the others are stopped. Parts that stop synchronously do so without a turn between them,
   * so that nobody who waited for the one finds the next half way.
   */
  async stop(clean: boolean): Promise<void> {
    for (let part = this.#parts.pop(); part !== undefined; part = this.#parts.pop()) {
      this.#diagnostics.debug(`stopping ${part.name}`);
      try {
        const stopping = part.stop(clean);
        if (stopping !== undefined) await stopping;
      } catch (error) {
        this.#diagnostics.error(`Could not stop ${part.name}; going on with the others`, error);
      }
    }
  }
}
