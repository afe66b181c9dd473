/**
 * One direction of one connection: keeps the order of what passes, also when its rules change in between.
 * What waits when a way is mended comes at once, as TCP sends it again.
 */
import type { Clock, Timer } from '../clock.ts';
import { both, type Direction, type LaneState, type LinkRule } from './link-rule.ts';

/** TCP's first wait for an acknowledgement on a quick way (Linux); each further loss doubles it. */
const RETRANSMISSION_MS = 200;
const MOST_RETRANSMISSIONS = 5;

interface LaneOptions {
  readonly clock: Clock;
  /** Others may be added while the connection stands. */
  readonly rules: readonly LinkRule[];
  readonly direction: Direction;
  /** Chance, in [0, 1). */
  readonly fraction: () => number;
  /** Something that waited has left. */
  readonly passed?: () => void;
}

interface Waiting {
  readonly dueMs: number;
  readonly sizeBytes: number;
  readonly run: () => void;
}

export class Lane {
  readonly #options: LaneOptions;
  #queue: Waiting[] = [];
  #queuedBytes = 0;
  #timer: Timer | null = null;
  /** When the last byte so far is on its way: a narrow way takes one piece after the other. */
  #sentMs = 0;
  /** The receiver takes nothing for the time being. */
  #held = false;

  constructor(options: LaneOptions) {
    this.#options = options;
  }

  /** Whether what passes now passes at once, so that nothing of it need be kept. */
  get isOpen(): boolean {
    if (this.#queue.length > 0 || this.#held) return false;
    if (this.#options.rules.every(({ isUnhurt }) => isUnhurt)) return true;
    return isUnhindered(this.#state);
  }

  /** What waits. */
  get queuedBytes(): number {
    return this.#queuedBytes;
  }

  pass(run: () => void, sizeBytes = 0): void {
    if (this.isOpen) {
      run();
      return;
    }
    this.#queue.push({ dueMs: this.#dueMs(sizeBytes), sizeBytes, run });
    this.#queuedBytes += sizeBytes;
    this.#arm();
  }

  hold(held: boolean): void {
    this.#held = held;
    if (!held) this.#arm();
  }

  /** The rules are others: when nothing slows it any more, what waits goes. */
  changed(): void {
    const { isSilent, ...rest } = this.#state;
    if (isUnhindered({ isSilent: false, ...rest })) {
      this.#queue = this.#queue.map((waiting) => ({ ...waiting, dueMs: 0 }));
      this.#sentMs = 0;
    }
    this.#disarm();
    this.#arm();
  }

  /** Lets everything go now, in its order. */
  flush(): void {
    this.#disarm();
    this.#queuedBytes = 0;
    for (const { run } of this.#queue.splice(0)) run();
  }

  drop(): void {
    this.#disarm();
    this.#queuedBytes = 0;
    this.#queue = [];
  }

  get #state(): LaneState {
    const { rules, direction } = this.#options;
    return rules.map((rule) => rule.lane(direction)).reduce(both);
  }

  #dueMs(sizeBytes: number): number {
    const { delayMs, lossRate, bytesPerSecond } = this.#state;
    const nowMs = this.#options.clock.nowMs();
    this.#sentMs = Math.max(this.#sentMs, nowMs) + (sizeBytes * 1000) / bytesPerSecond;
    return this.#sentMs + delayMs + this.#stallMs(lossRate);
  }

  /** How long a piece is waited for that is lost so and so often; all that follows waits with it. */
  #stallMs(lossRate: number): number {
    let stallMs = 0;
    for (let lost = 0; lost < MOST_RETRANSMISSIONS; lost++) {
      if (this.#options.fraction() >= lossRate) break;
      stallMs += RETRANSMISSION_MS * 2 ** lost;
    }
    return stallMs;
  }

  #disarm(): void {
    this.#timer?.cancel();
    this.#timer = null;
  }

  #arm(): void {
    const first = this.#queue[0];
    if (first === undefined || this.#timer !== null || this.#isStill) return;
    const { clock } = this.#options;
    this.#timer = clock.after(Math.max(0, first.dueMs - clock.nowMs()), () => {
      this.#timer = null;
      if (this.#isStill) return;
      this.#next();
      this.#arm();
    });
  }

  get #isStill(): boolean {
    return this.#held || this.#state.isSilent;
  }

  #next(): void {
    const next = this.#queue.shift();
    if (next === undefined) return;
    this.#queuedBytes -= next.sizeBytes;
    next.run();
    this.#options.passed?.();
  }
}

function isUnhindered({ isSilent, delayMs, lossRate, bytesPerSecond }: LaneState): boolean {
  return !isSilent && delayMs === 0 && lossRate === 0 && bytesPerSecond === Number.POSITIVE_INFINITY;
}
