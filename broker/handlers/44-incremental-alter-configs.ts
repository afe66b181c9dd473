/**
 * IncrementalAlterConfigs (44), versions 0-1: sets, deletes, appends to and subtracts from single configs of a
 * topic, of this broker or of all brokers, and the levels of this broker's loggers. Each resource changes as
 * a whole or not at all.
 * Source: KafkaApis.handleIncrementalAlterConfigsRequest, ConfigAdminManager.
 */
import { afterwards } from '../platform/turns.ts';
import { IncrementalAlterConfigs } from '../protocol/messages/44-incremental-alter-configs.ts';
import { defineHandler } from './handler.ts';
import { alterLoggers } from './shared/broker-loggers.ts';
import { alterResource, alterResources, refuseResources } from './shared/config-changes.ts';
import { incrementally } from './shared/config-operations.ts';
import { ConfigResourceType } from './shared/config-resources.ts';

export const incrementalAlterConfigs = defineHandler(
  IncrementalAlterConfigs,
  ['brokerId', 'config', 'liveConfig', 'listenerSecurity', 'diagnostics', 'metadata', 'store'],
  {
    async handle(request, context, services) {
      const { resources, validateOnly } = request;
      const asked = { context, services, how: 'single' } as const;
      const responses = await alterResources(resources, context, (resource) => {
        const { resourceType, resourceName, configs } = resource;
        if (resourceType === ConfigResourceType.BROKER_LOGGER)
          return alterLoggers(resourceName, configs, validateOnly, asked);
        return alterResource(resource, incrementally(configs), validateOnly, asked);
      });
      return { responses };
    },
    refuse: ({ resources }, errorCode, context) =>
      afterwards(refuseResources(resources, errorCode, context), (responses) => ({ responses })),
  },
);
