/**
 * What the coordinator contract is tested with: a source whose sessions can be broken on command, and
 * short ways to write and look.
 */
import { afterEach, expect } from 'vitest';
import type { Change, Coordinator, CoordinatorSource } from '../../coordinator-client/coordinator.ts';
import { CoordinatorError } from '../../coordinator-client/coordinator.ts';
import { pause } from '../support/eventually.ts';

/** Breaks the connections of one source; those of other sources of the same world stay whole. */
interface Faults {
  /** The connection breaks and does not come back before `resume`. */
  suspend(): void;
  resume(): void;
  /** The session ends on the server without its owner's doing, and the owner gets to know. */
  expire(coordinator: Coordinator): Promise<void>;
  /** The next answer of the server is lost, and the connection with it; what it was asked is done. */
  dropNextAnswer(coordinator: Coordinator): void;
}

/** A source of its own over a world that all benches of a suite share. */
interface Bench {
  readonly source: CoordinatorSource;
  readonly faults: Faults;
  close(): Promise<void>;
}

/** `timeoutsMs`: of whatever has a time of its own (sessions, handshakes), where the world's is not wanted. */
export type MakeBench = (timeoutsMs?: number) => Promise<Bench>;

export const OPEN_TIMEOUT_MS = 60_000;

interface Party {
  readonly coordinator: Coordinator;
  readonly source: CoordinatorSource;
  readonly faults: Faults;
}

/** Opens sessions that are closed after each test. */
export function parties(makeBench: MakeBench): (timeoutsMs?: number) => Promise<Party> {
  const open: { bench: Bench; coordinator: Coordinator }[] = [];
  afterEach(async () => {
    for (const { bench, coordinator } of open.splice(0)) {
      await coordinator.close();
      await bench.close();
    }
  });
  return async (timeoutsMs) => {
    const bench = await makeBench(timeoutsMs);
    const coordinator = await bench.source.open(OPEN_TIMEOUT_MS);
    open.push({ bench, coordinator });
    return { coordinator, source: bench.source, faults: bench.faults };
  };
}

export function create(path: string, data = '', lifetime: 'persistent' | 'session' = 'persistent'): Change {
  return { op: 'create', path, data: Buffer.from(data), lifetime };
}

export function put(path: string, data: string, version: number): Change {
  return { op: 'put', path, data: Buffer.from(data), version };
}

export function remove(path: string, version: number): Change {
  return { op: 'remove', path, version };
}

export function check(path: string, version: number): Change {
  return { op: 'check', path, version };
}

export async function textOf(coordinator: Coordinator, path: string): Promise<string | null> {
  return (await coordinator.read(path))?.data.toString() ?? null;
}

/** The failure that `promise` rejects with; fails when it doesn't. */
export async function failureOf(promise: Promise<unknown>): Promise<string> {
  const outcome = await promise.then(
    () => 'fulfilled',
    (error: unknown) => error,
  );
  expect(outcome).toBeInstanceOf(CoordinatorError);
  return outcome instanceof CoordinatorError ? outcome.failure : '';
}

/** Long enough for a call that should not come to have come. */
export function quiet(): Promise<void> {
  return pause(80);
}
