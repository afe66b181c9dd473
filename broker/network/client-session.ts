/**
 * Who is at the other end of a client's connection, for as long as the connection lasts. Dispatch reads
 * here in whose name a request comes. What a client has to prove before it has a name, and how long it is
 * to be throttled, belong here too once there are such listeners and quotas: they outlive a request.
 */
import { ANONYMOUS, type Principal } from '../security/principal.ts';

/** Where a connection comes from. */
export interface ClientOrigin {
  /** Unique among the connections of this process. */
  readonly id: string;
  /** Name of the listener that accepted it. */
  readonly listener: string;
  /** Address of the client, without its port. */
  readonly remoteHost: string;
}

export class ClientSession implements ClientOrigin {
  readonly id: string;
  readonly listener: string;
  readonly remoteHost: string;

  constructor({ id, listener, remoteHost }: ClientOrigin) {
    this.id = id;
    this.listener = listener;
    this.remoteHost = remoteHost;
  }

  /** Of the requests that come from now on. Every listener is PLAINTEXT, which asks nobody for a name. */
  get principal(): Principal {
    return ANONYMOUS;
  }
}
