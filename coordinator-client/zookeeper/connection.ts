/**
 * The connection under node-zookeeper-client's Client: keeps one session alive over a row of TCP
 * connections. It takes the place of the package's ConnectionManager, whose defects ../README.md lists, and
 * keeps what the Client and its WatcherManager rely on.
 *
 * Rules: requests go out in the order of `queue`, at most `maxInFlightRequests` unanswered; every request
 * is answered exactly once; a write is never sent twice, and one that was not sent when the connection
 * broke is refused instead of kept for later; a finished session stays finished.
 */

import ConnectionManager from 'node-zookeeper-client/lib/ConnectionManager.js';
import jute from 'node-zookeeper-client/lib/jute/index.js';
import type { ConnectString, ServerAddress } from './connect-string.ts';
import { endSession } from './end-session.ts';
import { Fifo } from './fifo.ts';
import { isolated } from './isolated.ts';
import { Line } from './line.ts';
import type { DialServer } from './line-socket.ts';
import { Login, type ZookeeperCredentials } from './login.ts';
import { isWrite, RequestError, ReservedXid, ServerCode } from './opcodes.ts';
import { REPLY_HEADER_BYTES, type Reply, readReply, readReplyHeader } from './replies.ts';
import { closeSessionRequest, connectFrame, type Request } from './requests.ts';
import { setWatchesRequests } from './watch-restore.ts';

export interface ConnectionOptions {
  readonly sessionTimeoutMs: number;
  readonly connectionTimeoutMs: number;
  readonly maxInFlightRequests: number;
  readonly dial: DialServer;
  /** Who we prove to be on every connection; null: nobody. */
  readonly credentials: ZookeeperCredentials | null;
  readonly log: (message: string) => void;
}

/** With an error of the server the reply is there as well, without a payload. */
type Answer = (error: Error | null, reply?: Reply) => void;

interface Packet {
  readonly opcode: number;
  /** The whole frame; its xid is filled in when it is sent. */
  readonly bytes: Buffer;
  readonly answer: Answer;
  xid: number;
}

const { STATES } = ConnectionManager;
/** What a session is called that has ended by such a code; of others, CLOSED. */
const FINAL_STATES: ReadonlyMap<number, number> = new Map([
  [ServerCode.sessionExpired, STATES.SESSION_EXPIRED],
  [ServerCode.authFailed, STATES.AUTHENTICATION_FAILED],
]);
/** Behind the length. */
const XID_POSITION_BYTES = 4;
const MAX_XID = 0x7fffffff;
const MIN_HANDSHAKE_TIMEOUT_MS = 200;
const FIRST_BACKOFF_MS = 50;
const MAX_BACKOFF_MS = 1_000;

/**
 * A packet that is not refused at once is in `#waiting` or in `#inFlight`, not in both, until it is
 * answered.
 */
export class Connection extends ConnectionManager {
  readonly #options: ConnectionOptions;
  readonly #servers: readonly ServerAddress[];
  /** Not sent. While there is no connection only requests that change nothing wait. */
  readonly #waiting = new Fifo<Packet>();
  /** Sent and not answered, by xid: the server answers in this order. */
  readonly #inFlight = new Fifo<Packet>();
  /** The one that is dialling or established; events of a former one are not listened to. */
  #line: Line | undefined;
  /** Implies `#line`. */
  #established = false;
  /** Under way on `#line`, between the handshake and `#established`. */
  #login: Login | null = null;
  /** Why the servers do not believe who we are; then the session is over. */
  #loginRefused: string | null = null;
  #dialTimer: NodeJS.Timeout | undefined;
  /** Servers tried since the last handshake that worked. */
  #attempts = 0;
  /** Begins anywhere, then goes round. */
  #nextServer: number;
  /** `end` was called: nothing new is taken. */
  #closing = false;
  #closeSent = false;
  /** The code that every request is answered with once the session is over. */
  #finished: number | undefined;
  /** Called once each, when the session is over. */
  #onFinished: (() => void)[] = [];

  constructor(connect: ConnectString, options: ConnectionOptions, listener: (state: number) => void) {
    super('replaced:1', { sessionTimeout: options.sessionTimeoutMs }, listener);
    this.#options = options;
    this.#servers = connect.servers;
    this.#nextServer = Math.floor(Math.random() * connect.servers.length);
    this.xid = 1;
  }

  /** True between a handshake and the end of that connection. */
  get established(): boolean {
    return this.#established;
  }

  /** Why the session ended before it was of use: no server believes who we are. null in every other case. */
  get loginRefused(): string | null {
    return this.#loginRefused;
  }

  override connect(): void {
    if (this.#finished !== undefined || this.#line !== undefined) return;
    this.setState(STATES.CONNECTING);
    this.#dialTimer = setTimeout(() => this.#dial(), this.#backoffMs());
  }

  /** `answer` is never called before `queue` returns. */
  override queue(request: Request, answer: Answer = () => {}): void {
    request.payload?.setChrootPath(this.chrootPath);
    const packet = packetOf(request, answer);
    if (this.#finished !== undefined) {
      this.#answerSoon(packet, this.#finished);
    } else if (this.#closing || (!this.#established && isWrite(packet.opcode))) {
      this.#answerSoon(packet, ServerCode.connectionLoss);
    } else {
      this.#waiting.push(packet);
      this.#flush();
    }
  }

  /** Credentials are given once and for all, so that every connection begins with them. */
  override addAuthInfo(): void {
    throw new Error('credentials belong into the options');
  }

  override close(): void {
    void this.end(this.sessionTimeout);
  }

  /**
   * Ends the session on the server, within `timeoutMs`, also when the connection is down at the moment.
   * What was sent before is answered first; what was not is refused.
   */
  end(timeoutMs: number): Promise<void> {
    return new Promise((resolve) => {
      if (this.#finished !== undefined) {
        resolve();
        return;
      }
      this.#onFinished.push(resolve);
      if (this.#closing) return;
      this.#closing = true;
      const timer = setTimeout(() => this.#finish(ServerCode.connectionLoss), timeoutMs);
      this.#onFinished.push(() => clearTimeout(timer));
      for (const packet of this.#waiting.take(() => true)) {
        this.#answer(packet, new RequestError(ServerCode.connectionLoss, false));
      }
      if (this.sessionId.readBigInt64BE() === 0n) this.#finish(ServerCode.connectionLoss);
      else if (this.#established) this.#sendCloseSession();
    });
  }

  /** Has the servers end the session, as if it had expired. Rejects when none of them can be reached. */
  expire(dial: DialServer = this.#options.dial): Promise<void> {
    const { sessionId, sessionPassword, zxid: lastZxid } = this;
    const timeoutMs = this.sessionTimeout;
    return endSession(this.#servers, { sessionId, sessionPassword, lastZxid, timeoutMs, dial });
  }

  #backoffMs(): number {
    const attempt = this.#attempts++;
    const round = Math.floor(attempt / this.#servers.length);
    if (round === 0) return 0;
    if (attempt % this.#servers.length !== 0) return 0; // the wait is once per round
    const capMs = Math.min(MAX_BACKOFF_MS, this.sessionTimeout / 3);
    return Math.min(capMs, FIRST_BACKOFF_MS * 2 ** Math.min(round, 10)) * (0.5 + Math.random() / 2);
  }

  #dial(): void {
    const address = this.#servers[this.#nextServer];
    if (address === undefined) return;
    this.#nextServer = (this.#nextServer + 1) % this.#servers.length;
    // Time for every server within one session timeout, as ZooKeeper's client does it.
    const timeoutMs = Math.min(this.#options.connectionTimeoutMs, this.sessionTimeout) / this.#servers.length;
    const { dial } = this.#options;
    const options = { timeoutMs: Math.max(MIN_HANDSHAKE_TIMEOUT_MS, timeoutMs), dial };
    const line = new Line(address, options, {
      opened: () =>
        line.write(
          connectFrame({
            lastZxid: this.zxid,
            timeoutMs: this.#options.sessionTimeoutMs,
            sessionId: this.sessionId,
            password: this.sessionPassword,
          }),
        ),
      frame: (frame) => {
        if (this.#line !== line) return;
        if (this.#established) this.#onFrame(frame);
        else if (this.#login !== null) this.#logIn(this.#login, frame, line);
        else this.#onHandshake(frame, line);
      },
      closed: (reason) => {
        if (this.#line === line) this.#onLineClosed(`${address.host}:${address.port}: ${reason}`);
      },
    });
    this.#line = line;
  }

  #onHandshake(frame: Buffer, line: Line): void {
    const response = new jute.protocol.ConnectResponse();
    response.deserialize(frame, 0);
    if (response.timeOut <= 0) {
      this.#finish(ServerCode.sessionExpired);
      return;
    }
    this.sessionId = response.sessionId;
    this.sessionPassword = response.passwd;
    this.updateTimeout(response.timeOut);
    const { credentials } = this.#options;
    this.#login = credentials === null ? null : new Login(credentials);
    if (this.#login === null) this.#takeUp(line);
    else this.#logIn(this.#login, null, line);
  }

  /** Before anything else is sent, since what comes without the right name may be refused. */
  #logIn(login: Login, answer: Buffer | null, line: Line): void {
    const step = login.next(answer);
    if (step.kind === 'send') line.write(step.frame);
    else if (step.kind === 'done') this.#takeUp(line);
    else if (step.kind === 'refused') {
      this.#options.log(`login refused: ${step.reason}`);
      this.#loginRefused = step.reason;
      this.#finish(ServerCode.authFailed);
    }
  }

  /** The connection serves the session from now on. */
  #takeUp(line: Line): void {
    this.#login = null;
    this.#attempts = 0;
    this.#established = true;
    line.established(this.sessionTimeout);
    if (this.#closing) {
      this.#sendCloseSession();
      return;
    }
    this.#restoreWatches();
    this.setState(STATES.CONNECTED);
    this.#flush();
  }

  /** Before anything that was queued meanwhile. Emits `restored` when the server holds them all again. */
  #restoreWatches(): void {
    const requests = setWatchesRequests(this.watcherManager, this.zxid, this.chrootPath);
    let unanswered = requests.length;
    for (const request of requests) {
      const answer: Answer = () => {
        unanswered -= 1;
        if (unanswered === 0 && this.#established) this.emit('restored');
      };
      this.#send(packetOf(request, answer));
    }
    if (unanswered === 0) queueMicrotask(() => this.emit('restored'));
  }

  #flush(): void {
    while (this.#established && this.#inFlight.length < this.#options.maxInFlightRequests) {
      const packet = this.#waiting.shift();
      if (packet === undefined) return;
      this.#send(packet);
    }
  }

  #send(packet: Packet): void {
    packet.xid = this.xid;
    packet.bytes.writeInt32BE(packet.xid, XID_POSITION_BYTES);
    this.xid = this.xid === MAX_XID ? 1 : this.xid + 1;
    this.#inFlight.push(packet);
    this.#line?.write(packet.bytes);
  }

  #sendCloseSession(): void {
    if (this.#closeSent) return;
    this.#closeSent = true;
    this.#send(packetOf(closeSessionRequest(), () => this.#finish(ServerCode.connectionLoss)));
  }

  /** Throws when the frame makes no sense; the line is then given up and everything answered. */
  #onFrame(frame: Buffer): void {
    const header = readReplyHeader(frame);
    if (header.xid === ReservedXid.ping) return;
    if (header.xid === ReservedXid.notification) {
      this.#onNotification(frame);
      return;
    }
    if (header.err === ServerCode.sessionExpired) {
      this.#finish(ServerCode.sessionExpired);
      return;
    }
    const packet = this.#inFlight.peek();
    if (packet?.xid !== header.xid) throw new Error(`answer ${header.xid} out of order`);
    const payload = header.err === 0 ? readReply(packet.opcode, frame, this.chrootPath) : null;
    this.#inFlight.shift();
    if (header.zxid.readBigInt64BE() > 0n) this.zxid = header.zxid;
    const error = header.err === 0 ? null : new RequestError(header.err, true);
    this.#answer(packet, error, { header, payload });
    this.#flush();
  }

  #onNotification(frame: Buffer): void {
    const event = new jute.protocol.WatcherEvent();
    event.setChrootPath(this.chrootPath);
    event.deserialize(frame, REPLY_HEADER_BYTES);
    if (event.type < 1 || event.type > 4) return; // not about a node
    isolated(() => this.watcherManager.emit(event));
  }

  #onLineClosed(reason: string): void {
    const wasEstablished = this.#established;
    this.#line = undefined;
    this.#established = false;
    this.#login = null;
    if (this.#closing && this.#closeSent) {
      this.#finish(ServerCode.connectionLoss);
      return;
    }
    this.#options.log(`${wasEstablished ? 'connection lost' : 'no connection'}, ${reason}`);
    if (!this.#closing) this.setState(STATES.DISCONNECTED);
    this.#answerLost(ServerCode.connectionLoss);
    this.connect();
  }

  /** What was sent may have been done; a write that was not sent is refused; other requests wait on. */
  #answerLost(code: number): void {
    const refused = this.#waiting.take((packet) => isWrite(packet.opcode));
    for (const packet of this.#inFlight.take(() => true)) this.#answer(packet, new RequestError(code, true));
    for (const packet of refused) this.#answer(packet, new RequestError(code, false));
  }

  #finish(code: number): void {
    if (this.#finished !== undefined) return;
    this.#finished = code;
    this.#established = false;
    clearTimeout(this.#dialTimer);
    this.#line?.destroy('the session is over');
    this.#line = undefined;
    this.setState(FINAL_STATES.get(code) ?? STATES.CLOSED);
    this.#answerLost(code);
    for (const packet of this.#waiting.take(() => true)) this.#answer(packet, new RequestError(code, false));
    for (const done of this.#onFinished.splice(0)) done();
  }

  #answerSoon(packet: Packet, code: number): void {
    queueMicrotask(() => this.#answer(packet, new RequestError(code, false)));
  }

  #answer(packet: Packet, error: Error | null, reply?: Reply): void {
    isolated(() => packet.answer(error, reply));
  }
}

/** Serialized at once: the caller may use its buffers again. */
function packetOf(request: Request, answer: Answer): Packet {
  return { opcode: request.header.type, bytes: request.toBuffer(), answer, xid: 0 };
}
