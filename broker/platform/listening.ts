/**
 * Binds a server to its address. Node looks up what it is given, and judges what it finds by a pattern for
 * IPv6 addresses that V8 takes 8 ms to compile, a tenth of what three brokers need to start. An IPv4 address
 * needs neither: its handle is made beforehand, by a function that Node has but does not document. Where
 * there is no such function, or the address can't be had, the ordinary way serves, and says what is wrong.
 */
import { once } from 'node:events';
import net, { isIPv4, type Server } from 'node:net';

interface Address {
  readonly host: string;
  readonly port: number;
  readonly backlog?: number;
}

/** Resolves when connections are taken; rejects with Node's error when the address can't be had. */
export async function listening(server: Server, { host, port, backlog }: Address): Promise<void> {
  const handle = isIPv4(host) ? boundHandle(host, port) : null;
  if (handle !== null) {
    try {
      server.listen(handle, backlog);
      await once(server, 'listening');
      return;
    } catch {
      // The error of a handle does not name the address.
    }
  }
  server.listen({ host, port, ...(backlog === undefined ? {} : { backlog }) });
  await once(server, 'listening');
}

interface HandleMaker {
  /** The last two: no descriptor that is there already, no flags. Answers an error as a number. */
  _createServerHandle?(host: string, port: number, family: 4, descriptor: -1, flags: 0): object | number;
}

function boundHandle(host: string, port: number): object | null {
  const made = (net as HandleMaker)._createServerHandle?.(host, port, 4, -1, 0);
  return typeof made === 'object' ? made : null;
}
