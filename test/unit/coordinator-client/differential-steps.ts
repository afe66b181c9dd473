/** Random requests for the comparison with a real server, and their answers in comparable form. */

import type { Random } from '../../../broker/platform/random.ts';
import type { JuteReader, JuteWriter } from '../../../coordinator-client/embedded/jute.ts';
import { Opcode, readAcl } from '../../../coordinator-client/embedded/wire.ts';

/** Turns what differs by nature between two servers into what must not: zxids into steps, session ids into names. */
export interface Names {
  zxid(zxid: bigint): string;
  owner(owner: bigint): string;
}

export interface Step {
  /** What is asked, for the reader of a failure. */
  readonly text: string;
  readonly opcode: number;
  readonly write: (writer: JuteWriter, lastZxid: bigint) => void;
  readonly parse: (body: JuteReader, names: Names) => unknown;
  readonly changes: boolean;
}

type PickOne = <Value>(values: readonly Value[]) => Value;

const PATHS = ['/a', '/b', '/a/x', '/a/y', '/a/x/1', '/b/z', '/c'];
/** Not the empty path, which a real server takes for the root in reads; no client sends it. */
const ODD_PATHS = [
  '/',
  '/zookeeper',
  '/no/where',
  '/a/',
  '//a',
  '/a/../b',
  'a',

  '/a/\u0001',
  '/zookeeper/quota',
];
const ACLS: readonly (readonly (readonly [number, string, string])[])[] = [
  ...new Array<[number, string, string][]>(12).fill([[31, 'world', 'anyone']]),
  [[1, 'world', 'anyone']],
  [
    [29, 'world', 'anyone'],
    [31, 'auth', ''],
  ],
  [[31, 'auth', '']],
  [[31, 'ip', '127.0.0.0/8']],
  [[31, 'ip', '10.0.0.1']],
  [[31, 'world', 'somebody']],
  [[31, 'digest', 'without-a-hash']],
  [[31, 'nobody-knows', 'x']],
  [],
];
const STANDARD_REMOVALS = [1, 2, 3];
/** No TTL nodes: the real server of the tests is not configured for them. 9 is no mode at all. */
const CREATE_FLAGS = [0, 0, 0, 0, 1, 1, 2, 3, 4, 9];

/** `modern`: for a server from 3.8.4 on, which has another answer to some creates inside a multi. */
export function randomStep(random: Random, modern: boolean): Step {
  const one: PickOne = (values) => values[random.int(values.length)] as (typeof values)[number];
  const kinds = [
    ...new Array<() => Step>(5).fill(() => createStep(one)),
    ...new Array<() => Step>(2).fill(() => deleteStep(one)),
    ...new Array<() => Step>(2).fill(() => setDataStep(one)),
    ...new Array<() => Step>(3).fill(() => multiStep(one, modern)),
    () => readStep(one),
    () => readStep(one),
    () => readStep(one),
    () => setAclStep(one),
    () => multiReadStep(one),
    () => removeWatchesStep(one),
    () => setWatchesStep(one),
    () => sessionStep(one),
  ];
  return one(kinds)();
}

/** Only for a connection that sets no other watches: before 3.9 one mode replaces another on the same path. */
export function addWatchStep(path: string, mode: 0 | 1): Step {
  return {
    text: `addWatch ${path} ${mode === 0 ? 'persistent' : 'recursive'}`,
    opcode: Opcode.ADD_WATCH,
    write: (writer) => writer.string(path).int(mode),
    parse: (body) => body.int(),
    changes: false,
  };
}

export function existsStep(path: string): Step {
  return reading(`exists ${path}`, Opcode.EXISTS, path, false, (body, names) => stat(body, names));
}

export function closeSessionStep(): Step {
  return {
    text: 'closeSession',
    opcode: Opcode.CLOSE_SESSION,
    write: () => {},
    parse: () => null,
    changes: true,
  };
}

function path(one: PickOne): string {
  return one([one(PATHS), one(PATHS), one(PATHS), one(PATHS), one(PATHS), one(ODD_PATHS)]);
}

const version = (one: PickOne): number => one([-1, -1, -1, 0, 1, 2]);

function createStep(one: PickOne): Step {
  const opcode = one([Opcode.CREATE, Opcode.CREATE2, Opcode.CREATE2, Opcode.CREATE_CONTAINER]);
  const create = randomCreate(one);

  return {
    text: `create (${opcode}) ${create.text}`,
    opcode,
    write: create.write,
    parse: (body, names) => [body.string(), opcode === Opcode.CREATE ? null : stat(body, names)],
    changes: true,
  };
}

function randomCreate(one: PickOne, modes = CREATE_FLAGS): Omit<MultiPart, 'opcode'> {
  const [to, flags, acl, data] = [path(one), one(modes), one(ACLS), one([null, '', 'data'])];
  return {
    text: `${JSON.stringify(to)} flags ${flags} acl ${JSON.stringify(acl)} data ${data}`,
    write: (writer) => {
      writer
        .string(to)
        .buffer(data === null ? null : Buffer.from(data))
        .int(acl.length);
      for (const [permissions, scheme, id] of acl) writer.int(permissions).string(scheme).string(id);
      writer.int(flags);
    },
  };
}

function deleteStep(one: PickOne): Step {
  const [to, at] = [path(one), version(one)];
  return {
    text: `delete ${JSON.stringify(to)} version ${at}`,
    opcode: Opcode.DELETE,
    write: (writer) => writer.string(to).int(at),
    parse: () => null,
    changes: true,
  };
}

function setDataStep(one: PickOne): Step {
  const [to, at] = [path(one), version(one)];
  return {
    text: `setData ${JSON.stringify(to)} version ${at}`,
    opcode: Opcode.SET_DATA,
    write: (writer) => writer.string(to).buffer(Buffer.from('new')).int(at),
    parse: stat,
    changes: true,
  };
}

function setAclStep(one: PickOne): Step {
  const [to, at, acl] = [path(one), version(one), one(ACLS)];
  return {
    text: `setAcl ${JSON.stringify(to)} version ${at} ${JSON.stringify(acl)}`,
    opcode: Opcode.SET_ACL,
    write: (writer) => {
      writer.string(to).int(acl.length);
      for (const [permissions, scheme, id] of acl) writer.int(permissions).string(scheme).string(id);
      writer.int(at);
    },
    parse: stat,
    changes: true,
  };
}

function readStep(one: PickOne): Step {
  const [to, watch] = [path(one), one([true, false])];
  const text = `${JSON.stringify(to)} ${watch ? 'and watch' : ''}`;
  return one([
    () => reading(`exists ${text}`, Opcode.EXISTS, to, watch, stat),
    () =>
      reading(`getData ${text}`, Opcode.GET_DATA, to, watch, (body, names) => [
        dataOf(body),
        stat(body, names),
      ]),
    () => reading(`getChildren ${text}`, Opcode.GET_CHILDREN, to, watch, (body) => body.strings().sort()),
    () =>
      reading(`getChildren2 ${text}`, Opcode.GET_CHILDREN2, to, watch, (body, names) => [
        body.strings().sort(),
        stat(body, names),
      ]),
    () =>
      reading(`getAcl ${text}`, Opcode.GET_ACL, to, null, (body, names) => [
        readAcl(body),
        stat(body, names),
      ]),
    () => reading(`count ${text}`, Opcode.GET_ALL_CHILDREN_NUMBER, to, null, (body) => body.int()),
  ])();
}

function reading(
  text: string,
  opcode: number,
  to: string,
  watch: boolean | null,
  parse: Step['parse'],
): Step {
  const write = (writer: JuteWriter): void => {
    writer.string(to);
    if (watch !== null) writer.boolean(watch);
  };
  return { text, opcode, write, parse, changes: false };
}

function multiStep(one: PickOne, modern: boolean): Step {
  const parts = one([[1, 2], [1, 2, 3], [1, 2, 3, 4], [1]]).map(() => multiPart(one, modern));
  return {
    text: `multi [${parts.map((part) => part.text).join('; ')}]`,
    opcode: Opcode.MULTI,
    write: (writer) => {
      for (const part of parts) {
        writer.int(part.opcode).boolean(false).int(-1);
        part.write(writer);
      }
      writer.int(-1).boolean(true).int(-1);
    },
    parse: multiResults,
    changes: true,
  };
}

interface MultiPart {
  readonly text: string;
  readonly opcode: number;
  readonly write: (writer: JuteWriter) => void;
}

function multiPart(one: PickOne, modern: boolean): MultiPart {
  const [to, at] = [path(one), version(one)];
  const create = randomCreate(one, modern ? CREATE_FLAGS : CREATE_FLAGS.filter((flags) => flags !== 9));
  const opcodes = modern ? [Opcode.CREATE2, Opcode.CREATE_CONTAINER] : [Opcode.CREATE];
  const other = one(opcodes);
  return one([
    { text: `create ${create.text}`, opcode: Opcode.CREATE, write: create.write },
    { text: `create (${other}) ${create.text}`, opcode: other, write: create.write },
    { text: `delete ${to} ${at}`, opcode: Opcode.DELETE, write: (writer) => void writer.string(to).int(at) },
    { text: `check ${to} ${at}`, opcode: Opcode.CHECK, write: (writer) => void writer.string(to).int(at) },
    {
      text: `setData ${to} ${at}`,
      opcode: Opcode.SET_DATA,
      write: (writer) => void writer.string(to).buffer(Buffer.from('m')).int(at),
    },
  ]);
}

function multiReadStep(one: PickOne): Step {
  const parts = [0, 1, 2].map(() => ({ to: path(one), opcode: one([Opcode.GET_DATA, Opcode.GET_CHILDREN]) }));
  return {
    text: `multiRead ${JSON.stringify(parts)}`,
    opcode: Opcode.MULTI_READ,
    write: (writer) => {
      for (const { to, opcode } of parts) writer.int(opcode).boolean(false).int(-1).string(to).boolean(false);
      writer.int(-1).boolean(true).int(-1);
    },
    parse: multiResults,
    changes: false,
  };
}

/** Not checkWatches: before 3.9 it finds the watches of other sessions. */
function removeWatchesStep(one: PickOne): Step {
  const [to, type] = [path(one), one(STANDARD_REMOVALS)];
  return {
    text: `remove watches ${JSON.stringify(to)} type ${type}`,
    opcode: Opcode.REMOVE_WATCHES,
    write: (writer) => writer.string(to).int(type),
    parse: () => null,
    changes: false,
  };
}

function setWatchesStep(one: PickOne): Step {
  const [data, exist, child] = [[one(PATHS)], [one(PATHS)], [one(PATHS)]];
  const since = one([0n, 1n << 62n, null]);
  return {
    text: `setWatches since ${since ?? 'now'} ${data} ${exist} ${child}`,
    opcode: Opcode.SET_WATCHES,
    write: (writer, lastZxid) =>
      writer
        .long(since ?? lastZxid)
        .strings(data)
        .strings(exist)
        .strings(child),
    parse: () => null,
    changes: false,
  };
}

function sessionStep(one: PickOne): Step {
  return one<Step>([
    {
      text: 'getEphemerals',
      opcode: Opcode.GET_EPHEMERALS,
      write: (writer) => writer.string('/'),
      parse: (body) => body.strings().sort(),
      changes: false,
    },
    {
      text: 'sync',
      opcode: Opcode.SYNC,
      write: (writer) => writer.string('/a'),
      parse: (body) => body.string(),
      changes: false,
    },
  ]);
}

function multiResults(body: JuteReader, names: Names): unknown {
  const results: unknown[] = [];
  for (;;) {
    const [type, done, code] = [body.int(), body.boolean(), body.int()];
    if (done) return results;
    results.push([type, code, multiResult(type, body, names)]);
  }
}

function multiResult(type: number, body: JuteReader, names: Names): unknown {
  switch (type) {
    case Opcode.ERROR:
      return body.int();
    case Opcode.CREATE:
      return body.string();
    case Opcode.CREATE2:
      return [body.string(), stat(body, names)];
    case Opcode.SET_DATA:
      return stat(body, names);
    case Opcode.GET_DATA:
      return [dataOf(body), stat(body, names)];
    case Opcode.GET_CHILDREN:
      return body.strings().sort();
    default:
      return null;
  }
}

function dataOf(body: JuteReader): string | null {
  return body.buffer()?.toString() ?? null;
}

function stat(body: JuteReader, names: Names): unknown {
  const [czxid, mzxid] = [names.zxid(body.long()), names.zxid(body.long())];
  const [ctime, mtime] = [body.long(), body.long()];
  const [version_, cversion, aversion] = [body.int(), body.int(), body.int()];
  const owner = names.owner(body.long());
  const [dataLength, numChildren] = [body.int(), body.int()];
  const pzxid = names.zxid(body.long());
  const timesInOrder = ctime <= mtime;
  return {
    czxid,
    mzxid,
    pzxid,
    version: version_,
    cversion,
    aversion,
    owner,
    dataLength,
    numChildren,
    timesInOrder,
  };
}
