/**
 * Requests that change something: read from the wire, carried out alone or as a multi, answered.
 * Source: org.apache.zookeeper.MultiOperationRecord, MultiResponse, FinalRequestProcessor.
 */
import { ZkError, type ZkErrorCode } from '../tree/error-codes.ts';
import type { NodeKind } from '../tree/owner.ts';
import type { Operation, OperationResult } from '../tree/transaction.ts';
import { JuteError, type JuteReader, type JuteWriter } from './jute.ts';
import type { RequestContext } from './request-context.ts';
import { Opcode, readAcl, writeStat } from './wire.ts';

/** The create modes by their number on the wire. A wrong number becomes a TTL node without a time, which is refused. */
const CREATE_MODES: readonly CreateMode[] = [
  { node: 'persistent', sequential: false },
  { node: 'ephemeral', sequential: false },
  { node: 'persistent', sequential: true },
  { node: 'ephemeral', sequential: true },
  { node: 'container', sequential: false },
  { node: 'ttl', sequential: false },
  { node: 'ttl', sequential: true },
];
const IMPOSSIBLE_MODE: CreateMode = { node: 'ttl', sequential: false };

interface CreateMode {
  readonly node: NodeKind;
  readonly sequential: boolean;
}

/** One operation alone. */
export function handleOperation(
  opcode: number,
  reader: JuteReader,
  answer: JuteWriter,
  context: RequestContext,
): ZkErrorCode {
  const outcome = context.commit([readOperation(opcode, reader)]);
  if (!outcome.ok) return outcome.code;
  for (const result of outcome.results) writeResult(opcode, result, answer);
  return ZkError.OK;
}

/** Several at once. The answer is well-formed even when they are refused: each has its own code. */
export function handleMulti(reader: JuteReader, answer: JuteWriter, context: RequestContext): ZkErrorCode {
  const asked: { opcode: number; operation: Operation }[] = [];
  for (const opcode of multiHeaders(reader)) {
    if (!MULTI_OPCODES.has(opcode)) throw new JuteError(`opcode ${opcode} in a multi`);
    asked.push(readMultiOperation(opcode, reader));
  }
  const outcome = context.commit(asked.map(({ operation }) => operation));
  for (const [index, { opcode }] of asked.entries()) {
    if (outcome.ok) {
      const result = outcome.results[index];
      if (!result) continue;
      answer.int(resultType(opcode)).boolean(false).int(ZkError.OK);
      writeResult(opcode, result, answer);
    } else {
      const after = index > outcome.index ? ZkError.RUNTIME_INCONSISTENCY : ZkError.OK;
      writeError(answer, index === outcome.index ? outcome.code : after);
    }
  }
  writeMultiEnd(answer);
  return ZkError.OK;
}

/** The opcode of each entry, up to the end mark; the caller reads the entry before the next step. */
export function* multiHeaders(reader: JuteReader): Iterable<number> {
  for (;;) {
    const opcode = reader.int();
    const done = reader.boolean();
    reader.int();
    if (done) return;
    yield opcode;
  }
}

/** The result of one operation that was not carried out, inside the answer to a multi. */
export function writeError(answer: JuteWriter, code: ZkErrorCode): void {
  answer.int(Opcode.ERROR).boolean(false).int(code).int(code);
}

/** The mark behind the last result of a multi. */
export function writeMultiEnd(answer: JuteWriter): void {
  answer.int(-1).boolean(true).int(-1);
}

const MULTI_OPCODES: ReadonlySet<number> = new Set([
  Opcode.CREATE,
  Opcode.CREATE2,
  Opcode.CREATE_CONTAINER,
  Opcode.CREATE_TTL,
  Opcode.DELETE,
  Opcode.SET_DATA,
  Opcode.CHECK,
]);

const CREATES_BY_MODE: ReadonlySet<number> = new Set([
  Opcode.CREATE,
  Opcode.CREATE2,
  Opcode.CREATE_CONTAINER,
]);

function readOperation(opcode: number, reader: JuteReader): Operation {
  switch (opcode) {
    case Opcode.CREATE:
    case Opcode.CREATE2:
    case Opcode.CREATE_CONTAINER:
    case Opcode.CREATE_TTL:
      return readCreate(opcode, reader);
    case Opcode.DELETE:
      return { kind: 'delete', path: reader.string(), version: reader.int() };
    case Opcode.SET_DATA:
      return { kind: 'setData', path: reader.string(), data: kept(reader.buffer()), version: reader.int() };
    case Opcode.SET_ACL:
      return { kind: 'setAcl', path: reader.string(), acl: readAcl(reader), version: reader.int() };
    case Opcode.CHECK:
      return { kind: 'check', path: reader.string(), version: reader.int() };
    default:
      throw new JuteError(`opcode ${opcode} is no operation`);
  }
}

/**
 * Inside a multi a container's mode makes a container, whatever the opcode; a mode that is none spoils the
 * whole request. Source: MultiOperationRecord.deserialize, Op.Create.getOpcode (as of ZooKeeper 3.8.4).
 */
function readMultiOperation(opcode: number, reader: JuteReader): { opcode: number; operation: Operation } {
  if (!CREATES_BY_MODE.has(opcode)) return { opcode, operation: readOperation(opcode, reader) };
  const { operation, mode } = readCreateAndMode(opcode, reader);
  if (mode === IMPOSSIBLE_MODE) throw new JuteError('a create in a multi with an impossible mode');
  if (mode.node !== 'container') return { opcode, operation };
  return { opcode: Opcode.CREATE_CONTAINER, operation: { ...operation, node: 'container' } };
}

function readCreate(opcode: number, reader: JuteReader): Operation {
  return readCreateAndMode(opcode, reader).operation;
}

/** Containers and TTL nodes have opcodes of their own: another one with a container's mode makes a plain node. */
function readCreateAndMode(
  opcode: number,
  reader: JuteReader,
): { operation: Operation & { kind: 'create' }; mode: CreateMode } {
  const path = reader.string();
  const data = kept(reader.buffer());
  const acl = readAcl(reader);
  const asked = CREATE_MODES[reader.int()] ?? IMPOSSIBLE_MODE;
  const ttlMs = opcode === Opcode.CREATE_TTL ? Number(reader.long()) : 0;
  // A time to live and a mode that has none do not go together, nor the other way round.
  const consistent = (opcode === Opcode.CREATE_TTL) === (asked.node === 'ttl');
  const mode = consistent ? asked : IMPOSSIBLE_MODE;
  const plain = mode.node === 'container' ? 'persistent' : mode.node;
  const node = opcode === Opcode.CREATE_CONTAINER && plain !== 'ttl' ? 'container' : plain;
  const { sequential } = mode;
  return {
    operation: { kind: 'create', path, data, acl, node, sequential, ttlMs: consistent ? ttlMs : 0 },
    mode,
  };
}

/** The tree keeps the data, so it must not keep the whole frame alive. */
function kept(view: Buffer | null): Buffer | null {
  return view === null ? null : Buffer.from(view);
}

function resultType(opcode: number): number {
  return opcode === Opcode.CREATE_CONTAINER || opcode === Opcode.CREATE_TTL ? Opcode.CREATE2 : opcode;
}

function writeResult(opcode: number, result: OperationResult, answer: JuteWriter): void {
  switch (opcode) {
    case Opcode.CREATE:
      answer.string(result.path);
      break;
    case Opcode.CREATE2:
    case Opcode.CREATE_CONTAINER:
    case Opcode.CREATE_TTL:
      answer.string(result.path);
      if (result.stat) writeStat(answer, result.stat);
      break;
    case Opcode.SET_DATA:
    case Opcode.SET_ACL:
      if (result.stat) writeStat(answer, result.stat);
      break;
    default:
      break;
  }
}
