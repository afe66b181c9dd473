/**
 * Orders of a broker to the process that has started it, over their IPC channel: what faults on demand do to
 * processes that these can't do to themselves (broker/faults/supervisor.ts). Each is answered once.
 */
import type { Supervisor, SupervisorOrder } from '../../broker/faults/supervisor.ts';
import { tellParent } from './ending.ts';

/** What a child asks of its parent. */
export interface OrderMessage {
  readonly type: 'order';
  readonly id: number;
  readonly order: SupervisorOrder;
}

/** What becomes of it; `error` says why it can't be done. */
export interface OrderAnswerMessage {
  readonly type: 'order-answer';
  readonly id: number;
  readonly error: string | null;
}

/** A parent that knows nothing of orders never answers. */
const ANSWER_TIMEOUT_MS = 10_000;

/** The process that has started this one; null when there is none. */
export function parentAsSupervisor(): Supervisor | null {
  if (!process.connected) return null;
  const asked = new Map<number, (error: string | null) => void>();
  let lastId = 0;
  process.on('message', (message: OrderAnswerMessage) => {
    if (message.type === 'order-answer') asked.get(message.id)?.(message.error);
  });
  return {
    ask: (order) =>
      new Promise((resolve, reject) => {
        const id = ++lastId;
        const answered = (error: string | null): void => {
          clearTimeout(timer);
          asked.delete(id);
          if (error === null) resolve();
          else reject(new Error(error));
        };
        const timer = setTimeout(answered, ANSWER_TIMEOUT_MS, 'whoever started this broker takes no orders');
        asked.set(id, answered);
        const message: OrderMessage = { type: 'order', id, order };
        tellParent(message);
      }),
  };
}
