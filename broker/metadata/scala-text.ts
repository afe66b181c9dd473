/** Lists as Scala's toString writes them, where Kafka puts them into messages that tools print. */

/** What a message may be at most: protocol versions before the flexible ones have 16 bits for its length. */
const MAX_TEXT_LENGTH = 8192;

/** `ArrayBuffer(1, 2)`, in the order given. */
export function arrayBuffer(ids: readonly number[]): string {
  return `ArrayBuffer(${ids.join(', ')})`;
}

/** Up to four elements stand in the order they came, more of them in that of a hash table: by number here. */
export function set(ids: Iterable<number>): string {
  const listed = [...ids].sort((a, b) => a - b);
  return `${listed.length > 4 ? 'HashSet' : 'Set'}(${listed.join(', ')})`;
}

/** A text that a hostile request has made too long for an answer, cut. */
export function shortened(text: string): string {
  return text.length <= MAX_TEXT_LENGTH ? text : `${text.slice(0, MAX_TEXT_LENGTH)}...`;
}
