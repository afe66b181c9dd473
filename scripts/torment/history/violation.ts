/** A broken promise, in words, and what it is about. */

/** What each means is in this folder's README.md. */
export type ViolationKind =
  | 'lost'
  | 'duplicated'
  | 'reordered'
  | 'misplaced'
  | 'phantom'
  | 'aborted-read'
  | 'torn'
  | 'changed'
  | 'skipped'
  | 'unread'
  | 'reread'
  | 'offset-back'
  | 'offset-unasked'
  | 'offset-apart'
  | 'replicas-differ'
  | 'not-settled'
  | 'stuck'
  | 'client-ended';

export interface Violation {
  readonly kind: ViolationKind;
  readonly topic: string;
  readonly what: string;
  /** Of the records that it is about, the one to look at first. */
  readonly ids: readonly number[];
}
