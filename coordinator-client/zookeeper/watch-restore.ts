/**
 * After a reconnect the new server has to be told every watch that the old one held. In pieces, because a
 * server refuses a request beyond jute.maxbuffer and would be sent the same one for ever (ZOOKEEPER-706).
 */

import type { Event } from 'node-zookeeper-client';
import jute from 'node-zookeeper-client/lib/jute/index.js';
import type WatcherManager from 'node-zookeeper-client/lib/WatcherManager.js';
import { Opcode } from './opcodes.ts';
import { type Request, requestOf } from './requests.ts';

const PIECE_BYTES = 128 * 1024;
const KINDS = ['dataWatches', 'existWatches', 'childWatches'] as const;

/** SetWatches requests that name all registered watches, each of at most about 128 KiB. */
export function setWatchesRequests(
  watchers: WatcherManager,
  lastZxid: Buffer,
  chroot: string | undefined,
): readonly Request[] {
  const paths = {
    dataWatches: watchers.getDataWatcherPaths(),
    existWatches: watchers.getExistenceWatcherPaths(),
    childWatches: watchers.getChildWatcherPaths(),
  };
  const requests: Request[] = [];
  let piece = emptyPiece(lastZxid);
  let pieceBytes = 0;
  const finishPiece = (): void => {
    if (pieceBytes === 0) return;
    piece.setChrootPath(chroot);
    requests.push(requestOf(Opcode.setWatches, piece));
    piece = emptyPiece(lastZxid);
    pieceBytes = 0;
  };
  for (const kind of KINDS) {
    for (const path of paths[kind]) {
      const sizeBytes = 4 + Buffer.byteLength(path) + Buffer.byteLength(chroot ?? '');
      if (pieceBytes + sizeBytes > PIECE_BYTES) finishPiece();
      piece[kind].push(path);
      pieceBytes += sizeBytes;
    }
  }
  finishPiece();
  return requests;
}

function emptyPiece(lastZxid: Buffer): InstanceType<typeof jute.protocol.SetWatches> {
  const piece = new jute.protocol.SetWatches();
  piece.relativeZxid = lastZxid;
  for (const kind of KINDS) piece[kind] = [];
  return piece;
}

/** Takes one watcher out of the package's tables, so that a reconnect does not set it again. */
export function forgetWatcher(watchers: WatcherManager, path: string, watcher: (event: Event) => void): void {
  for (const table of [watchers.dataWatchers, watchers.existenceWatchers, watchers.childWatchers]) {
    const emitter = table[path];
    if (emitter === undefined) continue;
    emitter.removeListener('notification', watcher);
    if (emitter.listenerCount('notification') === 0) delete table[path];
  }
}
