/**
 * The words for brokers as others see them. Nothing here does anything; a file of any floor may import it.
 */
import type { BrokerId } from './types.ts';

/** Where a broker is reached under one of its listeners. */
export interface Endpoint {
  readonly listener: string;
  readonly host: string;
  readonly port: number;
  /** PLAINTEXT, SSL, SASL_PLAINTEXT or SASL_SSL. */
  readonly securityProtocol: string;
}

/** One incarnation of a broker, as it has registered. */
export interface BrokerInfo {
  readonly id: BrokerId;
  /** czxid of the registration znode. */
  readonly epoch: number;
  readonly rack: string | null;
  readonly endpoints: readonly Endpoint[];
}

/** Name of the listener under which a broker registers its peer WebSocket endpoint. */
export const PEER_LISTENER = 'PEER';
