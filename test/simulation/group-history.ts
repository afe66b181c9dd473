/**
 * What the members of a group were told. An offset that is acknowledged stays: whoever owns the partition
 * next is given it or a later one, for commits of a former owner are refused. And in one generation a
 * partition has one owner.
 */
import type { Broken } from './observation.ts';

export class GroupHistory {
  readonly #broken: Broken;
  readonly #group: string;
  readonly #highest = new Map<number, number>();
  readonly #owners = new Map<string, string>();
  commits = 0;
  generations = 0;

  constructor(group: string, broken: Broken) {
    this.#group = group;
    this.#broken = broken;
  }

  /** The greatest offset of a partition that was acknowledged; -1 when none was. */
  highest(partition: number): number {
    return this.#highest.get(partition) ?? -1;
  }

  acknowledged(partition: number, offset: number): void {
    this.commits++;
    this.#highest.set(partition, Math.max(offset, this.highest(partition)));
  }

  /** `floor`: the greatest acknowledged offset before the coordinator was asked. */
  fetched(partition: number, offset: number, floor: number): void {
    if (offset < floor)
      this.#broken(`group ${this.#group}: ${floor} of ${partition} was acknowledged, ${offset} is given`);
  }

  owns(member: string, partition: number, generation: number): void {
    const at = `${generation} ${partition}`;
    const other = this.#owners.get(at);
    if (other !== undefined && other !== member)
      this.#broken(
        `group ${this.#group}: ${other} and ${member} own ${partition} in generation ${generation}`,
      );
    this.#owners.set(at, member);
    this.generations = Math.max(this.generations, generation);
  }
}
