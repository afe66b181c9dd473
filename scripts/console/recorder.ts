/**
 * The newest changes of a cluster's picture, as many as fit: what falls out at the old end becomes part of the
 * first picture, so that any moment that is still covered can be shown whole.
 */
import { applyChange, type ClusterPicture, NOTHING, type PictureChange, type Recording } from './picture.ts';

/** Partitions named by all changes together, about 200 bytes each, where there is one reader. */
export const MOST_ENTRIES = 200_000;

export class PictureRecorder {
  readonly #mostEntries: number;
  #startedMs: number;
  #first: ClusterPicture = NOTHING;
  #changes: PictureChange[] = [];
  #entries = 0;

  constructor(startedMs: number, mostEntries: number) {
    this.#startedMs = startedMs;
    this.#mostEntries = mostEntries;
  }

  /** The picture that everything begins with. */
  begin(picture: ClusterPicture, atMs: number): void {
    this.#first = picture;
    this.#startedMs = atMs;
    this.#changes = [];
    this.#entries = 0;
  }

  add(change: PictureChange): void {
    this.#changes.push(change);
    this.#entries += entriesOf(change);
    let fallen = 0;
    for (const oldest of this.#changes) {
      if (this.#entries <= this.#mostEntries || fallen === this.#changes.length - 1) break;
      this.#first = applyChange(this.#first, oldest);
      this.#startedMs = oldest.atMs;
      this.#entries -= entriesOf(oldest);
      fallen += 1;
    }
    if (fallen > 0) this.#changes = this.#changes.slice(fallen);
  }

  recording(): Recording {
    return { startedMs: this.#startedMs, first: this.#first, changes: this.#changes };
  }
}

function entriesOf({ partitions, removed }: PictureChange): number {
  return 1 + Object.keys(partitions).length + removed.length;
}
