/**
 * What the server does for each opcode of an established session: reads its request, writes the body
 * of its answer, returns the code for the header. Handlers are synchronous; events that a request
 * causes are on their way before its answer. Source: FinalRequestProcessor.
 */
import { ZkError, type ZkErrorCode } from '../tree/error-codes.ts';
import { addPersistent, type HeldWatches, rearm } from '../tree/set-watches.ts';
import { WatchMode } from '../tree/watches.ts';
import { JuteError, type JuteReader, JuteWriter } from './jute.ts';
import { handleMulti, handleOperation, multiHeaders, writeError, writeMultiEnd } from './operations.ts';
import type { RequestContext } from './request-context.ts';
import { Opcode, writeAcl, writeStat } from './wire.ts';

type Handler = (reader: JuteReader, answer: JuteWriter, context: RequestContext) => ZkErrorCode;

export const HANDLERS: ReadonlyMap<number, Handler> = new Map<number, Handler>([
  ...[
    Opcode.CREATE,
    Opcode.CREATE2,
    Opcode.CREATE_CONTAINER,
    Opcode.CREATE_TTL,
    Opcode.DELETE,
    Opcode.SET_DATA,
    Opcode.SET_ACL,
    Opcode.CHECK,
  ].map((opcode): [number, Handler] => [
    opcode,
    (reader, answer, context) => handleOperation(opcode, reader, answer, context),
  ]),
  [Opcode.MULTI, handleMulti],
  [Opcode.MULTI_READ, handleMultiRead],
  [Opcode.EXISTS, handleExists],
  [Opcode.GET_DATA, handleGetData],
  [Opcode.GET_CHILDREN, (reader, answer, context) => handleGetChildren(reader, answer, context, false)],
  [Opcode.GET_CHILDREN2, (reader, answer, context) => handleGetChildren(reader, answer, context, true)],
  [Opcode.GET_ACL, handleGetAcl],
  [Opcode.SYNC, handleSync],
  [Opcode.SET_WATCHES, (reader, _answer, context) => handleSetWatches(reader, context, false)],
  [Opcode.SET_WATCHES2, (reader, _answer, context) => handleSetWatches(reader, context, true)],
  [Opcode.ADD_WATCH, handleAddWatch],
  [Opcode.CHECK_WATCHES, (reader, _answer, context) => handleWatches(reader, context, hasWatch)],
  [Opcode.REMOVE_WATCHES, (reader, _answer, context) => handleWatches(reader, context, removeWatch)],
  [Opcode.GET_EPHEMERALS, handleGetEphemerals],
  [Opcode.GET_ALL_CHILDREN_NUMBER, handleGetAllChildrenNumber],
  [Opcode.WHO_AM_I, handleWhoAmI],
  // A server of its own has no ensemble to configure.
  [Opcode.RECONFIG, () => ZkError.RECONFIG_DISABLED],
]);

function handleExists(reader: JuteReader, answer: JuteWriter, context: RequestContext): ZkErrorCode {
  const path = reader.string();
  const stat = context.database.exists(path, context.watcher, reader.boolean());
  if (typeof stat === 'number') return stat;
  writeStat(answer, stat);
  return ZkError.OK;
}

function handleGetData(reader: JuteReader, answer: JuteWriter, context: RequestContext): ZkErrorCode {
  const found = context.database.getData(reader.string(), context.watcher, reader.boolean());
  if (typeof found === 'number') return found;
  answer.buffer(found.data);
  writeStat(answer, found.stat);
  return ZkError.OK;
}

function handleGetChildren(
  reader: JuteReader,
  answer: JuteWriter,
  context: RequestContext,
  withStat: boolean,
): ZkErrorCode {
  const found = context.database.getChildren(reader.string(), context.watcher, reader.boolean());
  if (typeof found === 'number') return found;
  answer.strings(found.names);
  if (withStat) writeStat(answer, found.stat);
  return ZkError.OK;
}

function handleGetAcl(reader: JuteReader, answer: JuteWriter, context: RequestContext): ZkErrorCode {
  const found = context.database.getAcl(reader.string(), context.watcher);
  if (typeof found === 'number') return found;
  writeAcl(answer, found.acl);
  writeStat(answer, found.stat);
  return ZkError.OK;
}

/** One server: what has been answered to anyone is visible to everyone already. */
function handleSync(reader: JuteReader, answer: JuteWriter): ZkErrorCode {
  answer.string(reader.string());
  return ZkError.OK;
}

/** Reads only; each has its own code. A request is small that asks for a large node again and again. */
function handleMultiRead(reader: JuteReader, answer: JuteWriter, context: RequestContext): ZkErrorCode {
  for (const opcode of multiHeaders(reader)) {
    const read =
      opcode === Opcode.GET_DATA || opcode === Opcode.GET_CHILDREN ? HANDLERS.get(opcode) : undefined;
    if (!read) throw new JuteError(`opcode ${opcode} in a multiRead`);
    const body = new JuteWriter();
    const code = read(reader, body, context);
    if (code === ZkError.OK) answer.int(opcode).boolean(false).int(ZkError.OK).raw(body.done());
    else writeError(answer, code);
    if (answer.sizeBytes > context.maxAnswerBytes)
      throw new JuteError(`an answer of ${answer.sizeBytes} bytes and more`);
  }
  writeMultiEnd(answer);
  return ZkError.OK;
}

function handleSetWatches(reader: JuteReader, context: RequestContext, withPersistent: boolean): ZkErrorCode {
  const lastSeenZxid = reader.long();
  const [data, exist, child] = [reader.strings(), reader.strings(), reader.strings()];
  const [persistent, recursive] = withPersistent ? [reader.strings(), reader.strings()] : [[], []];
  const held: HeldWatches = { lastSeenZxid, data, exist, child, persistent, recursive };
  context.deliver(rearm(context.database, context.watcher, held));
  return ZkError.OK;
}

function handleAddWatch(reader: JuteReader, answer: JuteWriter, context: RequestContext): ZkErrorCode {
  const path = reader.string();
  const mode = reader.int();
  if (mode === 0) addPersistent(context.database, path, context.watcher);
  else if (mode === 1) context.database.watches.add('data', path, context.watcher, WatchMode.RECURSIVE);
  else return ZkError.BAD_ARGUMENTS;
  answer.int(ZkError.OK);
  return ZkError.OK;
}

type WatchTouch = (context: RequestContext, path: string, kind: 'data' | 'child', modes: number) => boolean;

const hasWatch: WatchTouch = ({ database, watcher }, path, kind, modes) =>
  (database.watches.modes(kind, path, watcher) & modes) !== 0;

const removeWatch: WatchTouch = ({ database, watcher }, path, kind, modes) =>
  database.watches.remove(kind, path, watcher, modes);

/** Modes in the child table and in the data table, by the watcher type on the wire. */
const WATCHER_TYPES: ReadonlyMap<number, { child: number; data: number }> = new Map([
  [1, { child: WatchMode.STANDARD, data: 0 }],
  [2, { child: 0, data: WatchMode.STANDARD }],
  [3, { child: WatchMode.ANY, data: WatchMode.ANY }],
  [4, { child: WatchMode.PERSISTENT, data: WatchMode.PERSISTENT }],
  [5, { child: 0, data: WatchMode.RECURSIVE }],
]);

function handleWatches(reader: JuteReader, context: RequestContext, touch: WatchTouch): ZkErrorCode {
  const path = reader.string();
  const modes = WATCHER_TYPES.get(reader.int());
  if (!modes) return ZkError.BAD_ARGUMENTS;
  const ofChildren = touch(context, path, 'child', modes.child);
  const ofData = touch(context, path, 'data', modes.data);
  return ofChildren || ofData ? ZkError.OK : ZkError.NO_WATCHER;
}

function handleGetEphemerals(reader: JuteReader, answer: JuteWriter, context: RequestContext): ZkErrorCode {
  const prefix = reader.string().trim();
  const paths = [...context.database.tree.ephemeralsOf(context.sessionId)];
  answer.strings(prefix === '' || prefix === '/' ? paths : paths.filter((path) => path.startsWith(prefix)));
  return ZkError.OK;
}

function handleGetAllChildrenNumber(
  reader: JuteReader,
  answer: JuteWriter,
  context: RequestContext,
): ZkErrorCode {
  const found = context.database.countBelow(reader.string(), context.watcher);
  if (typeof found === 'number') return found;
  answer.int(found.count);
  return ZkError.OK;
}

/** Digests are shown without their hashes. */
function handleWhoAmI(_reader: JuteReader, answer: JuteWriter, context: RequestContext): ZkErrorCode {
  const { identities } = context.watcher;
  answer.int(identities.length);
  for (const { scheme, id } of identities) {
    answer.string(scheme).string(scheme === 'digest' ? (id.split(':', 1)[0] ?? '') : id);
  }
  return ZkError.OK;
}
