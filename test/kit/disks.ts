/** Disks of brokers that fail or fill up on purpose. */
import { join } from 'node:path';
import { refuseUnknown } from '../../broker/faults/known-names.ts';
import type { DiskOperation } from '../../broker/platform/faulty/disk-rules.ts';
import type { Member } from './member.ts';

/** Where a disk is hurt: everything unless given. */
interface DiskPlace {
  /** Only files of this topic. */
  readonly topic?: string;
  /** Of the topic; all of its partitions unless given. */
  readonly partition?: number;
}

export interface FailDiskOptions extends DiskPlace {
  /** What fails; everything unless given. */
  readonly operation?: DiskOperation;
  /** `EIO` unless given. */
  readonly error?: 'EIO' | 'ENOSPC' | 'EROFS' | 'EACCES';
  /** Operations that fail; any number unless given. */
  readonly times?: number;
}

export interface FillDiskOptions extends DiskPlace {
  /** Room that is left; none unless given. */
  readonly afterBytes?: number;
}

const OPERATIONS: readonly string[] = ['read', 'write', 'sync'];
const ERRORS: readonly string[] = ['EIO', 'ENOSPC', 'EROFS', 'EACCES'];

/** Throws, with the name that is meant, where something is none. */
export function failDisk(member: Member, options: FailDiskOptions): void {
  const { operation, error = 'EIO', times, topic, partition, ...others } = options;
  refuseUnknown(
    Object.keys(others),
    ['operation', 'error', 'times', 'topic', 'partition'],
    'option of failDisk',
  );
  if (operation !== undefined) refuseUnknown([operation], OPERATIONS, 'operation of a disk');
  refuseUnknown([error], ERRORS, 'error of a disk');
  if (times !== undefined && !(times >= 1))
    throw new Error(`failDisk: times must be 1 or more, not ${times}`);
  member.diskRules.place({
    paths: pathsOf(member, { topic, partition }),
    errorCode: error,
    ...(operation === undefined ? {} : { operations: [operation] }),
    ...(times === undefined ? {} : { times }),
  });
}

export function fillDisk(member: Member, options: FillDiskOptions): void {
  const { afterBytes = 0, topic, partition, ...others } = options;
  refuseUnknown(Object.keys(others), ['afterBytes', 'topic', 'partition'], 'option of fillDisk');
  if (!(afterBytes >= 0)) throw new Error(`fillDisk: afterBytes must be 0 or more, not ${afterBytes}`);
  const paths = pathsOf(member, { topic, partition });
  member.diskRules.place({ paths, operations: ['write'], errorCode: 'ENOSPC', afterBytes });
}

function pathsOf(
  { logDirs }: Member,
  { topic, partition }: { topic: string | undefined; partition: number | undefined },
): string[] {
  if (topic === undefined && partition !== undefined) throw new Error('a partition needs its topic');
  if (topic === undefined) return [...logDirs];
  // The last dash is followed by the partition.
  return logDirs.map((directory) => join(directory, `${topic}-${partition ?? '*'}`));
}
