/**
 * The ways that lead to a broker and away from it, as rules that may change while connections stand: by
 * address for those it dials, and one for the clients that come in. A cut way ends its connections and
 * takes no new ones, as when a machine answers with resets; a silent one lets nothing through and tells
 * nobody, as when a cable is pulled; a slow one lets everything come so much later. What was on its way
 * when a silent or slow one is mended comes at once, as TCP sends it again.
 */
import type { Clock, Timer } from '../clock.ts';

export class LinkRule {
  #cut = false;
  #silent = false;
  #delayMs = 0;
  readonly #users = new Set<LinkUser>();

  get isCut(): boolean {
    return this.#cut;
  }

  get isSilent(): boolean {
    return this.#silent;
  }

  /** One way. */
  get delayMs(): number {
    return this.#delayMs;
  }

  cut(): void {
    this.#cut = true;
    this.break();
  }

  /** Ends the connections that stand. */
  break(): void {
    for (const user of [...this.#users]) user.broken();
  }

  silence(): void {
    this.#silent = true;
  }

  slow(delayMs: number): void {
    this.#delayMs = delayMs;
  }

  /** Everything as it is without a rule. */
  heal(): void {
    this.#cut = false;
    this.#silent = false;
    this.#delayMs = 0;
    for (const user of [...this.#users]) user.changed();
  }

  join(user: LinkUser): void {
    this.#users.add(user);
  }

  leave(user: LinkUser): void {
    this.#users.delete(user);
  }
}

/** A connection that lives by a rule. */
export interface LinkUser {
  /** Ends now. */
  broken(): void;
  /** The rule is another. */
  changed(): void;
}

/** The rules of one broker. A rule that nobody has asked for does not exist, and costs nothing. */
export class Links {
  /** Of the clients' connections to this broker. */
  readonly clients = new LinkRule();
  /** Of what other brokers have dialled. */
  readonly incoming = new LinkRule();
  readonly #dialled = new Map<string, LinkRule>();

  /** Of what this broker dials there, now and later. */
  to(host: string, port: number): LinkRule {
    const key = `${host}:${port}`;
    const known = this.#dialled.get(key);
    if (known !== undefined) return known;
    const rule = new LinkRule();
    this.#dialled.set(key, rule);
    return rule;
  }

  /** Ends every connection, whatever the rules. */
  breakAll(): void {
    for (const rule of [this.clients, this.incoming, ...this.#dialled.values()]) rule.break();
  }

  heal(): void {
    this.clients.heal();
    for (const rule of this.#dialled.values()) rule.heal();
  }
}

/** One direction of one connection: keeps the order of what passes, also when the rule changes in between. */
export class Lane {
  readonly #clock: Clock;
  readonly #rule: LinkRule;
  #queue: { readonly dueMs: number; readonly run: () => void }[] = [];
  #timer: Timer | null = null;
  /** The receiver takes nothing for the time being. */
  #held = false;

  constructor(clock: Clock, rule: LinkRule) {
    this.#clock = clock;
    this.#rule = rule;
  }

  /** Whether what passes now passes at once, so that nothing of it need be kept. */
  get isOpen(): boolean {
    return this.#queue.length === 0 && !this.#held && !this.#rule.isSilent && this.#rule.delayMs === 0;
  }

  pass(run: () => void): void {
    if (this.isOpen) {
      run();
      return;
    }
    this.#queue.push({ dueMs: this.#clock.nowMs() + this.#rule.delayMs, run });
    this.#arm();
  }

  hold(held: boolean): void {
    this.#held = held;
    if (!held) this.#arm();
  }

  /** The rule is another: what waits for longer than it asks now, goes. */
  changed(): void {
    if (this.#rule.delayMs === 0) this.#queue = this.#queue.map(({ run }) => ({ dueMs: 0, run }));
    this.#timer?.cancel();
    this.#timer = null;
    this.#arm();
  }

  /** Lets everything go now, in its order. */
  flush(): void {
    this.#timer?.cancel();
    for (const { run } of this.#queue.splice(0)) run();
  }

  drop(): void {
    this.#timer?.cancel();
    this.#queue = [];
  }

  #arm(): void {
    const first = this.#queue[0];
    if (first === undefined || this.#timer !== null || this.#held || this.#rule.isSilent) return;
    this.#timer = this.#clock.after(Math.max(0, first.dueMs - this.#clock.nowMs()), () => {
      this.#timer = null;
      if (this.#held || this.#rule.isSilent) return;
      this.#queue.shift()?.run();
      this.#arm();
    });
  }
}
