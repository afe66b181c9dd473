/**
 * What clients sent to the brokers of a test cluster: the newest requests, as many as fit, kept as they came
 * and decoded when somebody asks.
 */
import { refuseUnknown } from '../../broker/faults/known-names.ts';
import { servedApi } from '../../broker/faults/request-faults-by-name.ts';
import type { MetRequest } from '../../broker/network/interference.ts';
import { decodeRequest } from '../../broker/protocol/codec.ts';
import { NO_LIMITS } from '../../broker/protocol/reader.ts';
import type { AnyApi } from '../../broker/protocol/schema.ts';

/** A request that a broker got. */
export interface SeenRequest {
  /** Kafka's name of it, such as `Produce`. */
  readonly api: string;
  readonly version: number;
  readonly clientId: string | null;
  readonly correlationId: number;
  readonly broker: number;
  /** Unique to the connection. */
  readonly connection: string;
  /** Milliseconds since 1970. */
  readonly wallMs: number;
  /** Its fields, named as in Kafka's schemas; batches of records are bytes. */
  readonly body: Readonly<Record<string, unknown>>;
}

interface RequestFilter {
  readonly api?: string;
  readonly clientId?: string;
}

interface Kept extends Omit<SeenRequest, 'api' | 'body'> {
  readonly of: AnyApi;
  readonly body: Buffer;
}

const MOST_REQUESTS = 10_000;
const MOST_BYTES = 16 * 1024 * 1024;
/** For decoding what a broker has decoded before. */
const LIMITS = { ...NO_LIMITS, maxElements: 1_000_000 };

export class RequestLog {
  #kept: Kept[] = [];
  #bytes = 0;

  /** For the requests of one broker. */
  witness(broker: number): (request: MetRequest) => void {
    return ({ api, header, frame, origin }) => {
      const { apiVersion: version, clientId, correlationId, bodyOffset } = header;
      const body = Buffer.from(frame.subarray(bodyOffset));
      const connection = origin.id;
      const wallMs = Date.now();
      this.#kept.push({ of: api, version, clientId, correlationId, broker, connection, wallMs, body });
      this.#bytes += body.length;
      while (this.#kept.length > MOST_REQUESTS || (this.#bytes > MOST_BYTES && this.#kept.length > 1))
        this.#bytes -= this.#kept.shift()?.body.length ?? 0;
    };
  }

  /** In the order in which they came. */
  requests({ api, clientId, ...others }: RequestFilter): SeenRequest[] {
    refuseUnknown(Object.keys(others), ['api', 'clientId'], 'filter of requests');
    // Of a name that nobody has there would always be none, which is what many tests hope for.
    if (api !== undefined) servedApi(api);
    return this.#kept
      .filter((kept) => api === undefined || kept.of.name === api)
      .filter((kept) => clientId === undefined || kept.clientId === clientId)
      .map(({ of, body, ...seen }) => ({
        api: of.name,
        ...seen,
        body: decodeRequest(of, seen.version, body, LIMITS) as unknown as Record<string, unknown>,
      }));
  }

  clear(): void {
    this.#kept = [];
    this.#bytes = 0;
  }
}
