/** Whether ports are free, asked before anything is started so that nothing is left behind. */
import { createServer } from 'node:net';
import { freePorts } from '../../test/support/free-ports.ts';

/** Resolves to true when a server could listen on the port just now. */
export function portIsFree(port: number, host = '0.0.0.0'): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen({ port, host, exclusive: true }, () => server.close(() => resolve(true)));
  });
}

/** A port that nobody listens on, nor is given while it is not listened on. */
export async function freePort(host = '127.0.0.1'): Promise<number> {
  const [port = 0] = await freePorts(1, host);
  return port;
}
