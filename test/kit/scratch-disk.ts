/**
 * The disk of a cluster whose directory goes with it. A broker that is killed here loses nothing that was
 * written, for the process goes on, and nobody starts from these files after a power failure: so nothing
 * is waited for to reach the platter. That is most of what a start, a deletion or a stop costs.
 */
import { renameSync, statSync, writeFileSync } from 'node:fs';
import { stat, writeFile } from 'node:fs/promises';
import type { Disk, DiskFile } from '../../broker/platform/disk.ts';
import { nodeDisk } from '../../broker/platform/node-disk.ts';

const UNSYNCED: Pick<DiskFile, 'sync' | 'syncInBackground'> = {
  sync: () => {},
  syncInBackground: () => Promise.resolve(),
};

export const scratchDisk: Disk = {
  ...nodeDisk,
  open: (path, mode) => Object.assign(nodeDisk.open(path, mode), UNSYNCED),
  writeFileAtomically(path, data) {
    const temporary = `${path}.tmp`;
    writeFileSync(temporary, data);
    renameSync(temporary, path);
  },
  writeFileInBackground: (path, data) => writeFile(path, data),
  // One that is not there is still an error.
  syncDirectory: (path) => void statSync(path),
  syncDirectoryInBackground: (path) => stat(path).then(() => {}),
};
