/**
 * A platform whose broker can be hurt on purpose, around any other platform: killed and stopped as a
 * process is, and cut off, slowed or silenced on each of its ways. Who uses it (the test kit, a fault API)
 * holds the `Faults`; the broker holds the platform and knows nothing of it. A broker without it pays
 * nothing.
 */
import type { Disk, DiskFile } from '../disk.ts';
import type { Platform } from '../platform.ts';
import type { Workers } from '../workers.ts';
import { Belongings } from './belongings.ts';
import { linkedChannels, linkedSockets } from './linked-network.ts';
import type { Links } from './links.ts';
import { ProcessGate } from './process-gate.ts';

export interface Faults {
  readonly state: 'running' | 'paused' | 'dead';
  /** kill -9: nothing of this life happens any more. Resolves when its ports are free. */
  kill(): Promise<void>;
  /** SIGSTOP. */
  pause(): void;
  /** SIGCONT. */
  resume(): void;
  /** Runs it when the process does: now, once it goes on, or never. */
  enter(run: () => void): void;
}

export interface FaultyPlatform {
  readonly platform: Platform;
  readonly faults: Faults;
}

/** For one life of a broker; `links` outlive it. */
export function faulty(base: Platform, links: Links): FaultyPlatform {
  const belongings = new Belongings();
  const gate = new ProcessGate({
    clock: belongings.clock(base.clock),
    network: {
      sockets: belongings.sockets(linkedSockets(base.sockets, links, base.clock)),
      channels: belongings.channels(linkedChannels(base.channels, links, base.clock)),
    },
  });
  const { clock, sockets, channels } = gate;
  const disk = gatedDisk(belongings.disk(base.disk), gate);
  const workers: Workers = {
    turn: base.workers.turn,
    laterTurn(amount, from) {
      const turn = base.workers.laterTurn(amount, from);
      return turn === null ? null : gate.arrived(turn);
    },
    close: () => base.workers.close(),
    run: (job, input, from) => gate.arrived(base.workers.run(job, input, from)),
  };
  return {
    platform: { ...base, clock, sockets, channels, disk, workers },
    faults: {
      get state() {
        return gate.state;
      },
      kill() {
        gate.kill();
        links.breakAll();
        return belongings.release();
      },
      pause: () => gate.pause(),
      resume: () => gate.resume(),
      enter: (run) => gate.enter(run),
    },
  };
}

/** A dead process writes nothing, also where it was in the middle of something. */
function gatedDisk(disk: Disk, gate: ProcessGate): Disk {
  const alive = <Args extends unknown[], Result>(act: (...args: Args) => Result) => {
    return (...args: Args): Result => {
      if (gate.state === 'dead') throw Object.assign(new Error('EIO: the process is gone'), { code: 'EIO' });
      return act(...args);
    };
  };
  return {
    ...disk,
    open: alive((path: string, mode: 'read' | 'write') => gatedFile(disk.open(path, mode), gate)),
    makeDirectory: alive(disk.makeDirectory),
    rename: alive(disk.rename),
    remove: alive(disk.remove),
    removeInBackground: alive((path: string) => gate.arrived(disk.removeInBackground(path))),
    writeFileAtomically: alive(disk.writeFileAtomically),
    writeFileInBackground: alive((path: string, data: string) =>
      gate.arrived(disk.writeFileInBackground(path, data)),
    ),
    syncDirectoryInBackground: alive((path: string) => gate.arrived(disk.syncDirectoryInBackground(path))),
    lock: alive(disk.lock),
  };
}

function gatedFile(file: DiskFile, gate: ProcessGate): DiskFile {
  return {
    ...file,
    syncInBackground: () => gate.arrived(file.syncInBackground()),
    warm(lengthBytes, positionBytes) {
      const warmed = file.warm(lengthBytes, positionBytes);
      return warmed === null ? null : gate.arrived(warmed);
    },
  };
}
