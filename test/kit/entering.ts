/**
 * What comes from ZooKeeper to one life of a broker, through the gate of that life: at once, when it goes on
 * after a standstill, or never.
 */
import type { Coordinator } from '../../coordinator-client/coordinator.ts';

type Enter = (run: () => void) => void;

export function entering<T>(coming: Promise<T>, enter: Enter): Promise<T> {
  return new Promise((resolve, reject) => {
    coming.then(
      (made) => enter(() => resolve(made)),
      (error: unknown) => enter(() => reject(error)),
    );
  });
}

export function enteringCoordinator(inner: Coordinator, enter: Enter): Coordinator {
  return {
    get session() {
      return inner.session;
    },
    get sessionId() {
      return inner.sessionId;
    },
    get sessionTimeoutMs() {
      return inner.sessionTimeoutMs;
    },
    onSession: (changed) => inner.onSession((state) => enter(() => changed(state))),
    read: (path) => entering(inner.read(path), enter),
    children: (path) => entering(inner.children(path), enter),
    commit: (changes) => entering(inner.commit(changes), enter),
    watch: (path, what, changed) => inner.watch(path, what, () => enter(changed)),
    sync: () => entering(inner.sync(), enter),
    close: () => entering(inner.close(), enter),
  };
}
