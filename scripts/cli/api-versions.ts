/** `odradek api-versions`: what Kafka's kafka-broker-api-versions does: each broker, and the requests it takes. */
import { HANDLERS } from '../../broker/handlers/table.ts';
import { ApiVersions } from '../../broker/protocol/messages/18-api-versions.ts';
import { AdminClient } from './admin-client.ts';
import type { Arguments, CommandSpec } from './arguments.ts';
import { bootstrapOption, jsonOption } from './bootstrap.ts';
import { print } from './output.ts';

const SOFTWARE = { clientSoftwareName: 'odradek', clientSoftwareVersion: '0' };

export const apiVersionsCommand: CommandSpec = {
  name: 'api-versions',
  summary: 'Shows which requests each broker takes, in which versions.',
  options: [bootstrapOption, jsonOption],
  run,
};

async function run(given: Arguments): Promise<number> {
  const admin = new AdminClient(given.needText('bootstrap-server'));
  try {
    const metadata = await admin.metadata([]);
    for (const { nodeId, host, port, rack } of metadata.brokers) {
      const { apiKeys } = await admin.askBroker(nodeId, metadata, ApiVersions, SOFTWARE);
      if (given.flag('json')) await print(JSON.stringify({ nodeId, host, port, rack, apiKeys }));
      else
        await print(
          `${host}:${port} (id: ${nodeId} rack: ${rack}) -> (\n${apiKeys.map(shown).join(',\n')}\n)`,
        );
    }
    return 0;
  } finally {
    admin.close();
  }
}

interface ApiRange {
  readonly apiKey: number;
  readonly minVersion: number;
  readonly maxVersion: number;
}

/** As Kafka shows it; the version that this client would use is the newest of both. */
function shown({ apiKey, minVersion, maxVersion }: ApiRange): string {
  const known = HANDLERS.get(apiKey)?.api;
  const versions = minVersion === maxVersion ? `${minVersion}` : `${minVersion} to ${maxVersion}`;
  if (known === undefined) return `\tUNKNOWN(${apiKey}): ${versions}`;
  const usable = Math.min(maxVersion, known.maxVersion);
  return `\t${known.name}(${apiKey}): ${versions} [usable: ${usable}]`;
}
