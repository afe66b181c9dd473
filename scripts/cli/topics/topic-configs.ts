/** What many topics are configured with, in few requests. */
import { ErrorCode } from '../../../broker/errors.ts';
import { DescribeConfigs } from '../../../broker/protocol/messages/32-describe-configs.ts';
import { type AdminClient, reasonOf } from '../admin-client.ts';

export interface TopicConfig {
  readonly name: string;
  readonly value: string | null;
  /** Kafka shows what is set anywhere, for the topic or for the broker. */
  readonly isDefault: boolean;
}

const TOPIC_RESOURCE = 2;
const DEFAULT_SOURCE = 5;
const TOPICS_A_REQUEST = 200;

/** By topic; one that is deleted meanwhile is left out. */
export async function topicConfigs(
  admin: AdminClient,
  topics: readonly string[],
): Promise<Map<string, TopicConfig[]>> {
  const found = new Map<string, TopicConfig[]>();
  for (let from = 0; from < topics.length; from += TOPICS_A_REQUEST) {
    const resources = topics.slice(from, from + TOPICS_A_REQUEST).map((resourceName) => ({
      resourceType: TOPIC_RESOURCE,
      resourceName,
      configurationKeys: null,
    }));
    const request = { resources, includeSynonyms: false, includeDocumentation: false };
    const { results } = await admin.askAnyBroker(DescribeConfigs, request);
    for (const result of results) {
      if (result.errorCode === ErrorCode.UNKNOWN_TOPIC_OR_PARTITION) continue;
      if (result.errorCode !== ErrorCode.NONE)
        throw new Error(`topic ${result.resourceName}: ${reasonOf(result)}`);
      const configs = result.configs.map(({ name, value, configSource }) => ({
        name,
        value,
        isDefault: configSource === DEFAULT_SOURCE,
      }));
      found.set(result.resourceName, configs);
    }
  }
  return found;
}
