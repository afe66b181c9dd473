/** Which topics `--topic` means: the one of that name, or else all that match it as a regular expression. */
import { ErrorCode } from '../../../broker/errors.ts';
import { type AdminClient, type Answer, type ClusterMetadata, reasonOf } from '../admin-client.ts';
import type { Arguments } from '../arguments.ts';
import { fullTopicPattern } from '../topic-pattern.ts';

export type Topic = ClusterMetadata['topics'][number];

/** Sorted; all topics where none are named. One that isn't there fails, unless `--if-exists` says otherwise. */
export async function chosenTopics(
  admin: AdminClient,
  given: Arguments,
): Promise<{ readonly topics: readonly Topic[]; readonly metadata: ClusterMetadata }> {
  const words = given.all('topic');
  const metadata = await admin.metadata(null);
  const chosen = words.length === 0 ? metadata.topics : matching(metadata.topics, words, given);
  const isHidden = ({ isInternal }: Topic): boolean => isInternal && given.flag('exclude-internal');
  const topics = chosen.filter((topic) => !isHidden(topic)).sort((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1));
  return { topics, metadata };
}

/** Throws with a line for each topic that failed; `fine` is no failure. */
export function checkTopics(
  topics: readonly (Answer & { readonly name: string | null })[],
  fine: number = ErrorCode.NONE,
): void {
  const failed = topics.filter(({ errorCode }) => errorCode !== ErrorCode.NONE && errorCode !== fine);
  if (failed.length > 0)
    throw new Error(failed.map((topic) => `topic ${topic.name}: ${reasonOf(topic)}`).join('\n'));
}

export function nameOf({ name }: Topic): string {
  return name ?? '';
}

function matching(topics: readonly Topic[], words: readonly string[], given: Arguments): Topic[] {
  const found = new Set<Topic>();
  const missing: string[] = [];
  for (const word of words) {
    const named = topics.filter(({ name }) => name === word);
    const pattern = fullTopicPattern('topic', word);
    const matches = named.length > 0 ? named : topics.filter((topic) => pattern.test(nameOf(topic)));
    if (matches.length === 0) missing.push(word);
    for (const topic of matches) found.add(topic);
  }
  // A list may be empty; whoever names one topic expects it to be there.
  const isFine = given.flag('if-exists') || given.flag('list');
  const errorCode = isFine ? ErrorCode.NONE : ErrorCode.UNKNOWN_TOPIC_OR_PARTITION;
  checkTopics(missing.map((name) => ({ name, errorCode })));
  return [...found];
}
