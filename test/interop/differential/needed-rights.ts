/**
 * What each API needs of its sender: the rights without which Apache Kafka 3.9.1 refuses a part of it, and with
 * which errors. A right that only hides things (Metadata of all topics, lists) or that another can stand in for
 * (CREATE on the cluster) is not among them.
 */
export const NEEDED_RIGHTS: Readonly<Record<string, readonly string[]>> = {};
