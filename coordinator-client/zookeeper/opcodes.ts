/**
 * The numbers of ZooKeeper's wire protocol that this client uses: request types, error codes, and what an
 * error means to the sender. A code that is not listed is an error like any other, never an exception in
 * the socket's handler. Source: ZooKeeper 3.8, ZooDefs.OpCode and KeeperException.Code.
 */

export const Opcode = {
  create: 1,
  remove: 2,
  exists: 3,
  getData: 4,
  setData: 5,
  getAcl: 6,
  setAcl: 7,
  sync: 9,
  ping: 11,
  getChildren2: 12,
  check: 13,
  multi: 14,
  create2: 15,
  auth: 100,
  setWatches: 101,
  sasl: 102,
  closeSession: -11,
} as const;

/** Xids with a meaning of their own; requests are numbered from 1. */
export const ReservedXid = { notification: -1, ping: -2, auth: -4 } as const;

export const ServerCode = {
  ok: 0,
  connectionLoss: -4,
  marshallingError: -5,
  badArguments: -8,
  noNode: -101,
  noAuth: -102,
  badVersion: -103,
  noChildrenForEphemerals: -108,
  nodeExists: -110,
  notEmpty: -111,
  sessionExpired: -112,
  invalidAcl: -114,
  authFailed: -115,
  sessionMoved: -118,
  quotaExceeded: -125,
  throttled: -127,
} as const;

const NAMES = new Map<number, string>(Object.entries(ServerCode).map(([name, code]) => [code, name]));

const WRITES: ReadonlySet<number> = new Set([
  Opcode.create,
  Opcode.remove,
  Opcode.setData,
  Opcode.setAcl,
  Opcode.multi,
  Opcode.create2,
]);

/** A write is sent once at most: twice could apply it twice. Everything else may be sent again. */
export function isWrite(opcode: number): boolean {
  return WRITES.has(opcode);
}

/** An answer other than success. `getCode` and `getName` are what node-zookeeper-client's Client asks for. */
export class RequestError extends Error {
  readonly code: number;
  /** False when the request has certainly never left this process. */
  readonly sent: boolean;

  constructor(code: number, sent: boolean) {
    super(`ZooKeeper answers ${NAMES.get(code) ?? 'error'} (${code})`);
    this.name = 'RequestError';
    this.code = code;
    this.sent = sent;
  }

  getCode(): number {
    return this.code;
  }

  getName(): string {
    return NAMES.get(this.code) ?? `ERROR_${this.code}`;
  }
}
