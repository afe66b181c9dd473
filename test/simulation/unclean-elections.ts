/**
 * Acknowledged records of topics whose leaders may be elected uncleanly. One that is not there in the end was
 * lost by such an election, in a later epoch than the one in which its producer took somebody for the leader;
 * without one it is as safe as any.
 */
import type { CommittedLogs } from './committed-logs.ts';
import type { Acknowledgement } from './history.ts';

export class UncleanElections {
  /** The last epoch that began so, by partition. */
  readonly #epochs = new Map<string, number>();
  readonly #acknowledged: Acknowledgement[] = [];
  count = 0;

  elected(key: string, leaderEpoch: number): void {
    this.#epochs.set(key, leaderEpoch);
    this.count++;
  }

  acknowledged(acknowledgement: Acknowledgement): void {
    this.#acknowledged.push(acknowledgement);
  }

  /** Once everything has settled. */
  unexplained(logs: Pick<CommittedLogs, 'values'>): string[] {
    const wrong: string[] = [];
    for (const { topic, topicId, partition, offset, values, acks, leaderEpoch } of this.#acknowledged) {
      const key = `${topicId}:${partition}`;
      if (acks !== -1 || offset < 0 || (this.#epochs.get(key) ?? -1) > leaderEpoch) continue;
      const log = logs.values(key);
      for (const [index, value] of values.entries())
        if (log.get(offset + index) !== value)
          wrong.push(
            `${topic}-${partition}: '${value}', acknowledged at ${offset + index} in epoch ${leaderEpoch}, is lost`,
          );
    }
    return wrong;
  }
}
