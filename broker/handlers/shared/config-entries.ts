/** Effective configs in the shapes that DescribeConfigs and CreateTopics answer. */
import { CONFIG_SOURCE, type EffectiveEntry, effectiveTopicConfig } from '../../config/effective.ts';
import type { CreateTopics } from '../../protocol/messages/19-create-topics.ts';
import type { DescribeConfigs } from '../../protocol/messages/32-describe-configs.ts';
import type { RequestOf, ResponseInput } from '../../protocol/schema.ts';
import type { Needs } from '../services.ts';
import type { DynamicLevels } from './config-resources.ts';

type DescribeResults = NonNullable<ResponseInput<typeof DescribeConfigs>['results']>;
type DescribedConfig = NonNullable<DescribeResults[number]['configs']>[number];
type CreatedTopics = NonNullable<ResponseInput<typeof CreateTopics>['topics']>;
type CreatedConfig = NonNullable<CreatedTopics[number]['configs']>[number];

/** One config for DescribeConfigs; v0 says only whether it is the default. */
export function describedConfig(
  entry: EffectiveEntry,
  request: Pick<RequestOf<typeof DescribeConfigs>, 'includeSynonyms' | 'includeDocumentation'>,
  apiVersion: number,
): DescribedConfig {
  // Kafka leaves the documentation of a logger at the schema's default, which is '' and not null.
  const documented = request.includeDocumentation || entry.source === CONFIG_SOURCE.DYNAMIC_BROKER_LOGGER;
  const config = {
    name: entry.name,
    value: entry.value,
    readOnly: entry.readOnly,
    configSource: entry.source,
    isSensitive: entry.sensitive,
    synonyms: request.includeSynonyms ? entry.synonyms : [],
    configType: entry.type,
    documentation: documented ? entry.documentation : null,
  };
  return apiVersion === 0 ? { ...config, isDefault: entry.source === CONFIG_SOURCE.DEFAULT } : config;
}

/** The configs of a topic that was created with these overrides. */
export function createdConfigs(
  overrides: ReadonlyMap<string, string>,
  levels: DynamicLevels,
  services: Needs<'config'>,
): CreatedConfig[] {
  const { entries } = effectiveTopicConfig(services.config, levels.defaults, levels.broker, overrides);
  return entries.map(({ name, value, readOnly, source, sensitive }) => ({
    name,
    value,
    readOnly,
    configSource: source,
    isSensitive: sensitive,
  }));
}
