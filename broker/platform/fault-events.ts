/** The events of faults on demand: one that was asked for has struck, or is over. A part of cluster-events.ts. */

/** What ends a fault: its time, its count, whoever asked for it or no longer does, the broker's own end. */
export type HealReason = 'time' | 'count' | 'asked' | 'asker-gone' | 'shutdown';

/** Why, in words. */
export const HEALED_BY: Readonly<Record<HealReason, string>> = {
  time: 'its time is over',
  count: 'it has struck as often as it was to',
  asked: 'as asked for',
  'asker-gone': 'whoever asked is gone',
  shutdown: 'the broker stops',
};

/** Faults that were asked for (faults/): what comes next is no accident. */
export type FaultEvent =
  | {
      readonly kind: 'fault-struck';
      /** Counts the faults of one run of the broker. */
      readonly id: number;
      readonly fault: string;
      /** As JSON. */
      readonly parameters: string;
      /** After which it ends by itself; 0: it was over when it had struck. */
      readonly forMs: number;
    }
  | {
      readonly kind: 'fault-healed';
      readonly id: number;
      readonly fault: string;
      readonly why: HealReason;
    };
