/** Why a cluster could not be started, in one line that says what to do. */
import { CoordinatorError } from '../../coordinator-client/coordinator.ts';
import type { KitOptions } from './options.ts';

const PORTS = 'leave ports out, and free ones are taken';
const TREE_PORT = 'leave zookeeperPort out, or say 0 for a free one';

/** The error itself where there is nothing to be added. */
export function plainly(error: unknown, { directory, zookeeper, zookeeperPort }: KitOptions): unknown {
  const { code, message, port, syscall } = rootOf(error);
  const where = directory === undefined ? 'the temporary directory' : directory;
  switch (code) {
    case 'EADDRINUSE':
      return new Error(
        `port ${port ?? ''} is in use: ${port !== undefined && port === zookeeperPort ? TREE_PORT : PORTS}`,
        {
          cause: error,
        },
      );
    case 'ENOSPC':
      return new Error(`there is no space left for a cluster in ${where}`, { cause: error });
    case 'EACCES':
    case 'EROFS':
      return new Error(`${where} can't be written to: ${message}`, { cause: error });
    default:
      // A file in the way, or a disk that can only be read, which Node takes for one that is not there.
      if (syscall === 'mkdir')
        return new Error(`${where} can't be made a directory of a cluster: ${message}`, { cause: error });
      return zookeeper === undefined ? error : aboutZookeeper(error, zookeeper);
  }
}

type SystemError = NodeJS.ErrnoException & { readonly port?: number };

/** What the system said, below what the broker made of it. */
function rootOf(error: unknown): SystemError {
  const { cause } = error as Error;
  return typeof (cause as SystemError | undefined)?.code === 'string'
    ? (cause as SystemError)
    : (error as SystemError);
}

/** Of an ensemble that can't be used, which one; any other error itself. */
export function aboutZookeeper(error: unknown, connect: string): unknown {
  if (!(error instanceof CoordinatorError)) return error;
  return new Error(`ZooKeeper at ${connect} can't be used: ${error.message}`, { cause: error });
}
