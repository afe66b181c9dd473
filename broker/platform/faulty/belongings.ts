/**
 * What one life of a broker has open besides its connections (links.ts): when a process dies the kernel
 * closes all of it, so that its ports, its files and its locks are free for the next. Nothing is told to
 * anybody and nothing is made durable.
 */
import type { ChannelNetwork } from '../channels.ts';
import type { Clock, Timer } from '../clock.ts';
import type { Disk, DiskFile } from '../disk.ts';
import type { SocketNetwork } from '../sockets.ts';

export class Belongings {
  readonly #open = new Set<() => void | Promise<void>>();
  #released = false;

  /** Closes all there is; resolves when ports can be bound again. */
  async release(): Promise<void> {
    this.#released = true;
    const closing = [...this.#open].map((close) => close());
    this.#open.clear();
    await Promise.all(closing);
  }

  clock(clock: Clock): Clock {
    return {
      wallMs: () => clock.wallMs(),
      nowMs: () => clock.nowMs(),
      soon: (run) => clock.soon(run),
      after: (delayMs, run): Timer => {
        const timer = clock.after(delayMs, () => {
          forget();
          run();
        });
        const forget = this.#keep(() => timer.cancel());
        return {
          cancel() {
            forget();
            timer.cancel();
          },
        };
      },
    };
  }

  sockets(sockets: SocketNetwork): SocketNetwork {
    return {
      listen: async (options) => this.#keptListener(await sockets.listen(options)),
      dial: (target) => sockets.dial(target),
    };
  }

  channels(channels: ChannelNetwork): ChannelNetwork {
    return {
      listen: async (options) => this.#keptListener(await channels.listen(options)),
      dial: (target) => channels.dial(target),
    };
  }

  disk(disk: Disk): Disk {
    return {
      ...delegating(disk),
      open: (path, mode) => {
        const file = disk.open(path, mode);
        const forget = this.#keep(() => file.close());
        return closingFile(file, forget);
      },
      lock: (path) => {
        const lock = disk.lock(path);
        const forget = this.#keep(() => lock.release());
        return {
          release() {
            forget();
            lock.release();
          },
        };
      },
    };
  }

  #keptListener<T extends { close(): Promise<void> }>(listener: T): T {
    this.#keep(() => listener.close());
    return listener;
  }

  /** Until it is told to forget it. What comes after the end is closed at once. */
  #keep(close: () => void | Promise<void>): () => void {
    if (this.#released) {
      void close();
      return () => {};
    }
    this.#open.add(close);
    return () => this.#open.delete(close);
  }
}

/** The disk again, as an object of functions: an implementation may be a class. */
function delegating(disk: Disk): Disk {
  return {
    open: (path, mode) => disk.open(path, mode),
    stat: (path) => disk.stat(path),
    list: (directory) => disk.list(directory),
    makeDirectory: (path) => disk.makeDirectory(path),
    rename: (from, to) => disk.rename(from, to),
    remove: (path) => disk.remove(path),
    removeInBackground: (path) => disk.removeInBackground(path),
    readFile: (path) => disk.readFile(path),
    writeFileAtomically: (path, data) => disk.writeFileAtomically(path, data),
    writeFileInBackground: (path, data) => disk.writeFileInBackground(path, data),
    syncDirectory: (path) => disk.syncDirectory(path),
    syncDirectoryInBackground: (path) => disk.syncDirectoryInBackground(path),
    freeBytes: (path) => disk.freeBytes(path),
    totalBytes: (path) => disk.totalBytes(path),
    lock: (path) => disk.lock(path),
  };
}

/** A file that says when it is closed. */
function closingFile(file: DiskFile, closed: () => void): DiskFile {
  return {
    path: file.path,
    sizeBytes: () => file.sizeBytes(),
    read: (into, offset, lengthBytes, positionBytes) => file.read(into, offset, lengthBytes, positionBytes),
    warm: (lengthBytes, positionBytes) => file.warm(lengthBytes, positionBytes),
    write: (from, offset, lengthBytes, positionBytes) => file.write(from, offset, lengthBytes, positionBytes),
    truncate: (sizeBytes) => file.truncate(sizeBytes),
    sync: () => file.sync(),
    syncInBackground: () => file.syncInBackground(),
    close() {
      closed();
      file.close();
    },
  };
}
