/** Reads what a group's leader has assigned to a member. Source: Kafka's ConsumerProtocolAssignment. */

/** Partitions by topic; empty where there is nothing to be read. */
export function assignedPartitions(assignment: Buffer): ReadonlyMap<string, readonly number[]> {
  const found = new Map<string, readonly number[]>();
  if (assignment.length < 6) return found;
  let at = 2; // the version
  const next = (bytes: number): number => {
    const value = bytes === 2 ? assignment.readInt16BE(at) : assignment.readInt32BE(at);
    at += bytes;
    return value;
  };
  try {
    for (let topics = next(4); topics > 0; topics--) {
      const length = next(2);
      const topic = assignment.toString('utf8', at, at + length);
      at += length;
      const partitions: number[] = [];
      for (let count = next(4); count > 0; count--) partitions.push(next(4));
      found.set(topic, partitions);
    }
  } catch {
    return found; // of another protocol than the consumers'
  }
  return found;
}
