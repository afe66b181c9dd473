/**
 * Whether an application that reads, processes and writes in transactions has done so exactly once: each record
 * of its input is in its output once, as it was, in the order of its partition, and nothing else is there. Of the
 * record at an offset of a partition it writes `partition:offset:value`.
 */

/** What is found once the application has come to the end of its input, by partition. */
export interface Processed {
  /** The values of the input, by offset. */
  readonly input: readonly (readonly string[])[];
  /** How far the group has come. */
  readonly offsets: readonly number[];
  /** What readers of committed data find in the output. */
  readonly output: readonly (readonly string[])[];
}

export function outputOf(partition: number, offset: number, value: string): string {
  return `${partition}:${offset}:${value}`;
}

/** What contradicts the promise; empty when it is kept. */
export function notProcessedOnce({ input, offsets, output }: Processed): string[] {
  const times = new Map<string, number>();
  for (const value of output.flat()) times.set(value, (times.get(value) ?? 0) + 1);
  const wrong = output.flatMap(disorder);
  for (const [partition, values] of input.entries()) {
    const reached = offsets[partition] ?? -1;
    if (reached > values.length)
      wrong.push(`partition ${partition}: the group is at ${reached}, behind the end`);
    for (const [offset, value] of values.entries()) {
      const expected = outputOf(partition, offset, value);
      const count = times.get(expected) ?? 0;
      times.delete(expected);
      if (count > 1) wrong.push(`${expected} was processed ${count} times`);
      if (count === 0 && offset < reached) wrong.push(`${expected} was lost`);
      if (count > 0 && offset >= reached)
        wrong.push(`${expected} was processed, but the group is at ${reached}`);
    }
  }
  return [...wrong, ...[...times.keys()].map((value) => `nothing is the reason for ${value}`)];
}

/** How many records of the input are still to be processed. */
export function unprocessed({ input, offsets }: Processed): number {
  return input.reduce(
    (sum, values, partition) => sum + values.length - Math.max(0, offsets[partition] ?? 0),
    0,
  );
}

/** Records of one partition are written in their order, so that what comes after a later one is out of it. */
function disorder(values: readonly string[], output: number): string[] {
  const last = new Map<string, number>();
  return values.flatMap((value) => {
    const [partition = '', offset = ''] = value.split(':');
    const before = last.get(partition) ?? -1;
    last.set(partition, Number(offset));
    return before < Number(offset) ? [] : [`output ${output}: ${value} is read after the one at ${before}`];
  });
}
