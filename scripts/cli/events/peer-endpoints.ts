/**
 * Where the journals of the brokers are read: their peer endpoints. A client knows none, so each living
 * broker is asked for its `peer.advertised.listener`; or the endpoints are given.
 */
import { parseEndpoint } from '../../../broker/config/listeners.ts';
import { ErrorCode } from '../../../broker/errors.ts';
import { DescribeConfigs } from '../../../broker/protocol/messages/32-describe-configs.ts';
import type { AdminClient } from '../admin-client.ts';
import { UsageError } from '../arguments.ts';

/** A journal that can be read. */
export interface JournalEndpoint {
  /** null: it was given without saying whose it is. */
  readonly brokerId: number | null;
  /** `http://host:port` */
  readonly url: string;
}

/** As it is spoken of, and told from others. */
export function journalName({ brokerId, url }: JournalEndpoint): string {
  return brokerId === null ? url : `broker ${brokerId}`;
}

const BROKER = 4;
const LISTENER = 'peer.advertised.listener';

/** The endpoints of all brokers that live; of those that can't say theirs, `problem` is told. */
export async function livingEndpoints(
  admin: AdminClient,
  problem: (text: string) => void,
): Promise<JournalEndpoint[]> {
  const metadata = await admin.metadata([]);
  const ids = metadata.brokers.map(({ nodeId }) => nodeId).sort((a, b) => a - b);
  const found = await Promise.all(
    ids.map(async (nodeId): Promise<JournalEndpoint[]> => {
      const resource = { resourceType: BROKER, resourceName: String(nodeId), configurationKeys: [LISTENER] };
      const request = { resources: [resource], includeSynonyms: false, includeDocumentation: false };
      try {
        const { results } = await admin.askBroker(nodeId, metadata, DescribeConfigs, request);
        const [result] = results;
        const value = result?.errorCode === ErrorCode.NONE ? result.configs[0]?.value : null;
        const endpoint = parseEndpoint(value ?? '');
        if (typeof endpoint !== 'string') return [{ brokerId: nodeId, url: urlOf(endpoint) }];
        problem(`broker ${nodeId} does not say where its journal is read: is it no broker of Odradek?`);
      } catch (error) {
        problem(
          `broker ${nodeId} does not answer: ${error instanceof Error ? error.message : String(error)}`,
        );
      }
      return [];
    }),
  );
  return found.flat();
}

/** `HOST:PORT,…`; throws UsageError. */
export function givenEndpoints(text: string): JournalEndpoint[] {
  return text.split(',').map((word) => {
    const endpoint = parseEndpoint(`PEER://${word.trim()}`);
    if (typeof endpoint === 'string' || endpoint.host === '' || endpoint.port === 0)
      throw new UsageError(`--peers takes HOST:PORT,… of peer listeners, not '${word}'`);
    return { brokerId: null, url: urlOf(endpoint) };
  });
}

function urlOf({ host, port }: { readonly host: string; readonly port: number }): string {
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
}
