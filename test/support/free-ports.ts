/**
 * Ports of the loopback interface that nobody listens on, for whoever binds them a while later, or again and again.
 * They are not of those that systems give to whoever asks for any port, and to every connection that goes out:
 * one of those may be somebody else's by then.
 */
import net from 'node:net';

/** Linux gives away what is from 32768 on, others from 49152 on; below are the ports of well-known services. */
const FIRST_PORT = 10_000;
const PORTS = 20_000;
/** One that is reserved is this process's until it ends, however it ends; others that ask here hear of it. */
const reservations: net.Server[] = [];

/** They differ from each other, and from those of other processes that ask here. */
export async function freePorts(count: number, host = '127.0.0.1'): Promise<readonly number[]> {
  const ports: number[] = [];
  while (ports.length < count) {
    const port = FIRST_PORT + Math.floor(Math.random() * PORTS);
    if ((await reserved(port)) && (await canBeListened({ port, host, exclusive: true }))) ports.push(port);
  }
  return ports;
}

/** By a name that only Linux has, which goes with its process and leaves no file; elsewhere chance has to do. */
async function reserved(port: number): Promise<boolean> {
  if (process.platform !== 'linux') return true;
  const reservation = net.createServer().unref();
  if (!(await listens(reservation, { path: `\0odradek-port-${port}` }))) return false;
  reservations.push(reservation);
  return true;
}

async function canBeListened(where: net.ListenOptions): Promise<boolean> {
  const server = net.createServer();
  const isFree = await listens(server, where);
  if (isFree) await new Promise((resolve) => server.close(resolve));
  return isFree;
}

function listens(server: net.Server, where: net.ListenOptions): Promise<boolean> {
  return new Promise((resolve) => {
    server.once('error', () => resolve(false));
    server.listen(where, () => resolve(true));
  });
}
