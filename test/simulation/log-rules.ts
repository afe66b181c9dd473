/** Topics of which not everything is promised, and what may happen to their logs. */

/** Compacted: of each key the latest value survives, in the order of its offset. Written with few keys. */
export const COMPACTED_TOPIC = 'accounts';
/** Its leaders may be elected uncleanly: what the new one does not have is lost then, and only then. */
export const UNCLEAN_TOPIC = 'spare';
const INTERNAL_TOPICS = ['__consumer_offsets', '__transaction_state'];

export interface LogRules {
  /**
   * `keys`: what is missing has been replaced by a later record with its key. `some`: anything may be missing,
   * for markers and what was aborted go as well; whether enough is left, coordinators tell by what they answer.
   */
  compaction(partition: string): 'keys' | 'some' | null;
  isUnclean(partition: string): boolean;
  /** Before this offset something has rotted in a replica. */
  soundFrom(brokerId: number, partition: string): number;
}

/** Everything that is committed stays. */
export const STRICT: LogRules = { compaction: () => null, isUnclean: () => false, soundFrom: () => 0 };

export function logRules(
  has: { readonly compaction?: boolean; readonly unclean?: boolean },
  rotten: Pick<LogRules, 'soundFrom'> = STRICT,
): LogRules {
  return {
    compaction(partition) {
      const topic = topicOf(partition);
      if (has.compaction !== true) return null;
      if (topic === COMPACTED_TOPIC) return 'keys';
      return INTERNAL_TOPICS.includes(topic) ? 'some' : null;
    },
    soundFrom: (brokerId, partition) => rotten.soundFrom(brokerId, partition),
    isUnclean: (partition) => has.unclean === true && topicOf(partition) === UNCLEAN_TOPIC,
  };
}

function topicOf(partition: string): string {
  return partition.slice(0, partition.lastIndexOf('-'));
}
