/**
 * Ports of the loopback interface that nobody listens on, for whoever binds them a while later, or again and again.
 * They are not of those that systems give to whoever asks for any port, and to every connection that goes out:
 * one of those may be somebody else's by then.
 */
import net from 'node:net';

/**
 * Linux gives away what is from 32768 on unless it is told otherwise, others from 49152 on; below are the ports of
 * well-known services.
 */
const FIRST_PORT = 10_000;
const PORTS = 20_000;
/** A machine on which so many are taken has none. */
const MOST_TRIES = 2000;
/** What this process was given or found taken, or wants for something else. */
const given = new Set<number>();
/** One that is reserved is this process's until it ends, however it ends; others that ask here hear of it. */
const reservations: net.Server[] = [];

/**
 * They differ from each other, from what was set aside, and from those of other processes that ask here. Rejects with
 * what the system says where ports of `host` can't be listened on at all.
 */
export async function freePorts(count: number, host = '127.0.0.1'): Promise<readonly number[]> {
  const ports: number[] = [];
  for (let tries = 0; ports.length < count; tries++) {
    if (tries === MOST_TRIES)
      throw new Error(`of ${MOST_TRIES} ports of ${host} only ${ports.length} are free; ${count} are needed`);
    const port = FIRST_PORT + Math.floor(Math.random() * PORTS);
    if (given.has(port)) continue;
    given.add(port);
    if (await isOurs(port, host)) ports.push(port);
  }
  return ports;
}

/** These are wanted by their numbers: nobody in this process is given one of them. */
export function setAside(ports: Iterable<number>): void {
  for (const port of ports) given.add(port);
}

async function isOurs(port: number, host: string): Promise<boolean> {
  const reservation = await reserved(port);
  if (reservation === 'taken') return false;
  const isFree = await canBeListened({ port, host, exclusive: true });
  if (reservation === null) return isFree;
  if (isFree) reservations.push(reservation);
  else reservation.close();
  return isFree;
}

/**
 * By a name that only Linux has, which goes with its process and leaves no file. null where there are none, as
 * elsewhere or in some sandboxes: chance has to do.
 */
async function reserved(port: number): Promise<net.Server | 'taken' | null> {
  if (process.platform !== 'linux') return null;
  const reservation = net.createServer().unref();
  const code = await problemOf(reservation, { path: `\0odradek-port-${port}` });
  if (code === null) return reservation;
  return code === 'EADDRINUSE' ? 'taken' : null;
}

async function canBeListened(where: net.ListenOptions): Promise<boolean> {
  const server = net.createServer();
  const code = await problemOf(server, where);
  // Windows keeps whole ranges for itself.
  if (code === 'EADDRINUSE' || code === 'EACCES') return false;
  if (code !== null) throw new Error(`can't listen on a port of ${where.host}: ${code}`);
  await new Promise((resolve) => server.close(resolve));
  return true;
}

/** null: it listens. */
function problemOf(server: net.Server, where: net.ListenOptions): Promise<string | null> {
  return new Promise((resolve) => {
    server.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    server.listen(where, () => resolve(null));
  });
}
