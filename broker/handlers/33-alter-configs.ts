/**
 * AlterConfigs (33), versions 0-2: replaces all overrides of a topic, of this broker or of all brokers. Any
 * broker of a ZooKeeper cluster does it for topics; a broker's own configs go to that broker.
 * Clients that know IncrementalAlterConfigs prefer it: here, what is not named is reset.
 * Source: KafkaApis.handleAlterConfigsRequest, ConfigAdminManager.
 */
import { afterwards } from '../platform/turns.ts';
import { AlterConfigs } from '../protocol/messages/33-alter-configs.ts';
import { defineHandler } from './handler.ts';
import { alterResource, alterResources, refuseResources } from './shared/config-changes.ts';
import { replacing } from './shared/config-operations.ts';

export const alterConfigs = defineHandler(
  AlterConfigs,
  ['brokerId', 'config', 'liveConfig', 'listenerSecurity', 'metadata', 'store'],
  {
    async handle(request, context, services) {
      const { resources, validateOnly } = request;
      const asked = { context, services, how: 'all' } as const;
      const responses = await alterResources(resources, context, (resource) =>
        alterResource(resource, replacing(resource.configs), validateOnly, asked),
      );
      return { responses };
    },
    refuse: ({ resources }, errorCode, context) =>
      afterwards(refuseResources(resources, errorCode, context), (responses) => ({ responses })),
  },
);
