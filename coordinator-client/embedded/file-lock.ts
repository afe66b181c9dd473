/**
 * One owner of a file, known to the kernel: the lock ends with its process, however that ends, also when
 * nobody has waited for it yet; it counts for every process that sees the file, in whatever container; and
 * no two owners in one process have it either. It is the lock that Java's FileChannel.tryLock takes, so a
 * Kafka on the same directory is kept out as well.
 *
 * Node has no such call. The package fs-native-extensions brings it ready built for Linux, macOS and
 * Windows; its binary is loaded as it is, as the package's own loader takes longer than all else here.
 * Where it does not load, the command `flock` takes another kind of lock on our open file, which has the
 * same qualities, but the two kinds do not see each other. Without either there is no lock, and no start.
 */
import { closeSync, constants, openSync } from 'node:fs';
import { createRequire } from 'node:module';
import { types } from 'node:util';

interface FileLock {
  /** Idempotent. The file stays: to remove it would let two others lock two files of one name. */
  release(): void;
}

interface Binding {
  /** Throws EAGAIN (EBUSY on Windows) when another has it. */
  tryLock(descriptor: number, offset: number, length: number, exclusive: boolean): void;
}

const { O_CREAT, O_RDWR } = constants;
const HELD = new Set(['EAGAIN', 'EACCES', 'EBUSY']);
/** The exit status of `flock -n` when another has it. */
const FLOCK_HELD = 1;
/** Where a child finds the file that it is given: after its standard streams. */
const GIVEN_DESCRIPTOR = 3;
const TO_THE_END = 0;

/**
 * Locks a file, which is made when missing. Does not wait: null when somebody else has it. Throws Node's
 * errors, and one with code ENOLCK where no lock can be had.
 */
export function tryLockFile(path: string): FileLock | null {
  return tryLockFileWith(loadBinding(), path);
}

/** The same with a given binding, or, for null, with the command. */
export function tryLockFileWith(binding: Binding | null, path: string): FileLock | null {
  const descriptor = openSync(path, O_CREAT | O_RDWR, 0o644);
  let isOurs = false;
  try {
    isOurs = binding === null ? lockByCommand(descriptor, path) : lockByCall(binding, descriptor);
  } finally {
    if (!isOurs) closeSync(descriptor);
  }
  return isOurs ? lockOn(descriptor) : null;
}

function loadBinding(): Binding | null {
  const file = `fs-native-extensions/prebuilds/${process.platform}-${process.arch}/fs-native-extensions.node`;
  try {
    return createRequire(import.meta.url)(file) as Binding;
  } catch {
    return null;
  }
}

function lockByCall(binding: Binding, descriptor: number): boolean {
  try {
    binding.tryLock(descriptor, 0, TO_THE_END, true);
    return true;
  } catch (error) {
    // No instanceof: jest's `Error` is another one.
    if (types.isNativeError(error) && 'code' in error && HELD.has(String(error.code))) return false;
    throw error;
  }
}

/** The child locks the open file that it shares with us, and leaves it locked. */
function lockByCommand(descriptor: number, path: string): boolean {
  const { spawnSync } = process.getBuiltinModule('node:child_process');
  const { status, error } = spawnSync('flock', ['-n', String(GIVEN_DESCRIPTOR)], {
    stdio: ['ignore', 'ignore', 'ignore', descriptor],
  });
  if (status === 0) return true;
  if (status === FLOCK_HELD) return false;
  const why = error === undefined ? `flock ended with ${status}` : `flock: ${error.message}`;
  const message = `ENOLCK: no way to lock ${path}: fs-native-extensions does not load here, and ${why}`;
  throw Object.assign(new Error(message), { code: 'ENOLCK' });
}

function lockOn(descriptor: number): FileLock {
  let isReleased = false;
  return {
    release() {
      if (isReleased) return;
      isReleased = true;
      closeSync(descriptor);
    },
  };
}
