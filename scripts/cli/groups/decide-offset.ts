/** Where one partition's offset goes under a rule: pure, from what is known of the log and the group. */
import { greaterInt64, type Int64, int64Sum, lesserInt64 } from '../../../broker/int64.ts';
import type { ResetRule } from './reset-rule.ts';

export interface PartitionFacts {
  readonly start: number;
  readonly end: number;
  readonly committed: Int64 | null;
  /** The first record at the rule's time or later. */
  readonly atTime: number | null;
  /** What a file says. */
  readonly listed: Int64 | null;
}

type Decided =
  | { readonly ok: true; readonly offset: Int64; readonly note: string | null }
  | { readonly ok: false; readonly reason: string };

export function decideOffset(rule: ResetRule, facts: PartitionFacts): Decided {
  const { start, end, committed, atTime, listed } = facts;
  switch (rule.to) {
    case 'earliest':
      return asIs(start);
    case 'latest':
      return asIs(end);
    case 'current':
      return asIs(committed ?? end);
    case 'time':
      return asIs(atTime ?? end);
    case 'offset':
      return within(rule.offset, facts);
    case 'file':
      return listed === null ? { ok: false, reason: 'it is not in the file' } : within(listed, facts);
    case 'shifted':
      return committed === null
        ? { ok: false, reason: 'nothing is committed that could be shifted' }
        : within(int64Sum(committed, rule.by), facts);
  }
}

function asIs(offset: Int64): Decided {
  return { ok: true, offset, note: null };
}

/** Not beyond the log. */
function within(wanted: Int64, { start, end }: PartitionFacts): Decided {
  const offset = lesserInt64(greaterInt64(wanted, start), end);
  const beyond = wanted < start ? 'below the first record' : 'beyond the end';
  return {
    ok: true,
    offset,
    note: offset === wanted ? null : `offset ${wanted} is ${beyond}: ${offset} is taken`,
  };
}
