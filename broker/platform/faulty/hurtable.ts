/**
 * The platform of a broker that is a process of its own, with its disk, its wall clock and its ways in
 * somebody's hands. Nothing stands for the process itself, as in faulty.ts: that is stopped and killed by
 * the system's signals (own-process.ts). Asked for by fault.api.enable; a broker without it has nothing of this.
 */
import type { Clock } from '../clock.ts';
import type { Platform } from '../platform.ts';
import type { SocketNetwork } from '../sockets.ts';
import { DiskRules } from './disk-rules.ts';
import { faultyDisk } from './faulty-disk.ts';
import { linkedChannels, linkedSockets } from './linked-network.ts';
import { Links } from './links.ts';
import { WallClockJumps } from './wall-clock.ts';

/** What of the world can be hurt. */
export interface WorldFaults {
  readonly links: Links;
  readonly disk: DiskRules;
  readonly wallClock: WallClockJumps;
  /** What time it is, whatever the wall clock says. */
  readonly trueClock: Clock;
}

interface HurtablePlatform {
  readonly platform: Platform;
  readonly world: WorldFaults;
  /** What the ZooKeeper client dials by. */
  readonly zookeeperSockets: SocketNetwork;
}

/** Unhurt as yet. */
export function hurtable(base: Platform): HurtablePlatform {
  const world = {
    links: new Links(base.random),
    disk: new DiskRules(() => base.random.fraction()),
    wallClock: new WallClockJumps(),
    trueClock: base.clock,
  };
  const clock = world.wallClock.clock(base.clock);
  const { links, disk } = world;
  const platform: Platform = {
    ...base,
    clock,
    disk: faultyDisk(base.disk, disk, clock),
    sockets: linkedSockets(base.sockets, links, clock),
    channels: linkedChannels(base.channels, links, clock),
  };
  const zookeeperSockets = linkedSockets(base.sockets, links, clock, [links.zookeeper]);
  return { platform, world, zookeeperSockets };
}
