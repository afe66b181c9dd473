/**
 * A thousand partitions that change all the time, made up: what the page is measured with, where a cluster of
 * that size would take the processor that the browser needs.
 */
import { AdminClient } from '../../scripts/cli/admin-client.ts';
import { ValueReader } from '../../scripts/console/avro/value-reader.ts';
import { ClusterRights } from '../../scripts/console/cluster-rights.ts';
import { DrillDesk } from '../../scripts/console/drill-desk.ts';
import { EventFeed } from '../../scripts/console/event-feed.ts';
import {
  applyChange,
  type ClusterPicture,
  nameOf,
  type PartitionPicture,
  type PictureChange,
  type Progress,
} from '../../scripts/console/picture.ts';
import type { Reader } from '../../scripts/console/reader.ts';
import { PictureRecorder } from '../../scripts/console/recorder.ts';
import type { WatchedListener } from '../../scripts/console/watched-cluster.ts';

const BROKERS = [1, 2, 3];
const PARTITIONS_OF_TOPIC = 50;
/** Ten times a second so many lose a replica, or have it back. */
const CHANGE_MS = 100;
const CHANGED = 20;
const PROGRESS_MS = 1000;
const BYTES = 1000;

export function restlessReader(partitions: number): Reader {
  let picture = pictureOf(partitions);
  const recorder = new PictureRecorder(Date.now(), 1000 * partitions);
  recorder.begin(picture, Date.now());
  const listeners = new Set<WatchedListener>();
  let turn = 0;
  const changing = setInterval(() => {
    const change = changeOf(picture, turn++);
    picture = applyChange(picture, change);
    recorder.add(change);
    for (const listener of listeners) listener.changed(change);
  }, CHANGE_MS);
  const progressing = setInterval(() => {
    const progress = progressOf(picture, turn);
    for (const listener of listeners) listener.progressed(progress);
  }, PROGRESS_MS);
  // Nobody is asked: there is no cluster.
  const admin = new AdminClient('127.0.0.1:1');
  const everything = { clusterAuthorizedOperations: 0x7fff_ffff } as never;
  const end = new AbortController();
  return {
    user: null,
    admin,
    rights: new ClusterRights({ askAnyBroker: () => Promise.resolve(everything) }, Date.now),
    watched: {
      get picture() {
        return picture;
      },
      trouble: null,
      recorder,
      listen(listener) {
        listeners.add(listener);
        return () => listeners.delete(listener);
      },
      stop() {
        clearInterval(changing);
        clearInterval(progressing);
      },
    },
    events: new EventFeed(admin),
    values: new ValueReader(null),
    drills: new DrillDesk({ out: '.', nowMs: Date.now }),
    coordinator: null,
    ended: end.signal,
    close() {
      end.abort();
      this.watched.stop();
      admin.close();
    },
  };
}

function pictureOf(partitions: number): ClusterPicture {
  const all = Array.from({ length: partitions }, (_, index): PartitionPicture => {
    const first = index % BROKERS.length;
    const replicas = [...BROKERS.slice(first), ...BROKERS.slice(0, first)];
    return {
      topic: `topic-${Math.floor(index / PARTITIONS_OF_TOPIC)}`,
      partition: index % PARTITIONS_OF_TOPIC,
      leader: replicas[0] ?? 1,
      leaderEpoch: 0,
      replicas,
      isr: [...BROKERS],
      offline: [],
      adding: [],
      removing: [],
    };
  });
  return {
    clusterId: 'restless',
    controllerId: 1,
    controllerEpoch: 1,
    brokers: BROKERS.map((id) => ({
      id,
      host: 'localhost',
      port: 9092 + id,
      rack: null,
      epoch: '1',
      sessionId: '0x1',
      peer: null,
    })),
    partitions: Object.fromEntries(all.map((each) => [nameOf(each), each])),
  };
}

/** The partitions that are in sight are among those that change. */
function changeOf({ partitions }: ClusterPicture, turn: number): PictureChange {
  const all = Object.values(partitions);
  const changed: Record<string, PartitionPicture> = {};
  for (let each = 0; each < CHANGED; each++) {
    const partition = all[each % 2 === 0 ? (turn + each) % 40 : (turn * CHANGED + each) % all.length];
    if (partition === undefined) continue;
    const isr = partition.isr.length === BROKERS.length ? [partition.leader] : [...BROKERS];
    changed[nameOf(partition)] = { ...partition, isr, leaderEpoch: partition.leaderEpoch + 1 };
  }
  return { atMs: Date.now(), partitions: changed, removed: [] };
}

function progressOf({ partitions }: ClusterPicture, turn: number): Readonly<Record<string, Progress>> {
  const names = Object.keys(partitions);
  return Object.fromEntries(
    names.map((name, index) => [
      name,
      {
        highWatermark: turn * BYTES + index,
        replicas: Object.fromEntries(BROKERS.map((id) => [id, { lag: turn % 7, sizeBytes: turn * BYTES }])),
      },
    ]),
  );
}
