/**
 * Types of node-zookeeper-client's inner modules, which @types/node-zookeeper-client leaves out: the parts
 * that our connection extends and the jute records it puts on the wire. Only what is used is declared.
 * Source: node-zookeeper-client 1.1.3, lib/.
 */

declare module 'node-zookeeper-client/lib/jute/index.js' {
  /** A record knows its own layout; `path` fields get the chroot put in front and taken off. */
  interface Record {
    setChrootPath(path: string | undefined): void;
    byteLength(): number;
    serialize(buffer: Buffer, offset: number): number;
    deserialize(buffer: Buffer, offset: number): number;
  }
  interface RequestHeader extends Record {
    xid: number;
    type: number;
  }
  interface StatRecord extends Record {
    czxid: Buffer;
    mzxid: Buffer;
    ctime: Buffer;
    mtime: Buffer;
    version: number;
    aversion: number;
    ephemeralOwner: Buffer;
    numChildren: number;
  }
  interface IdRecord extends Record {
    scheme: string;
    id: string;
  }
  interface AclRecord extends Record {
    perms: number;
    id: IdRecord;
  }
  interface GetAclResponse extends Record {
    acl: AclRecord[];
    stat: StatRecord;
  }
  interface SetAclRequest extends Record {
    path: string;
    acl: AclRecord[];
    version: number;
  }
  interface ConnectResponse extends Record {
    timeOut: number;
    sessionId: Buffer;
    passwd: Buffer;
  }
  interface CreateRequest extends Record {
    path: string;
    data: Buffer;
    acl: AclRecord[];
    flags: number;
  }
  interface CreateResponse extends Record {
    path: string;
  }
  interface PathRequest extends Record {
    path: string;
  }
  interface SetDataRequest extends Record {
    path: string;
    data: Buffer;
    version: number;
  }
  interface DeleteRequest extends Record {
    path: string;
    version: number;
  }
  interface SetWatches extends Record {
    relativeZxid: Buffer;
    dataWatches: string[];
    existWatches: string[];
    childWatches: string[];
  }
  interface WatcherEvent extends Record {
    type: number;
    path: string;
  }
  interface TransactionResult {
    type: number;
    err?: number;
    path?: string;
    stat?: StatRecord;
  }
  interface TransactionResponse extends Record {
    results: TransactionResult[];
  }
  interface Request {
    header: RequestHeader;
    payload: Record | null;
    toBuffer(): Buffer;
  }
  interface Jute {
    Request: new (header: RequestHeader, payload: Record | null) => Request;
    TransactionRequest: new (ops: readonly object[]) => Record;
    TransactionResponse: new () => TransactionResponse;
    data: {
      Stat: new () => StatRecord;
      Id: new (scheme: string, id: string) => IdRecord;
      ACL: new (permissions: number, id: IdRecord) => AclRecord;
    };
    protocol: {
      RequestHeader: new () => RequestHeader;
      ConnectRequest: new (
        protocolVersion: number,
        lastZxidSeen: Buffer,
        timeOut: number,
        sessionId: Buffer,
        passwd: Buffer,
      ) => Record;
      ConnectResponse: new () => ConnectResponse;
      CreateRequest: new () => CreateRequest;
      CreateResponse: new () => CreateResponse;
      DeleteRequest: new () => DeleteRequest;
      ExistsResponse: new () => Record;
      GetACLRequest: new () => PathRequest;
      GetACLResponse: new () => GetAclResponse;
      GetChildren2Response: new () => Record;
      GetDataResponse: new () => Record;
      SetACLRequest: new () => SetAclRequest;
      SetACLResponse: new () => Record;
      SetDataRequest: new () => SetDataRequest;
      SetDataResponse: new () => Record;
      SetWatches: new () => SetWatches;
      WatcherEvent: new () => WatcherEvent;
    };
  }
  const jute: Jute;
  export = jute;
}

declare module 'node-zookeeper-client/lib/WatcherManager.js' {
  import type { EventEmitter } from 'node:events';
  import type { Event } from 'node-zookeeper-client';

  class WatcherManager {
    dataWatchers: { [path: string]: EventEmitter };
    childWatchers: { [path: string]: EventEmitter };
    existenceWatchers: { [path: string]: EventEmitter };
    getDataWatcherPaths(): string[];
    getExistenceWatcherPaths(): string[];
    getChildWatcherPaths(): string[];
    emit(event: Pick<Event, 'type' | 'path'>): void;
  }
  export = WatcherManager;
}

declare module 'node-zookeeper-client/lib/ConnectionManager.js' {
  import { EventEmitter } from 'node:events';
  import type jute from 'node-zookeeper-client/lib/jute/index.js';
  import type WatcherManager from 'node-zookeeper-client/lib/WatcherManager.js';

  class ConnectionManager extends EventEmitter {
    static readonly STATES: {
      readonly DISCONNECTED: number;
      readonly CONNECTING: number;
      readonly CONNECTED: number;
      readonly CLOSING: number;
      readonly CLOSED: number;
      readonly SESSION_EXPIRED: number;
      readonly AUTHENTICATION_FAILED: number;
    };
    constructor(connect: string, options: { sessionTimeout: number }, listener: (state: number) => void);
    chrootPath: string | undefined;
    state: number;
    xid: number;
    zxid: Buffer;
    sessionId: Buffer;
    sessionPassword: Buffer;
    sessionTimeout: number;
    watcherManager: WatcherManager;
    setState(state: number): void;
    updateTimeout(sessionTimeoutMs: number): void;
    connect(): void;
    close(): void;
    addAuthInfo(scheme: string, auth: Buffer): void;
    queue(
      request: InstanceType<typeof jute.Request>,
      callback?: (error: Error | null, response?: object) => void,
    ): void;
  }
  export = ConnectionManager;
}
