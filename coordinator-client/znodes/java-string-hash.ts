/**
 * Java's String.hashCode over UTF-16 code units: Scala's maps are ordered by it, and Kafka divides keys and
 * partitions by it.
 */
export function javaStringHash(text: string): number {
  let hash = 0;
  for (let index = 0; index < text.length; index++) {
    hash = (Math.imul(31, hash) + text.charCodeAt(index)) | 0;
  }
  return hash;
}
