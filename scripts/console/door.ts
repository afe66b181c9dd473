/**
 * Who comes in, and as whom. Where the cluster takes no logins there is one reader, who started the console;
 * where it does, each browser logs in with a user and a password of the cluster's, and all that it then asks is
 * asked as that user: what the console itself may see is shown to nobody else.
 */
import { randomBytes } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { SaslLoginError } from '../../broker/protocol/login.ts';
import type { AdminClient } from '../cli/admin-client.ts';
import type { Address } from '../cli/bootstrap.ts';
import { type CommonSources, openReader, type Reader } from './reader.ts';
import { BadQuestion, LoginRefused, TooMany } from './refusals.ts';
import { Sessions } from './sessions.ts';

export interface Door {
  readonly asksForLogin: boolean;
  /** Null: he has to log in first. `cookie` is the name of the console's own. */
  readerOf(headers: IncomingHttpHeaders, cookie: string): Reader | null;
  /** Why whoever was in is not any more, in words; null: he was not, or went himself. */
  endOf(headers: IncomingHttpHeaders, cookie: string): string | null;
  /** Answers what the browser keeps. Rejects with LoginRefused, with TooMany. */
  logIn(user: string, password: string): Promise<string>;
  logOut(headers: IncomingHttpHeaders, cookie: string): void;
  close(): void;
}

/** Everybody who can reach the console is the same reader. */
export function openDoor(reader: Reader): Door {
  return {
    asksForLogin: false,
    readerOf: () => reader,
    endOf: () => null,
    logIn: () => Promise.reject(new BadQuestion('nobody logs in here')),
    logOut: () => {},
    close: () => reader.close(),
  };
}

interface GuardedOptions extends CommonSources {
  /** Where a login is tried. */
  readonly bootstrap: readonly Address[];
  /** A client that logs in as this user. */
  readonly clientOf: (user: string, password: string) => AdminClient;
  /** How long a session lasts unasked. */
  readonly idleMs?: number;
}

const MOST_SESSIONS = 16;
const IDLE_MS = 30 * 60 * 1000;
const LIFETIME_MS = 12 * 60 * 60 * 1000;
/** Looked for that often, so that nobody's client lives on for long. */
const SWEEP_MS = 10_000;
const MOST_AT_ONCE = 4;
/** A guess costs that, on top of what the broker makes it wait. */
const REFUSED_PAUSE_MS = 300;
const MOST_LENGTH = 1024;
const ID_BYTES = 32;

export class GuardedDoor implements Door {
  readonly asksForLogin = true;
  readonly #options: GuardedOptions;
  readonly #sessions: Sessions<Reader>;
  readonly #sweep: NodeJS.Timeout;
  #loggingIn = 0;

  constructor(options: GuardedOptions) {
    this.#options = options;
    this.#sessions = new Sessions({
      most: MOST_SESSIONS,
      idleMs: options.idleMs ?? IDLE_MS,
      lifetimeMs: LIFETIME_MS,
      nowMs: options.nowMs,
      newId: () => randomBytes(ID_BYTES).toString('base64url'),
    });
    this.#sweep = setInterval(() => this.#sessions.endOld(), SWEEP_MS);
  }

  readerOf(headers: IncomingHttpHeaders, cookie: string): Reader | null {
    const id = cookieOf(headers, cookie);
    return id === null ? null : this.#sessions.find(id);
  }

  endOf(headers: IncomingHttpHeaders, cookie: string): string | null {
    const id = cookieOf(headers, cookie);
    return id === null || this.#sessions.find(id) !== null ? null : this.#sessions.reasonOf(id);
  }

  async logIn(user: string, password: string): Promise<string> {
    if ([user, password].some((text) => text === '' || text.length > MOST_LENGTH || text.includes('\0')))
      throw new BadQuestion(`user and password have 1 to ${MOST_LENGTH} characters`);
    if (this.#loggingIn >= MOST_AT_ONCE) throw new TooMany('others log in at this moment: try again');
    this.#loggingIn += 1;
    const admin = this.#options.clientOf(user, password);
    try {
      await this.#prove(admin);
      let id = '';
      // Whoever is refused once is not tried again with the password that he has given: he is asked.
      const refused = (reason: string): void =>
        this.#sessions.end(id, `the cluster does not take this login of ${user} any more: ${reason}`);
      id = this.#sessions.add(await openReader({ ...this.#options, refused }, admin, user));
      return id;
    } catch (error) {
      admin.close();
      throw error;
    } finally {
      this.#loggingIn -= 1;
    }
  }

  logOut(headers: IncomingHttpHeaders, cookie: string): void {
    const id = cookieOf(headers, cookie);
    if (id !== null) this.#sessions.end(id);
  }

  close(): void {
    clearInterval(this.#sweep);
    this.#sessions.endAll();
  }

  /** A broker has let the client in. */
  async #prove(admin: AdminClient): Promise<void> {
    let problem: unknown = new Error('no broker answers');
    for (const address of this.#options.bootstrap) {
      try {
        await admin.versionsOf(address);
        return;
      } catch (error) {
        if (error instanceof SaslLoginError) {
          await new Promise((resolve) => setTimeout(resolve, REFUSED_PAUSE_MS));
          throw new LoginRefused(error.message);
        }
        problem = error;
      }
    }
    throw problem;
  }
}

function cookieOf({ cookie }: IncomingHttpHeaders, name: string): string | null {
  const pairs = (cookie ?? '').split(';').map((pair) => pair.trim().split('='));
  return pairs.find(([key]) => key === name)?.[1] ?? null;
}
